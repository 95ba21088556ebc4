"""What can be done with pipeline runs."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, NotFound
from fettle.pipelines import store
from fettle.pipelines.records import FlowRun, FlowStatus, Found, Result, StepRun, Why


@act("pipelines.start")
def start(ctx: Context, name: str, *, run_id: str | None = None) -> FlowRun:
    """Begin a pipeline run, or go on with one that was killed or failed.

    Args:
        name: The pipeline's name.
        run_id: The id to use; if a run of this id exists, it goes on.

    Raises:
        Conflict: The run belongs to another pipeline.
    """
    ids.check_name("pipeline", name)
    known = store.find_flow(ctx.tx, run_id) if run_id else None
    if known is not None and known.name != name:
        raise Conflict(
            f"Pipeline run {run_id} belongs to another pipeline.",
            found=f"{known.name!r}, not {name!r}",
            hint="Leave run_id out to begin a new run.",
            subject=f"flow:{run_id}",
        )
    if known is not None:
        store.set_flow(ctx.tx, known.id, "running", None)
        ctx.emit("pipelines.resumed", f"flow:{known.id}", name=name)
        return _flow(ctx, known.id)
    begun = FlowRun(
        id=run_id or ids.event_id(ctx.now), name=name, status="running", author=ctx.actor, started_at=ctx.now
    )
    store.add_flow(ctx.tx, begun)
    ctx.emit("pipelines.started", f"flow:{begun.id}", name=name)
    return begun


@act("pipelines.find", reads=True)
def find(ctx: Context, pipeline: str, flow: str, step: str, key: str) -> Found:
    """Find what a step could use again, or else what it did the last times.

    Args:
        pipeline: The pipeline's name.
        flow: The pipeline run that asks.
        step: The step's name.
        key: Digest of all the step depends on; one key has several results when the files it read differed.
    """
    results = store.find_results(ctx.tx, key)
    return Found(
        results=results, earlier=[] if results else store.recent_results(ctx.tx, pipeline, step, flow)
    )


@act("pipelines.record", audited=False)
def record(ctx: Context, flow: str, steps: list[StepRun], results: list[Result] | None = None) -> None:
    """Write down what became of steps, together with the results they made.

    A step that was finished in this run before a kill stays `finished` when the resumed run reuses it.

    Args:
        flow: The pipeline run.
        steps: Steps at their places.
        results: Their outputs, stored before.
    """
    if steps:
        before = {each.seq: each for each in store.find_steps(ctx.tx, flow)} if _resumes(steps, flow) else {}
        store.put_steps(ctx.tx, flow, [_kept(each, before.get(each.seq)) for each in steps])
    for each in results or []:
        store.add_result(ctx.tx, each)


@act("pipelines.finish", audited=False)
def finish(
    ctx: Context, flow: str, status: FlowStatus = "finished", *, steps: list[StepRun] | None = None
) -> None:
    """End a pipeline run.

    Args:
        flow: The pipeline run.
        status: How it ended.
        steps: Steps that are not written down yet.
    """
    record(ctx, flow, steps or [])
    store.set_flow(ctx.tx, flow, status, ctx.now)
    ctx.emit(f"pipelines.{status}", f"flow:{flow}")


@act("pipelines.runs", reads=True)
def runs(ctx: Context, name: str | None = None, *, limit: int = 50) -> list[FlowRun]:
    """List pipeline runs, newest first, with the number of their steps by status.

    Args:
        name: Only those of one pipeline.
        limit: At most so many.
    """
    return store.list_flows(ctx.tx, name, max(0, limit))


@act("pipelines.show", reads=True)
def show(ctx: Context, flow: str) -> FlowRun:
    """Show a pipeline run: its steps, what each took from which, how long it took and why it ran.

    Args:
        flow: The pipeline run.
    """
    return _flow(ctx, flow)


@act("pipelines.why", reads=True)
def why(ctx: Context, flow: str, step: str) -> list[Why]:
    """Say why a step ran or was reused, once for each time it occurs in the run.

    Args:
        flow: The pipeline run.
        step: The step's name.
    """
    shown = _flow(ctx, flow)
    found = [each for each in shown.steps if each.name == step]
    if not found:
        raise NotFound.among(f"step of {shown.name}", step, sorted({each.name for each in shown.steps}))
    return [Why(step=each.name, status=each.status, since=each.since, changes=each.changes) for each in found]


def _flow(ctx: Context, flow: str) -> FlowRun:
    found = store.find_flow(ctx.tx, flow)
    if found is None:
        raise NotFound.among("pipeline run", flow, store.flow_ids(ctx.tx), hint="fettle pipelines runs")
    steps = store.find_steps(ctx.tx, flow)
    counts: dict[str, int] = {}
    for each in steps:
        counts[each.status] = counts.get(each.status, 0) + 1
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return FlowRun(**fields | {"steps": steps, "counts": counts})


def _resumes(steps: list[StepRun], flow: str) -> bool:
    return any(each.status == "reused" and each.made_by == flow for each in steps)


def _kept(now: StepRun, before: StepRun | None) -> StepRun:
    same = before is not None and before.status == "finished" and before.key == now.key
    return before if same and before is not None and now.status == "reused" else now
