"""What annotators do: take the next items, answer, skip, undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from fettle.acts import Context, Role, act
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.labels.answering import checked
from fettle.labels.records import (
    Annotation,
    Answer,
    Project,
    Span,
    Task,
)
from fettle.labels.store import answers, projects, queue

MOST_AHEAD = 20


@act("labels.next", audited=False)
def next_items(
    ctx: Context,
    project: str,
    *,
    count: int = 1,
    by: Literal["order", "disagreement"] = "order",
    annotator: str = "",
) -> list[Task]:
    """Take the next items to label, and keep them for their annotator for a while.

    Nobody else gets them meanwhile, unless the item needs several annotators. Items that were taken before and are
    still kept come first. An empty list: nothing is left for this annotator.

    Args:
        project: The project.
        count: How many items, 1 to 20.
        by: `disagreement` takes items whose answers differ, most first, also where they have all their answers.
        annotator: For whom; empty: for who asks. Another's name needs the role approver.
    """
    who = _speaker(ctx, annotator)
    if not 1 <= count <= MOST_AHEAD:
        raise Invalid(f"Take 1 to {MOST_AHEAD} items at once.", found=str(count))
    known = projects.find_project(ctx.tx, project)
    queue.sweep_leases(ctx.tx, project, ctx.now)
    chosen = list(queue.held(ctx.tx, project, who, ctx.now))[:count]
    if by == "disagreement" or known.order == "disagreement":
        found = queue.find_disputed(ctx.tx, known, who, count=count, now=ctx.now)
        chosen += [each for each in found if each not in chosen][: count - len(chosen)]
    if by == "order" and len(chosen) < count:
        missing = count - len(chosen)
        chosen += queue.find_next(ctx.tx, known, who, count=missing, now=ctx.now, beyond=chosen)
    until = ctx.now + timedelta(seconds=known.lease_s)
    queue.lease(ctx.tx, project, chosen, who, until)
    return [_task(ctx, known, item, who) for item in chosen]


@act("labels.kept", reads=True)
def kept(ctx: Context, project: str, *, annotator: str = "") -> list[Task]:
    """List the items that are kept for an annotator now.

    Args:
        project: The project.
        annotator: Whose; empty: who asks.
    """
    who = _speaker(ctx, annotator)
    known = projects.find_project(ctx.tx, project)
    return [_task(ctx, known, item, who) for item in queue.held(ctx.tx, project, who, ctx.now)]


@act("labels.task", reads=True)
def task(ctx: Context, project: str, item: int, *, annotator: str = "") -> Task:
    """Show one item with the annotator's own answer.

    Args:
        project: The project.
        item: The item's number.
        annotator: Whose answer; empty: who asks.
    """
    return _task(ctx, projects.find_project(ctx.tx, project), item, _speaker(ctx, annotator))


@act("labels.label", audited=False)
def label(
    ctx: Context,
    project: str,
    item: int,
    *,
    labels: list[str] | None = None,
    text: str = "",
    spans: list[Span] | None = None,
    flag: bool = False,
    note: str = "",
    seconds: float = 0.0,
    annotator: str = "",
) -> Annotation:
    """Answer an item, or change one's answer.

    Args:
        project: The project.
        item: The item's number.
        labels: The class, or classes.
        text: The free text.
        spans: The marked parts of the text: start, end, label.
        flag: Whether somebody should look at this item again.
        note: Why, or any remark.
        seconds: How long it took; 0: not measured.
        annotator: Who answers; empty: who asks. Another's name needs the role approver.
    """
    answer = Answer(labels=labels or [], text=text, spans=spans or [])
    return _answer(ctx, project, item, answer, _speaker(ctx, annotator), flag, note, seconds)


@act("labels.skip", audited=False)
def skip(
    ctx: Context,
    project: str,
    item: int,
    *,
    flag: bool = False,
    note: str = "",
    seconds: float = 0.0,
    annotator: str = "",
) -> Annotation:
    """Leave an item to others; it does not come back to this annotator by itself.

    Args:
        project: The project.
        item: The item's number.
        flag: Whether somebody should look at this item again.
        note: Why.
        seconds: How long it took; 0: not measured.
        annotator: Who skips; empty: who asks. Another's name needs the role approver.
    """
    return _answer(ctx, project, item, None, _speaker(ctx, annotator), flag, note, seconds)


@act("labels.undo", audited=False)
def undo(ctx: Context, project: str, *, annotator: str = "") -> Task:
    """Take back the annotator's last answer or skip that stands; what was said before comes back.

    Args:
        project: The project.
        annotator: Whose; empty: who asks. Another's name needs the role approver.
    """
    who = _speaker(ctx, annotator)
    known = projects.find_project(ctx.tx, project)
    item = answers.undo(ctx.tx, project, who)
    if item is None:
        raise NotFound("There is nothing to undo.", found=f"{who} has answered nothing in {project}")
    answers.tally(ctx.tx, project, item, known.annotators)
    queue.lease(ctx.tx, project, [item], who, ctx.now + timedelta(seconds=known.lease_s))
    return _task(ctx, known, item, who)


@act("labels.record", audited=False)
def record(ctx: Context, project: str, annotations: list[Annotation]) -> int:
    """Keep answers that were given elsewhere, by anybody; `labels.import` calls this. Returns how many changed.

    Args:
        project: The project.
        annotations: The answers, with their annotators and times.
    """
    known = projects.find_project(ctx.tx, project)
    if ctx.role < Role.APPROVER and any(each.annotator != ctx.actor for each in annotations):
        raise _speaks_for_others(ctx)
    changed = 0
    for each in annotations:
        row = _row(ctx, known, each.item)
        answer = checked(known, row.shown, each.answer) if each.state == "labelled" else Answer()
        before, _ = answers.find_annotation(ctx.tx, project, each.item, each.annotator)
        foreign = each.foreign if each.foreign is not None or before is None else before.foreign
        given = msgspec.structs.replace(each, answer=answer, foreign=foreign)
        if before != given:
            answers.put_annotation(ctx.tx, project, given)
            answers.tally(ctx.tx, project, each.item, known.annotators)
            changed += 1
    return changed


def _speaker(ctx: Context, annotator: str) -> str:
    if not annotator or annotator == ctx.actor:
        return ctx.actor
    if ctx.role < Role.APPROVER:
        raise _speaks_for_others(ctx)
    if len(annotator) > 200 or not annotator.isprintable():
        raise Invalid("An annotator has a name of 1 to 200 printable characters.", found=repr(annotator[:60]))
    return annotator


def _speaks_for_others(ctx: Context) -> Denied:
    return Denied(
        "To answer in another's name needs the role approver.",
        found=f"{ctx.actor} is {ctx.role.name.lower()} here",
        hint="Answer in your own name, or ask for the role.",
    )


def _row(ctx: Context, project: Project, item: int) -> answers.ItemRow:
    row = answers.item_row(ctx.tx, project.name, item)
    if row is None:
        raise NotFound(
            f"There is no item {item} in {project.name}.",
            found=f"items 1 to {project.items}",
            subject=f"labels:{project.name}",
        )
    return row


def _task(ctx: Context, project: Project, item: int, who: str) -> Task:
    row = _row(ctx, project, item)
    own, turn = answers.find_annotation(ctx.tx, project.name, item, who)
    previous, following = answers.neighbours(ctx.tx, project.name, who, turn)
    until = queue.kept_until(ctx.tx, project.name, item, who, ctx.now)
    return Task(item, row.shown, own, previous, following, row.score, until)


def _answer(
    ctx: Context,
    project: str,
    item: int,
    answer: Answer | None,
    who: str,
    flag: bool,
    note: str,
    seconds: float,
) -> Annotation:
    known = projects.find_project(ctx.tx, project)
    row = _row(ctx, known, item)
    if not 0 <= seconds < 86_400 * 365 or len(note) > 10_000:
        raise Invalid(
            "A time is 0 or more seconds, a note at most 10,000 characters.", found=f"{seconds:g} s"
        )
    given = Annotation(
        item=item,
        annotator=who,
        state="skipped" if answer is None else "labelled",
        answer=Answer() if answer is None else checked(known, row.shown, answer),
        flagged=flag,
        note=note.strip(),
        seconds=seconds,
        at=ctx.now,
    )
    answers.put_annotation(ctx.tx, project, given)
    queue.release(ctx.tx, project, item, who)
    answers.tally(ctx.tx, project, item, known.annotators)
    return given
