"""What keeps a tracking store small, and what takes it elsewhere whole."""

from __future__ import annotations

from datetime import timedelta

from fettle.acts import Context, Role, act
from fettle.core.errors import Conflict, Invalid, Unavailable
from fettle.storage.census import named_objects
from fettle.storage.objects import object_key
from fettle.tracking.acts import experiments
from fettle.tracking.names import check_experiment, check_run_id, check_values
from fettle.tracking.records.runs import Run
from fettle.tracking.records.upkeep import Purged, PurgedExperiments, Quota, Removable, RemovableBeside
from fettle.tracking.store import emptying
from fettle.tracking.store import experiments as experiment_rows
from fettle.tracking.store import metrics as metric_rows
from fettle.tracking.store import runs as run_rows
from fettle.tracking.store import upkeep as store
from fettle.tracking.store.batch import find_state

MOST_AT_ONCE = 200
"""Runs that one act removes, so that no transaction grows without bound."""
MOST_TRACES = 2000
"""Traces that one act removes with experiments."""


@act("tracking.set_quota", needs=Role.APPROVER)
def set_quota(
    ctx: Context,
    experiment: str,
    *,
    runs: int | None = None,
    points: int | None = None,
    size_bytes: int | None = None,
) -> Quota:
    """Limit what an experiment may hold; leaving all limits out lifts them.

    A quota stops new runs and new files. What a run that has begun logs is never refused.

    Args:
        experiment: Its name.
        runs: Runs that are not in the bin.
        points: Points of metrics.
        size_bytes: Bytes of files.
    """
    known = experiments.named(ctx, experiment)
    if any(each is not None and each < 0 for each in (runs, points, size_bytes)):
        raise Invalid("A limit is no negative number.", hint="Leave it out for no limit.")
    store.set_quota(ctx.tx, known.number, Quota(experiment, runs, points, size_bytes))
    return quota(ctx, experiment)


@act("tracking.quota", reads=True)
def quota(ctx: Context, experiment: str) -> Quota:
    """Show what an experiment holds and may hold.

    Args:
        experiment: Its name.
    """
    known = experiments.named(ctx, experiment)
    found = store.quota_of(ctx.tx, known.number, experiment)
    points, size_bytes = store.used(ctx.tx, experiment)
    return found or Quota(experiment, runs=known.runs, points=points, size_bytes=size_bytes)


def check_quota(ctx: Context, experiment: str) -> None:
    """Refuse when the experiment's quota is used up.

    Raises:
        Conflict: It is.
    """
    limits = limits_of(ctx, experiment)
    if limits is not None:
        check_limits(limits)


def limits_of(ctx: Context, experiment: str) -> Quota | None:
    """The limits of an experiment and what it holds; None if it has no limits."""
    number = experiment_rows.number_of(ctx.tx, experiment)
    return None if number is None else store.quota_of(ctx.tx, number, experiment)


def check_limits(limits: Quota) -> None:
    """Refuse when a quota is used up.

    Raises:
        Conflict: It is.
    """
    if limits.exceeded:
        raise Conflict(
            f"The quota of experiment {limits.experiment!r} is used up.",
            found=", ".join(limits.exceeded),
            hint="Delete runs and collect them (fettle tracking gc), or ask for more: fettle tracking set-quota",
            subject=f"experiment:{limits.experiment}",
        )


def arrived(ctx: Context, path: str, digest: str) -> int:
    """The length of an object that is to be named; whoever names it is not believed about that.

    Raises:
        Unavailable: The object is not there (any more).
    """
    info = ctx.blobs.info(object_key(digest))
    if info is None:
        raise Unavailable(
            f"The content of {path!r} has not arrived.",
            found=f"no object {digest[:16]}",
            hint="Send it again.",
        )
    return info.size_bytes


def pin(ctx: Context, run: str, *, by: str) -> None:
    """Keep a run for as long as something made from it is known; for the rooms above, in their transaction.

    Args:
        ctx: The act that makes it.
        run: Its id; one that is not in this workspace needs no pin here.
        by: What was made from it, such as `model:fraud/3`.
    """
    if find_state(ctx.tx, run) is not None:
        store.pin(ctx.tx, run, by)


def unpin(ctx: Context, run: str, *, by: str) -> None:
    """Undo `pin`."""
    store.unpin(ctx.tx, run, by)


@act("tracking.removable", reads=True, plumbing=True)
def removable(
    ctx: Context, older_than_s: float, *, after: str = "", limit: int = MOST_AT_ONCE
) -> list[Removable]:
    """List runs that have been in the bin for some time, in the order of their ids.

    Args:
        older_than_s: For how many seconds at least.
        after: Only ids behind this one.
        limit: At most so many.
    """
    before = ctx.now - timedelta(seconds=max(0.0, older_than_s))
    return store.removable(ctx.tx, before, after, min(limit, MOST_AT_ONCE))


@act("tracking.purge", needs=Role.APPROVER, plumbing=True)
def purge(ctx: Context, ids: list[str]) -> Purged:
    """Remove runs that are in the bin for good, with their points, their traces and the names of their files.

    Those that are not in the bin any more, or that something was made from, stay.

    Args:
        ids: At most 200.
    """
    if len(ids) > MOST_AT_ONCE:
        raise Invalid("That are too many runs at once.", found=f"{len(ids)}", hint=f"At most {MOST_AT_ONCE}.")
    held = store.pinned(ctx.tx, ids)
    found = [each for each in (run_rows.find_run(ctx.tx, id) for id in ids) if each is not None]
    gone = [each.id for each in found if each.deleted_at is not None and each.id not in held]
    points = sum(each.count for id in gone for each in metric_rows.find_metrics(ctx.tx, id).values())
    traces = store.purge(ctx.tx, gone)
    for each in gone:
        ctx.emit("tracking.purged", f"run:{each}")
    return Purged(gone, points, traces)


@act("tracking.purge_models", needs=Role.APPROVER, plumbing=True)
def purge_models(ctx: Context, older_than_s: float) -> int:
    """Remove logged models that were deleted some time ago; return how many, 200 at most.

    Args:
        older_than_s: For how many seconds at least they have been deleted.
    """
    before = ctx.now - timedelta(seconds=max(0.0, older_than_s))
    gone = store.deleted_models(ctx.tx, before, MOST_AT_ONCE)
    store.purge_models(ctx.tx, gone)
    return len(gone)


@act("tracking.removable_beside", reads=True, plumbing=True)
def removable_beside(ctx: Context, older_than_s: float) -> RemovableBeside:
    """Show what a collection would take beside runs: experiments that are in the bin, models that were deleted.

    Args:
        older_than_s: For how many seconds at least.
    """
    before = ctx.now - timedelta(seconds=max(0.0, older_than_s))
    found = emptying.removable_experiments(ctx.tx, before)
    return RemovableBeside(found, *emptying.removable_models(ctx.tx, before))


@act("tracking.purge_experiments", needs=Role.APPROVER, plumbing=True)
def purge_experiments(ctx: Context, older_than_s: float) -> PurgedExperiments:
    """Remove experiments that are in the bin and have no runs any more, with all that was theirs; a batch of them.

    Args:
        older_than_s: For how many seconds at least they have been in the bin.
    """
    before = ctx.now - timedelta(seconds=max(0.0, older_than_s))
    gone: list[str] = []
    traces = 0
    for each in emptying.empty_experiments(ctx.tx, before, MOST_AT_ONCE):
        if traces >= MOST_TRACES:
            break
        went, done = emptying.purge_experiment(ctx.tx, each.number, each.name, MOST_TRACES - traces)
        traces += went
        if done:
            gone.append(each.name)
            ctx.emit("tracking.experiment_purged", f"experiment:{each.name}", number=each.number)
    return PurgedExperiments(gone, traces)


@act("tracking.free", needs=Role.APPROVER, plumbing=True)
def free(ctx: Context) -> int:
    """Remove the files of purged runs that nothing in the workspace names any more; return how many."""
    wanted = store.orphaned(ctx.tx)
    store.settle(ctx.tx)
    gone = wanted - named_objects(ctx.tx, ctx.blobs, wanted, passing=("acts_",)) if wanted else set()
    for each in sorted(gone):
        ctx.blobs.delete(object_key(each))
    return len(gone)


@act("tracking.ids", reads=True, plumbing=True)
def ids(
    ctx: Context, *, after: str = "", limit: int = 1000, experiments: list[str] | None = None
) -> list[str]:
    """List the ids of runs in order, those in the bin and the archive too.

    Args:
        after: Only ids behind this one.
        limit: At most so many.
        experiments: Only those of these experiments.
    """
    return store.ids_after(ctx.tx, after, min(max(0, limit), 10_000), experiments or [])


@act("tracking.adopt", needs=Role.ADMIN, plumbing=True)
def adopt(ctx: Context, run: Run) -> bool:
    """Take in a run of another workspace as it is, with its author and times; False if it is here already.

    Args:
        run: As `show` gave it there; its metrics and files are sent apart.
    """
    if find_state(ctx.tx, run.id) is not None:
        return False
    check_run_id(run.id)
    check_experiment(run.experiment)
    check_values("parameter", run.params)
    check_values("tag", run.tags)
    experiment_rows.add_experiment(ctx.tx, run.experiment, run.started_at)
    run_rows.add_run(ctx.tx, run)
    run_rows.add_params(ctx.tx, run.id, run.params)
    run_rows.set_tags(ctx.tx, run.id, run.tags)
    return True
