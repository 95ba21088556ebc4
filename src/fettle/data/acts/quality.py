"""What can be done with checks: ask something of a dataset, keep what came of it, and look back."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Denied, Invalid
from fettle.data.checks.vetting import vet
from fettle.data.records.checks import Check, CheckRun
from fettle.data.records.schemas import Severity
from fettle.data.store import checks as store
from fettle.data.store import resolve


@act("data.add_check")
def add_check(
    ctx: Context,
    dataset: str,
    id: str,
    expression: str = "",
    *,
    sql: str = "",
    query: str = "",
    unique: list[str] | None = None,
    references: str = "",
    columns: list[str] | None = None,
    severity: Severity = "error",
    mostly: float = 1.0,
    owner: str = "",
    description: str = "",
) -> Check:
    """Ask something of every version of a dataset; a check of the same id is replaced.

    Args:
        dataset: The dataset; it need not have a version yet.
        id: The check's name, such as `amount-is-positive`.
        expression: A condition, `amount > 0 and plan in ('a', 'b')`.
        sql: An SQL condition instead.
        query: Instead, an SQL query over the table `data` that selects the rows that fail.
        unique: Instead, columns whose values together occur once.
        references: Instead, where the values of the columns must occur: `customers@main:id`.
        columns: The columns that refer, or that are shown with a failing row.
        severity: What it means when it fails; an error ends `fettle data check` with exit code 5.
        mostly: The least share of rows that must pass.
        owner: Who is asked when it fails.
        description: Why it is asked.
    """
    _check_may_change(ctx, dataset)
    made = Check(
        id=id,
        expression=expression,
        sql=sql,
        query=query,
        unique=unique or [],
        references=references,
        columns=columns or [],
        severity=severity,
        mostly=mostly,
        owner=owner,
        description=description,
    )
    return set_checks(ctx, dataset, [made])[0]


@act("data.set_checks")
def set_checks(ctx: Context, dataset: str, checks: list[Check]) -> list[Check]:
    """Ask several things of a dataset at once; checks of the same id are replaced, others stay.

    Args:
        dataset: The dataset.
        checks: The checks.
    """
    _check_may_change(ctx, dataset)
    ids.check_name("dataset", dataset)
    for each in checks:
        if vet(each).function:
            raise Invalid(
                f"The check {each.id!r} is a Python function, which is not kept in a workspace.",
                hint="Give its file when checking: fettle data check REF --checks checks.py",
            )
    store.set_checks(ctx.tx, dataset, checks, at=ctx.now, by=ctx.actor)
    ctx.emit("data.checks_set", f"dataset:{dataset}", checks=[each.id for each in checks])
    return checks


@act("data.checks", reads=True)
def checks(ctx: Context, dataset: str) -> list[Check]:
    """List what is asked of a dataset.

    Args:
        dataset: The dataset.
    """
    return store.list_checks(ctx.tx, dataset)


@act("data.remove_check")
def remove_check(ctx: Context, dataset: str, id: str) -> None:
    """Ask something no longer; past results stay.

    Args:
        dataset: The dataset.
        id: The check.
    """
    _check_may_change(ctx, dataset)
    store.remove_check(ctx.tx, dataset, id)
    ctx.emit("data.check_removed", f"dataset:{dataset}", check=id)


@act("data.record_checks")
def record_checks(ctx: Context, ref: str, runs: list[CheckRun]) -> list[CheckRun]:
    """Keep what came of checks on a version; `fettle data check` makes them and calls this.

    Args:
        ref: The version.
        runs: The results; dataset, commit, time and actor are filled in here.
    """
    found = resolve.find_commit(ctx.tx, ref)
    kept = [
        CheckRun(
            dataset=found.dataset,
            commit=found.id,
            check=each.check,
            at=ctx.now,
            outcome=each.outcome,
            severity=each.severity,
            rows=each.rows,
            failed=each.failed,
            owner=each.owner,
            text=each.text,
            by=ctx.actor,
        )
        for each in runs
    ]
    store.add_runs(ctx.tx, kept)
    failed = [each.check for each in kept if each.outcome != "passed"]
    ctx.emit("data.checked", f"dataset:{found.dataset}", commit=found.id, checks=len(kept), failed=failed)
    return kept


@act("data.check_history", reads=True)
def check_history(
    ctx: Context, dataset: str, check: str = "", *, commit: str = "", limit: int = 100
) -> list[CheckRun]:
    """List what came of checks, the newest first.

    Args:
        dataset: The dataset, or a version of it (`churn@main`) for its results only.
        check: Only of this check.
        commit: Only on the version with this id.
        limit: At most so many.
    """
    name, at, _ = dataset.partition("@")
    if at:
        commit = resolve.find_commit(ctx.tx, dataset).id
    return store.list_runs(ctx.tx, name, check=check, commit=commit, most=limit)


def _check_may_change(ctx: Context, dataset: str) -> None:
    """Where a branch is guarded by checks, they are changed by those who may let versions in."""
    from fettle.data.store import policies

    guarded = [
        each for each in policies.list_protections(ctx.tx) if each.checks and each.dataset in ("*", dataset)
    ]
    if guarded and ctx.role < Role.APPROVER:
        raise Denied(
            f"The checks of {dataset!r} guard its branch {guarded[0].pattern!r}: only an approver changes them.",
            found=f"{ctx.actor} is {ctx.role.name.lower()}",
            hint="Ask an approver.",
        )
