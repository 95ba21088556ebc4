"""What can be done with traces: told, found, tagged, judged, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from fettle.acts import Context, act
from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.tracking.acts.experiments import numbered
from fettle.tracking.names import check_run_id, check_values
from fettle.tracking.records.traces import Span, Trace
from fettle.tracking.store import traces as store
from fettle.tracking.store import upkeep

MOST_SPANS = 20_000
"""In one call."""
MOST_ASSESSMENTS = 1000
MOST_ASSESSMENT_BYTES = 256 << 10
MOST_PREVIEW = 10_000
SPANS_HERE = "mlflow.trace.spansLocation"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@act("tracking.put_trace", plumbing=True)
def put_trace(ctx: Context, trace: Trace) -> Trace:
    """Tell of a trace; metadata, tags and assessments are added to what is known, the rest takes the place of it.

    Args:
        trace: What is told; previews are cut.
    """
    check_run_id(trace.id)
    if trace.experiment != 0:
        numbered(ctx, trace.experiment)
    check_values("tag", trace.tags)
    check_values("metadata entry", trace.metadata)
    known = _find(ctx, trace.id)
    if known is not None:
        trace = msgspec.structs.replace(
            trace,
            experiment=known.experiment,
            metadata={**known.metadata, **trace.metadata},
            tags={**known.tags, **trace.tags},
            assessments={**known.assessments, **trace.assessments},
            run=trace.run or known.run,
        )
    kept = msgspec.structs.replace(
        trace, request=trace.request[:MOST_PREVIEW], response=trace.response[:MOST_PREVIEW]
    )
    store.put_trace(ctx.tx, kept)
    return kept


@act("tracking.put_spans", plumbing=True)
def put_spans(ctx: Context, experiment: int, spans: list[Span], *, run: str = "") -> list[str]:
    """Tell of spans; a trace that nobody told of yet begins with them. Return the traces' ids.

    Args:
        experiment: The number of the experiment of traces that are new.
        spans: In any order, of any number of traces; the same span again takes its place.
        run: The run that new traces belong to.
    """
    if len(spans) > MOST_SPANS:
        raise Invalid("Those are too many spans at once.", found=f"{len(spans):,}")
    if experiment != 0:
        numbered(ctx, experiment)
    grouped: dict[str, list[Span]] = {}
    for each in spans:
        check_run_id(each.trace)
        grouped.setdefault(each.trace, []).append(each)
    known = {each.id: each for each in store.find_traces(ctx.tx, list(grouped))}
    for trace, some in grouped.items():
        store.put_trace(ctx.tx, _begun(trace, known.get(trace), experiment, some, run))
    store.put_spans(ctx.tx, spans)
    return list(grouped)


@act("tracking.traces_of", reads=True, plumbing=True)
def traces_of(ctx: Context, ids: list[str]) -> list[Trace]:
    """Show the traces of these ids that are there, in this order.

    Args:
        ids: Their ids.
    """
    found = {each.id: each for each in store.find_traces(ctx.tx, ids)}
    return [found[each] for each in dict.fromkeys(ids) if each in found]


@act("tracking.spans_of", reads=True, plumbing=True)
def spans_of(ctx: Context, ids: list[str]) -> dict[str, list[Span]]:
    """Show the spans of traces, as they began.

    Args:
        ids: The traces' ids.
    """
    return store.find_spans(ctx.tx, ids)


@act("tracking.traces", reads=True, plumbing=True)
def traces(ctx: Context, experiments: list[int], *, most: int = 1000, start: int = 0) -> list[Trace]:
    """List the traces of experiments, newest first.

    Args:
        experiments: Their numbers.
        most: At most so many.
        start: Pass over so many.
    """
    if len(experiments) > 1000:
        raise Invalid("Those are too many experiments at once.", found=f"{len(experiments):,}")
    return store.list_traces(ctx.tx, experiments, max(0, most), max(0, start))


@act("tracking.tag_trace", plumbing=True)
def tag_trace(
    ctx: Context,
    id: str,
    *,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
    run: str | None = None,
) -> Trace:
    """Tag a trace, or say which run it belongs to.

    Args:
        id: The trace.
        tags: Tags to set.
        untag: Tags to drop.
        run: The run.

    Raises:
        NotFound: There is no such trace, or it lacks a tag to drop.
    """
    known = found_trace(ctx, id)
    check_values("tag", tags or {})
    kept = {**known.tags, **(tags or {})}
    for key in untag or []:
        if kept.pop(key, None) is None:
            raise NotFound.among("tag", key, known.tags)
    changed = msgspec.structs.replace(known, tags=kept, run=known.run if run is None else run)
    store.put_trace(ctx.tx, changed)
    return changed


@act("tracking.assess_trace", plumbing=True)
def assess_trace(ctx: Context, id: str, assessment: str, said: dict[str, Any] | None = None) -> Trace:
    """Keep what somebody judged of a trace, or forget it.

    Args:
        id: The trace.
        assessment: The assessment's id; one that is there is replaced.
        said: All of it; None takes it away.
    """
    known = found_trace(ctx, id)
    kept = {key: value for key, value in known.assessments.items() if key != assessment}
    if said is not None:
        kept[check_run_id(assessment)] = said
        if len(kept) > MOST_ASSESSMENTS or len(canonical.encode(said)) > MOST_ASSESSMENT_BYTES:
            raise Invalid(
                "That is too much to keep of one trace.",
                found=f"{len(kept):,} assessments, {len(canonical.encode(said)):,} bytes in this one",
                hint=f"At most {MOST_ASSESSMENTS:,} of {MOST_ASSESSMENT_BYTES:,} bytes.",
            )
    changed = msgspec.structs.replace(known, assessments=kept)
    store.put_trace(ctx.tx, changed)
    return changed


@act("tracking.delete_traces", plumbing=True)
def delete_traces(
    ctx: Context,
    experiment: int,
    *,
    ids: list[str] | None = None,
    before: datetime | None = None,
    most: int = 100_000,
) -> int:
    """Delete traces of an experiment with their spans and files, the oldest first; return how many.

    Args:
        experiment: Its number.
        ids: Only these.
        before: Only those that began at this time or earlier.
        most: At most so many.
    """
    chosen = store.older_traces(ctx.tx, experiment, ids, before, max(0, most))
    upkeep.purge_traces(ctx.tx, chosen)
    return len(chosen)


def found_trace(ctx: Context, id: str) -> Trace:
    """The trace of an id.

    Raises:
        NotFound: There is none.
    """
    known = _find(ctx, id)
    if known is None:
        raise NotFound(f"There is no trace {id!r}.", subject=f"trace:{id}")
    return known


def _find(ctx: Context, id: str) -> Trace | None:
    found = store.find_traces(ctx.tx, [id])
    return found[0] if found else None


def _begun(trace: str, known: Trace | None, experiment: int, spans: list[Span], run: str) -> Trace:
    """What spans say of their trace: when it began and ended, and how, as long as its client did not."""
    root = next((each for each in spans if not each.parent), None)
    first = min([each.started_ns for each in spans])
    at = _EPOCH + timedelta(microseconds=first // 1000)
    if known is not None and SPANS_HERE in known.tags and root is None:
        return known
    tags = {SPANS_HERE: "TRACKING_STORE"}
    if known is not None and known.state not in ("IN_PROGRESS", "STATE_UNSPECIFIED"):
        return msgspec.structs.replace(known, tags={**known.tags, **tags})
    begun = known or Trace(trace, experiment, at, run=run)
    begun = msgspec.structs.replace(begun, state="IN_PROGRESS", tags={**begun.tags, **tags})
    if root is None or not root.ended_ns:
        return begun
    return msgspec.structs.replace(
        begun,
        at=_EPOCH + timedelta(microseconds=root.started_ns // 1000),
        duration_ms=max(0, root.ended_ns - root.started_ns) // 1_000_000,
        state="ERROR" if root.failed else "OK",
        tags={"mlflow.traceName": root.name, **begun.tags},
    )
