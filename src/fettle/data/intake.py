"""Take the rows of a source into a dataset: mask them, bring them into what is there, commit; once however often asked.

Of two that do it at once, the slower one brings its rows into what the faster one left.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import polars as pl

from fettle.acts import Surface
from fettle.core.errors import Conflict, Invalid
from fettle.data import increment, versions
from fettle.data.increment import Counts, Increment, Merged, OnExisting
from fettle.data.ingest import Ingested
from fettle.data.records.intake import Intake
from fettle.data.records.versions import Commit, Source
from fettle.privacy import masking

ATTEMPTS = 20
LOOK_BACK = 1_000
"""So many versions are looked through for a source that was appended before."""

Mode = Literal["replace", "append", "merge"]


class Plan(msgspec.Struct, frozen=True):
    """How rows are taken in.

    Attributes:
        mode: `replace` the table, `append` all rows, or `merge` them by key or time.
        key: Columns whose values tell rows apart.
        time: The column by whose time rows are merged; None: by key alone.
        lateness_s: How many seconds behind the latest time a row may come.
        existing: What to do with a row whose key is there with other values.
        time_column: The column that says when a row happened, where that is only to be noted.
        branch: The branch.
        message: Why.
    """

    mode: Mode = "replace"
    key: list[str] = []
    time: str | None = None
    lateness_s: float = 0.0
    existing: OnExisting = "update"
    time_column: str | None = None
    branch: str = "main"
    message: str = ""


def take_in(ws: Surface, dataset: str, found: Ingested, plan: Plan) -> Intake:
    """Commit what was read; nothing is committed if all of it is there.

    Raises:
        Invalid: The columns do not fit, or a key or time is missing in a row.
        Conflict: A key is there with other values and that was to be refused.
        GateFailed: The dataset's masking policy has no rule for a column that needs one.
    """
    time = plan.time or plan.time_column
    frame = versions.timed(found.frame, time)
    masked = masking.apply(ws, dataset, frame)
    notes = [*found.notes, *masked.notes]
    for attempt in range(ATTEMPTS):
        head = versions.head_of(ws, dataset, plan.branch)
        try:
            return _taken(ws, dataset, found, masked.frame, plan, head, notes)
        except Conflict:
            moved = versions.head_of(ws, dataset, plan.branch)
            if attempt == ATTEMPTS - 1 or (moved and moved.id) == (head and head.id):
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _taken(
    ws: Surface,
    dataset: str,
    found: Ingested,
    frame: pl.DataFrame,
    plan: Plan,
    head: Commit | None,
    notes: list[str],
) -> Intake:
    if plan.mode == "append" and head is not None and (before := _appended(ws, dataset, plan, found.source)):
        counts = Counts(read=frame.height, duplicates=frame.height)
        told = [*notes, f"this source was appended before, as version {before.id[:12]}; nothing was added"]
        return _told(dataset, head, head, counts, found.rejected, None, told)
    merged = _merged(ws, head, frame, plan)
    notes = [*notes, *merged.notes]
    if head is not None and merged.rows.height == 0:
        return _told(dataset, head, head, merged.counts, found.rejected, merged.high_water, notes)
    made = versions.commit_frame(
        ws,
        dataset,
        merged.rows,
        source=found.source,
        message=plan.message or f"Taken from {found.source.name}"[:200],
        append=merged.appends and plan.mode != "replace",
        time_column=plan.time or plan.time_column,
        key=plan.key or None,
        branch=plan.branch,
        metadata=_metadata(plan, merged, found.rejected),
        expected_head=(head.id if head else "") if plan.mode == "merge" else None,
        masked=True,
    )
    return _told(dataset, head, made, merged.counts, found.rejected, merged.high_water, notes)


def _merged(ws: Surface, head: Commit | None, frame: pl.DataFrame, plan: Plan) -> Merged:
    """What is to be committed: all of it, or what is new."""
    if plan.mode != "merge":
        return Merged(frame, True, Counts(read=frame.height, added=frame.height), None, [])
    rule = Increment(
        plan.key, plan.time, plan.lateness_s, plan.existing, _high_water(head) if plan.time else None
    )
    return increment.merge_in(versions.scan(ws, head) if head else None, frame, rule)


def _high_water(head: Commit | None) -> datetime | None:
    """The latest time that was seen, as the version before wrote it down."""
    text = head.metadata.get("ingest.high_water", "") if head else ""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(
            f"The high-water mark of {head.ref if head else ''} cannot be read.", found=text
        ) from error


def _appended(ws: Surface, dataset: str, plan: Plan, source: Source) -> Commit | None:
    """The version that took in the same source, if its content is known; None if there is none."""
    if not source.digest:
        return None
    line: list[Commit] = ws.call("data.log", dataset=dataset, branch=plan.branch, limit=LOOK_BACK)
    return next((each for each in line if each.source.digest == source.digest), None)


def _metadata(plan: Plan, merged: Merged, rejected: int) -> dict[str, str]:
    """What the version says of its ingest; counts of zero are left out."""
    counts = msgspec.structs.asdict(merged.counts) | {"rejected": rejected}
    told = {"ingest.mode": plan.mode} | {
        f"ingest.{name}": str(count) for name, count in counts.items() if count
    }
    if plan.key:
        told["ingest.key"] = ", ".join(plan.key)
    if plan.time:
        told |= {"ingest.time": plan.time, "ingest.lateness_s": f"{plan.lateness_s:g}"}
    if merged.high_water:
        told["ingest.high_water"] = merged.high_water.isoformat()
    return told


def _told(
    dataset: str,
    head: Commit | None,
    made: Commit,
    counts: Counts,
    rejected: int,
    high_water: datetime | None,
    notes: list[str],
) -> Intake:
    changed = head is None or made.id != head.id
    if not changed and counts.added == counts.read:
        counts = Counts(read=counts.read, duplicates=counts.read)
    return Intake(
        dataset=dataset,
        commit=made.id,
        changed=changed,
        rows=made.rows,
        read=counts.read,
        added=counts.added,
        updated=counts.updated,
        duplicates=counts.duplicates,
        skipped=counts.skipped,
        late=counts.late,
        too_late=counts.too_late,
        rejected=rejected,
        high_water=high_water,
        notes=notes if changed else [*notes, "all of it was there already; there is no new version"],
        next=f"fettle data show {dataset}",
    )
