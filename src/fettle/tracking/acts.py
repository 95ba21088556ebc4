"""What can be done with runs."""

from __future__ import annotations

from typing import Any

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.tracking import points as curves
from fettle.tracking import store
from fettle.tracking.chunks import Points
from fettle.tracking.records import Artifact, Column, Experiment, Point, Run, Status


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

    Raises:
        Conflict: The run exists in another experiment, or has another value for a parameter.
    """
    ids.check_name("experiment", experiment)
    known = store.find_run(ctx.tx, run_id) if run_id else None
    if known is None:
        chosen = run_id or ids.event_id(ctx.now)
        started = Run(
            id=chosen,
            experiment=experiment,
            name=name or chosen[-12:],
            status="running",
            author=ctx.actor,
            started_at=ctx.now,
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
        chosen = known.id
        store.reopen_run(ctx.tx, chosen)
    _set(ctx, chosen, params or {}, tags or {})
    ctx.emit("tracking.started", f"run:{chosen}", experiment=experiment)
    return _run(ctx, chosen)


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
    _run(ctx, run)
    _set(ctx, run, params or {}, tags or {})
    return _run(ctx, run)


@act("tracking.log", audited=False)
def log(ctx: Context, run: str, points: list[Point]) -> int:
    """Add points to the metrics of a run; return how many.

    Args:
        run: Its id.
        points: Key, value, step and time; a point without a time gets the present.
    """
    _run(ctx, run)
    return curves.add(ctx.tx, run, curves.columns_of(points, ctx.now))


@act("tracking.append", audited=False)
def append(ctx: Context, run: str, journal: str, first: int, records: int, columns: list[Column]) -> int:
    """Add the next records of a run's journal, exactly once; return how many of them there are now.

    Nothing is stored unless `first` is the number of records here, so that sending twice is harmless: the answer says
    where to go on.

    Args:
        run: Its id.
        journal: Which journal of the run; one for each process that logs to it.
        first: How many records of the journal come before these.
        records: How many these are.
        columns: Their points.
    """
    _run(ctx, run)
    known = store.received(ctx.tx, run, journal)
    if first != known:
        return known
    try:
        unpacked = {each.key: Points.of(each) for each in columns}
    except ValueError as error:
        raise Invalid("A column of points does not fit together.", found=str(error)) from error
    curves.add(ctx.tx, run, {key: each for key, each in unpacked.items() if len(each)})
    store.set_received(ctx.tx, run, journal, known + records)
    return known + records


@act("tracking.artifact")
def artifact(ctx: Context, run: str, path: str, digest: str, size_bytes: int) -> Artifact:
    """Name an object as a file of a run.

    Args:
        run: Its id.
        path: The file's name in the run, with `/` between folders.
        digest: The object, stored before.
        size_bytes: Its length.
    """
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise Invalid(
            f"{path!r} cannot name a file of a run.",
            found="an empty, absolute or climbing path",
            hint="Use a relative path such as plots/roc.png",
        )
    _run(ctx, run)
    made = Artifact(path=path, digest=digest, size_bytes=size_bytes, at=ctx.now)
    store.put_artifact(ctx.tx, run, made)
    return made


@act("tracking.finish")
def finish(ctx: Context, run: str, status: Status = "finished") -> Run:
    """End a run.

    Args:
        run: Its id.
        status: How it ended.
    """
    known = _run(ctx, run)
    if known.status != status:
        store.end_run(ctx.tx, run, status, ctx.now)
        ctx.emit(f"tracking.{status}", f"run:{run}", experiment=known.experiment)
    return _run(ctx, run)


@act("tracking.runs", reads=True)
def runs(
    ctx: Context,
    experiment: str | None = None,
    *,
    status: Status | None = None,
    parent: str | None = None,
    order_by: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Run]:
    """List runs, newest first unless told otherwise.

    Args:
        experiment: Only those of one experiment.
        status: Only those with one status.
        parent: Only the parts of one run.
        order_by: `started_at`, `name`, `metrics.KEY`, `params.KEY` or `tags.KEY`; a `-` before it turns the order
            round. Runs without a value come last.
        limit: At most so many.
        offset: Pass over so many first.
    """
    where = {"experiment": experiment, "status": status, "parent": parent}
    return store.list_runs(ctx.tx, where, _order(order_by or "-started_at"), max(0, limit), max(0, offset))


@act("tracking.using", reads=True)
def using(ctx: Context, reference: str, *, limit: int = 100) -> list[Run]:
    """List the runs whose inputs name a dataset or commit, newest first.

    Args:
        reference: A part of the input, such as a commit's id.
        limit: At most so many.
    """
    return store.runs_using(ctx.tx, reference, max(0, limit))


@act("tracking.experiments", reads=True)
def experiments(ctx: Context) -> list[Experiment]:
    """List the experiments, the one with the newest run first."""
    return store.list_experiments(ctx.tx)


@act("tracking.show", reads=True)
def show(ctx: Context, run: str) -> Run:
    """Show a run with the summary of each metric and its files.

    Args:
        run: Its id.
    """
    return _run(ctx, run, whole=True)


@act("tracking.series", reads=True)
def series(ctx: Context, run: str, key: str, *, most: int = 1000) -> list[Point]:
    """Show the curve of one metric, in the order of its steps.

    Args:
        run: Its id.
        key: The metric.
        most: Thin it to so many points, keeping the extremes of each stretch; 0 means all.
    """
    found = curves.curve(ctx.tx, run, key, most)
    if not found:
        _run(ctx, run)
        raise NotFound.among(f"metric of run {run}", key, store.find_metrics(ctx.tx, run))
    return found


@act("tracking.received", reads=True)
def received(ctx: Context, run: str, journal: str) -> int:
    """Say how many records of a run's journal have arrived.

    Args:
        run: Its id.
        journal: Which journal of the run.
    """
    _run(ctx, run)
    return store.received(ctx.tx, run, journal)


def _run(ctx: Context, run: str, *, whole: bool = False) -> Run:
    found = store.find_run(ctx.tx, run)
    if found is None:
        raise NotFound.among("run", run, store.run_ids(ctx.tx), hint="fettle tracking runs")
    if not whole:
        return found
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    fields["summaries"] = list(store.find_metrics(ctx.tx, run).values())
    fields["artifacts"] = store.list_artifacts(ctx.tx, run)
    return Run(**fields)


def _set(ctx: Context, run: str, params: dict[str, Any], tags: dict[str, str]) -> None:
    known = store.get_params(ctx.tx, run) if params else {}
    for key, value in params.items():
        if key in known and known[key] != value:
            raise Conflict(
                f"Parameter {key!r} of run {run} is set already.",
                found=f"{known[key]!r}, not {value!r}",
                hint="A parameter never changes; use a tag, or start a new run.",
                subject=f"run:{run}",
            )
    store.add_params(ctx.tx, run, {key: value for key, value in params.items() if key not in known})
    store.set_tags(ctx.tx, run, tags)


_ATTRIBUTES = ("started_at", "ended_at", "name", "experiment", "status", "author")


def _order(text: str) -> store.Order:
    descending = text.startswith("-") or text.lower().endswith(" desc")
    plain = text.removeprefix("-").removesuffix(" desc").removesuffix(" DESC").removesuffix(" asc").strip()
    family, dot, key = plain.partition(".")
    if dot and family in ("metrics", "params", "tags") and key:
        return store.Order(family, key, descending)
    if plain in _ATTRIBUTES:
        return store.Order("attribute", plain, descending)
    raise Invalid(
        f"Runs cannot be sorted by {text!r}.",
        found=repr(text),
        hint=f"Use {', '.join(_ATTRIBUTES)}, metrics.KEY, params.KEY or tags.KEY; '-' in front turns it round.",
    )
