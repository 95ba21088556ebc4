"""Changes of a run that come many at a time, each batch in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.tracking import points as curves
from fettle.tracking.acts import upkeep
from fettle.tracking.acts.experiments import numbered
from fettle.tracking.chunks import Points
from fettle.tracking.names import check_key, check_values
from fettle.tracking.records.inputs import Brief, ModelMetric
from fettle.tracking.records.metrics import Column, Point
from fettle.tracking.records.runs import Run, Status
from fettle.tracking.records.sheets import Sheet
from fettle.tracking.store import batch as store
from fettle.tracking.store import experiments, logged_models
from fettle.tracking.store import runs as whole

MOST_NAME = 1000
"""Characters of a run's name."""


@act("tracking.begin", plumbing=True)
def begin(
    ctx: Context,
    number: int,
    name: str = "",
    *,
    tags: dict[str, str] | None = None,
    parent: str | None = None,
    notes: str = "",
    started_at: datetime | None = None,
) -> Sheet:
    """Start a run in the experiment of a number, as clients do that know experiments by numbers.

    Args:
        number: The experiment's; 0 is `Default`, made if it is not there.
        name: What people call the run; empty means a part of its id.
        tags: Tag and text.
        parent: The run it is a part of.
        notes: About it, in Markdown.
        started_at: When it began; None means now.

    Raises:
        Conflict: The experiment is in the bin, or its quota is used up.
    """
    check_name(name)
    check_values("tag", tags or {})
    experiment = _opened(ctx, number)
    upkeep.check_quota(ctx, experiment.name)
    run_id = ids.event_id(ctx.now).replace("-", "")
    started = Run(
        id=run_id,
        experiment=experiment.name,
        name=name or run_id[-12:],
        status="running",
        author=ctx.actor,
        started_at=started_at or ctx.now,
        parent=parent,
        notes=notes,
        tags=tags or {},
    )
    whole.add_run(ctx.tx, started)
    whole.set_tags(ctx.tx, run_id, started.tags)
    ctx.emit("tracking.started", f"run:{run_id}", experiment=experiment.name)
    return Sheet(
        id=run_id,
        experiment=experiment,
        name=started.name,
        status=started.status,
        author=started.author,
        started_us=curves.microseconds(started.started_at),
        parent=parent or "",
        notes=notes,
        tags=started.tags,
    )


def _opened(ctx: Context, number: int) -> Brief:
    """The experiment of a number, in use; `Default` is made when it is missing."""
    found = store.briefs_numbered(ctx.tx, [number]).get(number)
    if number == 0 and found is None:
        experiments.add_experiment(ctx.tx, "Default", ctx.now)
        found = store.briefs_numbered(ctx.tx, [number]).get(number)
    if found is None:
        raise NotFound(f"There is no experiment number {number}.", hint="fettle tracking experiments")
    if found.deleted_at is not None:
        raise Conflict(f"The experiment {found.name!r} is in the bin.", subject=f"experiment:{found.name}")
    return found


@act("tracking.briefs", reads=True, plumbing=True)
def briefs(ctx: Context, *, numbers: list[int] | None = None, names: list[str] | None = None) -> list[Brief]:
    """Show experiments without what must be counted; those that are not there are left out.

    Args:
        numbers: Their numbers.
        names: Or their names.
    """
    if names is not None:
        return list(store.briefs_named(ctx.tx, names).values())
    return list(store.briefs_numbered(ctx.tx, numbers or []).values())


@act("tracking.record", plumbing=True)
def record(
    ctx: Context,
    run: str,
    *,
    params: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
    points: list[Point] | None = None,
    columns: list[Column] | None = None,
    models: list[ModelMetric] | None = None,
    name: str | None = None,
    notes: str | None = None,
    parent: str | None = None,
    status: Status | None = None,
    ended_at: datetime | None = None,
) -> None:
    """Change all that a batch names of a run, or nothing.

    Args:
        run: Its id.
        params: Parameter and value; another value than the one it has is refused.
        tags: Tag and text; replaces the text of a tag that exists.
        untag: Tags to drop.
        points: Points of its metrics.
        columns: Further points, a packed column a metric.
        models: The same points, where they speak of a logged model.
        name: A new name.
        notes: New notes, in Markdown.
        parent: The run it is a part of.
        status: A new status.
        ended_at: When it ended; None means now, for a status that ends it.

    Raises:
        Conflict: A parameter has another value already, or the run is in the bin.
        NotFound: A tag to drop is not there.
    """
    state = in_use(ctx, run)
    check_values("tag", tags or {})
    _add_params(ctx, run, params or {})
    whole.set_tags(ctx.tx, run, tags or {})
    for key in untag or []:
        if not store.remove_tag(ctx.tx, run, key):
            raise NotFound(f"Run {run} has no tag {key!r}.", hint=f"fettle tracking show {run}")
    _add_points(ctx, run, points or [], columns or [], models or [])
    fields: dict[str, Any] = {"name": check_name(name), "notes": notes, "parent": parent}
    fields = {key: value for key, value in fields.items() if value is not None}
    if status is not None and (status != state.status or ended_at is not None):
        ends = status in ("finished", "failed", "killed")
        fields |= {"status": status, "ended_at": (ended_at or ctx.now) if ends else ended_at}
        if status != state.status and ends:
            ctx.emit(f"tracking.{status}", f"run:{run}", experiment=state.experiment)
    elif ended_at is not None:
        fields["ended_at"] = ended_at
    if fields:
        whole.change_run(ctx.tx, run, **fields)


@act("tracking.observe", audited=False, plumbing=True)
def observe(
    ctx: Context,
    run: str,
    points: list[Point] | None = None,
    *,
    columns: list[Column] | None = None,
    models: list[ModelMetric] | None = None,
) -> int:
    """Add points to the metrics of a run and to those of logged models; return how many.

    Args:
        run: Its id.
        points: Key, value, step and time; a point without a time gets the present.
        columns: Further points, a packed column a metric.
        models: The same points, where they speak of a logged model.
    """
    in_use(ctx, run)
    return _add_points(ctx, run, points or [], columns or [], models or [])


@act("tracking.delete_number", plumbing=True)
def delete_number(ctx: Context, number: int) -> str:
    """Put the experiment of a number and its runs into the bin; return its name.

    Args:
        number: The experiment's.

    Raises:
        Conflict: It is there already.
    """
    known = numbered(ctx, number)
    if known.deleted_at is not None:
        raise Conflict(f"The experiment {known.name!r} is in the bin.", subject=f"experiment:{known.name}")
    experiments.change_experiment(ctx.tx, known.name, deleted_at=ctx.now, updated_at=ctx.now)
    experiments.bin_runs(ctx.tx, known.name, ctx.now)
    ctx.emit("tracking.experiment_deleted", f"experiment:{known.name}")
    return known.name


def in_use(ctx: Context, run: str) -> store.State:
    """The state of a run that is not in the bin.

    Raises:
        NotFound: There is none of that id.
        Conflict: It is in the bin.
    """
    state = store.find_state(ctx.tx, run)
    if state is None:
        raise NotFound(f"There is no run {run!r}.", hint="fettle tracking runs", subject=f"run:{run}")
    if state.deleted_at is not None:
        raise Conflict(
            f"Run {run} is in the bin.", hint=f"fettle tracking restore {run}", subject=f"run:{run}"
        )
    return state


def check_name(name: str | None) -> str | None:
    """Return `name` if a run may have it: any text of at most 1,000 characters."""
    if name is not None and len(name) > MOST_NAME:
        raise Invalid(
            "The name of the run is too long.",
            found=f"{len(name):,} characters",
            hint=f"At most {MOST_NAME:,}; longer texts belong into its notes.",
        )
    return name


def _add_params(ctx: Context, run: str, params: dict[str, Any]) -> None:
    """Add parameters, or leave them as they are where they are the same."""
    if not params:
        return
    check_values("parameter", params)
    known = whole.params_of(ctx.tx, run, list(params))
    changed = [key for key, value in params.items() if key in known and not _same(known[key], value)]
    if changed:
        shown = "; ".join(f"{key!r} is {known[key]!r}, not {params[key]!r}" for key in changed[:5])
        raise Conflict(
            f"Changing the values of parameters is not allowed: run {run} has {len(changed)} of them already.",
            found=shown[:1000],
            hint="A parameter never changes; use a tag, or start a new run.",
            subject=f"run:{run}",
        )
    whole.add_params(ctx.tx, run, {key: value for key, value in params.items() if key not in known})


def _same(known: Any, value: Any) -> bool:
    """Whether a value is the one that is known, or its text: some clients know texts only."""
    return known == value or (isinstance(value, str) and str(known) == value)


def _add_points(
    ctx: Context, run: str, points: list[Point], columns: list[Column], models: list[ModelMetric]
) -> int:
    made = curves.columns_of(points, ctx.now) if points else {}
    for each in columns:
        unpacked = curves.columns_of_packed(each)
        made[each.key] = Points.joined([made[each.key], unpacked]) if each.key in made else unpacked
    for key in made:
        check_key("metric", key)
    added = curves.add(ctx.tx, run, made) if made else 0
    if models:
        logged_models.add_metrics(ctx.tx, run, models, ctx.now)
    return added
