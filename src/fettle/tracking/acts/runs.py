"""What can be done with runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, NotFound
from fettle.tracking import search as language
from fettle.tracking.acts import upkeep
from fettle.tracking.changes import check_notes
from fettle.tracking.names import check_experiment, check_path, check_run_id, check_values
from fettle.tracking.records.runs import Artifact, Run, Status
from fettle.tracking.records.search import All, Condition, Field, Query, Term
from fettle.tracking.store import experiments, search
from fettle.tracking.store import metrics as summaries
from fettle.tracking.store import runs as store
from fettle.tracking.store.batch import State, find_state
from fettle.tracking.values import changed

R = TypeVar("R", Run, State)


@act("tracking.start")
def start(
    ctx: Context,
    experiment: str,
    name: str = "",
    *,
    params: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    parent: str | None = None,
    inputs: list[str] | None = None,
    run_id: str | None = None,
    started_at: datetime | None = None,
) -> Run:
    """Start a run, or take up one that was started before.

    Args:
        experiment: The question the run belongs to; made if it is new.
        name: What people call the run; empty means a part of its id.
        params: Parameter and value; a value never changes once set.
        tags: Tag and text.
        parent: The run it is a part of.
        inputs: What it reads: dataset references with their commit.
        run_id: The id to use; if a run of this id exists, it goes on.
        started_at: When it began; None means now.

    Raises:
        Conflict: The run exists in another experiment, or has another value for a parameter; it or the experiment is
            in the bin.
    """
    check_experiment(experiment)
    known = find_state(ctx.tx, run_id) if run_id else None
    if known is None:
        chosen = check_run_id(run_id) if run_id else ids.event_id(ctx.now)
        _open_experiment(ctx, experiment)
        upkeep.check_quota(ctx, experiment)
        started = Run(
            id=chosen,
            experiment=experiment,
            name=name or chosen[-12:],
            status="running",
            author=ctx.actor,
            started_at=started_at or ctx.now,
            parent=parent,
            inputs=inputs or [],
        )
        store.add_run(ctx.tx, started)
    elif known.experiment != experiment:
        raise Conflict(
            f"Run {run_id} belongs to another experiment.",
            found=f"{known.experiment!r}, not {experiment!r}",
            hint="Leave run_id out to start a new run.",
            subject=f"run:{run_id}",
        )
    else:
        chosen = in_use(known).id
        store.reopen_run(ctx.tx, chosen)
    _set(ctx, chosen, params or {}, tags or {})
    ctx.emit("tracking.started", f"run:{chosen}", experiment=experiment)
    return existing(ctx, chosen)


@act("tracking.set")
def set_fields(
    ctx: Context, run: str, *, params: dict[str, Any] | None = None, tags: dict[str, str] | None = None
) -> Run:
    """Add parameters and set tags of a run.

    Args:
        run: Its id.
        params: Parameter and value; giving the same value again is no change, another value is refused.
        tags: Tag and text; replaces the text of a tag that exists.

    Raises:
        Conflict: A parameter has another value already.
    """
    in_use(state(ctx, run))
    _set(ctx, run, params or {}, tags or {})
    return existing(ctx, run)


@act("tracking.artifact")
def artifact(ctx: Context, run: str, path: str, digest: str, size_bytes: int) -> Artifact:
    """Name an object as a file of a run.

    Args:
        run: Its id.
        path: The file's name in the run, with `/` between folders.
        digest: The object, stored before.
        size_bytes: Its length as the sender knows it; that of the object counts.

    Raises:
        Unavailable: The object is not there (any more).
    """
    check_path(path)
    known = in_use(state(ctx, run))
    upkeep.check_quota(ctx, known.experiment)
    made = Artifact(path=path, digest=digest, size_bytes=upkeep.arrived(ctx, path, digest), at=ctx.now)
    store.put_artifacts(ctx.tx, run, [made])
    return made


@act("tracking.finish")
def finish(ctx: Context, run: str, status: Status = "finished", *, ended_at: datetime | None = None) -> Run:
    """End a run.

    Args:
        run: Its id.
        status: How it ended.
        ended_at: When; None means now.
    """
    end(ctx, run, status, ended_at=ended_at)
    return existing(ctx, run)


@act("tracking.end", plumbing=True)
def end(
    ctx: Context,
    run: str,
    status: Status = "finished",
    *,
    ended_at: datetime | None = None,
    unless_ended: bool = False,
) -> None:
    """End a run as `finish` does, and answer nothing: a run that holds very much is not read for it.

    Args:
        run: Its id.
        status: How it ended.
        ended_at: When; None means now.
        unless_ended: Leave a run as it is that is not running.
    """
    known = state(ctx, run)
    if known.status != status and not (unless_ended and known.status != "running"):
        store.end_run(ctx.tx, run, status, ended_at or ctx.now)
        ctx.emit(f"tracking.{status}", f"run:{run}", experiment=known.experiment)


@act("tracking.runs", reads=True)
def runs(
    ctx: Context,
    experiment: str | None = None,
    *,
    where: str = "",
    status: Status | None = None,
    parent: str | None = None,
    order_by: str | None = None,
    limit: int = 100,
    offset: int = 0,
    archived: bool | None = False,
) -> list[Run]:
    """List runs, newest first unless told otherwise; `search` goes through any number of them by pages.

    Args:
        experiment: Only those of one experiment.
        where: Only those of which this is true, such as `metrics.loss.min < 0.3 and params.model = "tree"`.
        status: Only those with one status.
        parent: Only the parts of one run.
        order_by: `started_at`, `name`, `metrics.KEY`, `params.KEY` or `tags.KEY`; a `-` before it turns the order
            round. Runs without a value come last.
        limit: At most so many.
        offset: Pass over so many first.
        archived: Those put aside too: all of them and no others if true. None means those too.

    Raises:
        Invalid: `where` or `order_by` cannot be read; the message points at the character.
    """
    said = language.parse(where, now=ctx.now)
    given = {"status": status, "parent": parent}
    equal = [
        Term(Field("attribute", key), "=", (value,)) for key, value in given.items() if value is not None
    ]
    parts: list[Condition] = [*equal, said]
    query = Query(
        where=All(tuple(parts)),
        experiments=None if experiment is None else (experiment,),
        order=language.parse_order([order_by or "-started_at"]),
        limit=max(0, limit),
        offset=max(0, offset),
        archived=None if language.mentions(said, "archived") else archived,
        deleted=None if language.mentions(said, "deleted") else False,
    )
    return search.find(ctx.tx, query).runs


@act("tracking.runs_of", reads=True)
def runs_of(ctx: Context, ids: list[str]) -> list[Run]:
    """Show several runs in the order of their ids, also such as are in the bin; ids that nobody has are passed over.

    Args:
        ids: Their ids.
    """
    return store.find_runs(ctx.tx, ids)


@act("tracking.using", reads=True)
def using(ctx: Context, reference: str, *, limit: int = 100) -> list[Run]:
    """List the runs whose inputs name a dataset or commit, newest first.

    Args:
        reference: A part of the input, such as a commit's id.
        limit: At most so many.
    """
    return store.runs_using(ctx.tx, reference, max(0, limit))


@act("tracking.show", reads=True)
def show(ctx: Context, run: str) -> Run:
    """Show a run with the summary of each metric and its files.

    Args:
        run: Its id.
    """
    return existing(ctx, run, whole=True)


@act("tracking.note")
def note(ctx: Context, run: str, notes: str) -> Run:
    """Write down something about a run, in place of what was written before.

    Args:
        run: Its id.
        notes: In Markdown.
    """
    check_notes(notes)
    in_use(state(ctx, run))
    store.change_run(ctx.tx, run, notes=notes)
    return existing(ctx, run)


@act("tracking.use")
def use(ctx: Context, run: str, inputs: list[str]) -> Run:
    """Add to what a run has read; what is there already is not added again.

    Args:
        run: Its id.
        inputs: Dataset references with their commit.
    """
    in_use(state(ctx, run))
    store.add_inputs(ctx.tx, run, inputs)
    return existing(ctx, run)


@act("tracking.archive")
def archive(ctx: Context, run: str) -> Run:
    """Put a run aside: lists and searches leave it out unless asked; nothing of it is lost.

    Args:
        run: Its id.
    """
    known = in_use(existing(ctx, run))
    if known.archived_at is not None:
        return known
    store.change_run(ctx.tx, run, archived_at=ctx.now)
    return existing(ctx, run)


@act("tracking.unarchive")
def unarchive(ctx: Context, run: str) -> Run:
    """Take a run back that was put aside.

    Args:
        run: Its id.
    """
    in_use(state(ctx, run))
    store.change_run(ctx.tx, run, archived_at=None)
    return existing(ctx, run)


@act("tracking.delete")
def delete(ctx: Context, run: str) -> Run:
    """Put a run into the bin: lists and searches leave it out; `restore` brings it back until `gc` takes it.

    Args:
        run: Its id.
    """
    known = state(ctx, run)
    if known.deleted_at is None:
        store.change_run(ctx.tx, run, deleted_at=ctx.now)
        ctx.emit("tracking.deleted", f"run:{run}", experiment=known.experiment)
    return existing(ctx, run)


@act("tracking.restore")
def restore(ctx: Context, run: str) -> Run:
    """Take a run out of the bin.

    Args:
        run: Its id.
    """
    if state(ctx, run).deleted_at is not None:
        store.change_run(ctx.tx, run, deleted_at=None)
    return existing(ctx, run)


def existing(ctx: Context, run: str, *, whole: bool = False) -> Run:
    """The run; `whole` with the summaries of its metrics and its files.

    Raises:
        NotFound: There is none of that id.
    """
    found = store.find_run(ctx.tx, run)
    if found is None:
        raise _unknown(ctx, run)
    if not whole:
        return found
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    fields["summaries"] = list(summaries.find_metrics(ctx.tx, run).values())
    fields["artifacts"] = store.list_artifacts(ctx.tx, run)
    return Run(**fields)


def state(ctx: Context, run: str) -> State:
    """What must be known of a run before it is changed, however much it holds.

    Raises:
        NotFound: There is none of that id.
    """
    found = find_state(ctx.tx, run)
    if found is None:
        raise _unknown(ctx, run)
    return found


def _unknown(ctx: Context, run: str) -> NotFound:
    return NotFound.among("run", run, store.run_ids(ctx.tx), hint="fettle tracking runs")


def in_use(run: R) -> R:
    """The run, unless it is in the bin.

    Raises:
        Conflict: It is.
    """
    if run.deleted_at is not None:
        raise Conflict(
            f"Run {run.id} is in the bin.",
            found=f"deleted {run.deleted_at:%Y-%m-%d %H:%M}",
            hint=f"fettle tracking restore {run.id}",
            subject=f"run:{run.id}",
        )
    return run


def _open_experiment(ctx: Context, name: str) -> None:
    """Make the experiment if it is new."""
    if not experiments.add_experiment(ctx.tx, name, ctx.now):
        known = experiments.deleted_at(ctx.tx, name)
        if known is not None:
            raise Conflict(
                f"The experiment {name!r} is in the bin.",
                found=f"deleted {known:%Y-%m-%d %H:%M}",
                hint=f"fettle tracking restore-experiment {name!r}",
            )


def _set(ctx: Context, run: str, params: dict[str, Any], tags: dict[str, str]) -> None:
    check_values("parameter", params)
    check_values("tag", tags)
    known = store.params_of(ctx.tx, run, list(params))
    store.add_params(ctx.tx, run, changed(run, known, params))
    store.set_tags(ctx.tx, run, tags)
