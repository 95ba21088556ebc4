"""Answers: what each annotator says of each item, the turns that undo them, and what the answers come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import sqlalchemy as sa

from fettle.labels.records import Annotation, Answer, Stored, value_of
from fettle.labels.store.queue import lower_cursors
from fettle.labels.store.tables import BATCH, BLANK, annotations, items, leases, turns
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


class ItemRow(Protocol):
    """What is kept of an item."""

    item: int
    key: str
    shown: dict[str, Any]
    score: float | None


def item_row(tx: Transaction, project: str, item: int) -> ItemRow | None:
    """The row of an item; None if there is none."""
    query = sa.select(items).where(items.c.project == project, items.c.item == item)
    return cast("ItemRow | None", tx.execute(query).one_or_none())


def find_annotation(
    tx: Transaction, project: str, item: int, annotator: str
) -> tuple[Annotation | None, int | None]:
    """An annotator's answer to an item and its turn; Nones if there is none."""
    query = sa.select(annotations).where(
        annotations.c.project == project, annotations.c.item == item, annotations.c.annotator == annotator
    )
    row = tx.execute(query).one_or_none()
    return (None, None) if row is None else (annotation_of(row), row.turn)


def put_annotation(tx: Transaction, project: str, given: Annotation) -> None:
    """Keep an answer in place of the annotator's former one, and the turn that undoes it."""
    before, before_turn = find_annotation(tx, project, given.item, given.annotator)
    turn = tx.execute(
        turns.insert().values(
            project=project,
            annotator=given.annotator,
            item=given.item,
            at=given.at,
            before=before,
            before_turn=before_turn,
            undone=False,
        )
    ).inserted_primary_key[0]  # type: ignore[index]  # an insert of one row has one
    _write(tx, project, given, turn)


def undo(tx: Transaction, project: str, annotator: str) -> int | None:
    """Take back the annotator's last turn that stands; return its item, None if there is none."""
    mine = (turns.c.project == project) & (turns.c.annotator == annotator) & turns.c.undone.is_(False)
    row = tx.execute(sa.select(turns).where(mine).order_by(turns.c.turn.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    tx.execute(turns.update().where(turns.c.turn == row.turn).values(undone=True))
    where = (annotations.c.project == project) & (annotations.c.item == row.item)
    tx.execute(annotations.delete().where(where, annotations.c.annotator == annotator))
    if row.before is not None:
        _write(tx, project, row.before, row.before_turn)
    else:
        place = tx.execute(
            sa.select(items.c.place).where(items.c.project == project, items.c.item == row.item)
        ).scalar_one()
        lower_cursors(tx, project, place, annotator)
    return row.item


def _write(tx: Transaction, project: str, given: Annotation, turn: int) -> None:
    fields = msgspec.structs.asdict(given)
    foreign = fields.pop("foreign")
    value = value_of(given.answer) if given.state == "labelled" else ""
    row = {**fields, "project": project, "foreign_id": foreign, "value": value, "turn": turn}
    tx.execute(upsert(annotations), row)


def neighbours(tx: Transaction, project: str, annotator: str, turn: int | None) -> tuple[int, int]:
    """The items that an annotator did just before and after a turn; before: the last one, where it is None."""
    mine = (annotations.c.project == project) & (annotations.c.annotator == annotator)
    column = annotations.c.turn
    before = mine if turn is None else mine & (column < turn)
    query = sa.select(annotations.c.item)
    previous = tx.execute(query.where(before).order_by(column.desc()).limit(1)).scalar_one_or_none()
    following = None
    if turn is not None:
        after = query.where(mine, column > turn).order_by(column).limit(1)
        following = tx.execute(after).scalar_one_or_none()
    return previous or 0, following or 0


def stored(
    tx: Transaction, project: str, *, answered: bool = True, disputed: bool = False, flagged: bool = False,
    limit: int | None = None,
) -> Iterator[Stored]:  # fmt: skip
    """Items with all their answers: the answered ones, or all; of them only disputed or flagged ones if asked."""
    where = [items.c.project == project]
    order: list[Any] = [items.c.item]
    marked = sa.exists().where(
        annotations.c.project == items.c.project,
        annotations.c.item == items.c.item,
        annotations.c.flagged.is_(True),
    )
    if disputed:
        where, order = [*where, items.c.entropy > 0], [items.c.entropy.desc(), items.c.item]
    elif flagged:
        where.append(marked)
    elif answered:
        where.append(items.c.answers > 0)
    rows = tx.execute(sa.select(items).where(*where).order_by(*order).limit(limit)).all()
    few = [row.item for row in rows] if limit is not None else None
    given = _grouped(tx, project, few)
    for row in rows:
        yield Stored(row.item, row.key, row.shown, given.get(row.item, []), row.foreign_id, row.entropy)


def _grouped(tx: Transaction, project: str, few: Sequence[int] | None) -> dict[int, list[Annotation]]:
    query = sa.select(annotations).where(annotations.c.project == project)
    query = query.order_by(annotations.c.item, annotations.c.annotator)
    queries = [query]
    if few is not None:
        pages = [few[start : start + BATCH] for start in range(0, len(few), BATCH)]
        queries = [query.where(annotations.c.item.in_(page)) for page in pages]
    found: dict[int, list[Annotation]] = {}
    for each in queries:
        for row in tx.execute(each):
            found.setdefault(row.item, []).append(annotation_of(row))
    return found


def votes(tx: Transaction, project: str) -> list[tuple[int, str, Answer]]:
    """All answers as (item, annotator, answer), skips left out."""
    columns = (annotations.c.item, annotations.c.annotator, annotations.c.answer)
    query = sa.select(*columns).where(annotations.c.project == project, annotations.c.state == "labelled")
    return [tuple(row) for row in tx.execute(query.order_by(annotations.c.item, annotations.c.annotator))]


def keys_of(tx: Transaction, project: str, *, answered: bool = False) -> dict[int, str]:
    """The keys of the items by their numbers."""
    query = sa.select(items.c.item, items.c.key).where(items.c.project == project)
    if answered:
        query = query.where(items.c.answers > 0)
    return dict(map(tuple, tx.execute(query.order_by(items.c.item))))


def texts_of(tx: Transaction, project: str, numbers: Sequence[int], column: str) -> dict[int, str]:
    """One shown column of some items, as text."""
    found: dict[int, str] = {}
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        query = sa.select(items.c.item, items.c.shown).where(
            items.c.project == project, items.c.item.in_(some)
        )
        found.update({row.item: str(row.shown.get(column) or "") for row in tx.execute(query)})
    return found


def tally(tx: Transaction, project: str, item: int, annotators: int) -> None:
    """Bring an item's number of answers, its disagreement and its openness up to date."""
    query = sa.select(annotations.c.value).where(
        annotations.c.project == project, annotations.c.item == item, annotations.c.state == "labelled"
    )
    given = list(tx.execute(query).scalars())
    was = tx.execute(
        sa.select(items.c.open, items.c.place).where(items.c.project == project, items.c.item == item)
    ).one()
    now_open = len(given) < annotators
    tx.execute(
        items.update()
        .where(items.c.project == project, items.c.item == item)
        .values(answers=len(given), entropy=vote_entropy(given), open=now_open)
    )
    if now_open and not was.open:
        lower_cursors(tx, project, was.place)


def blank(tx: Transaction, project: str, numbers: Sequence[int]) -> int:
    """Empty items and close them for good; of their answers, classes and places stay. How many there were."""
    there = (items.c.project == project) & items.c.item.in_(numbers)
    found = list(tx.execute(sa.select(items.c.item).where(there)).scalars())
    if not found:
        return 0
    statement = (
        items.update()
        .where(items.c.project == project, items.c.item == sa.bindparam("of"))
        .values(key=sa.bindparam("to"), shown={}, foreign_id=None, open=False)
    )
    tx.execute(statement, [{"of": each, "to": f"{BLANK}{each}"} for each in found])
    written = (annotations.c.project == project) & annotations.c.item.in_(found)
    for row in tx.execute(sa.select(annotations).where(written)).all():
        said = msgspec.structs.replace(row.answer, text="")
        value = "" if row.answer.text else row.value
        own = written & (annotations.c.item == row.item) & (annotations.c.annotator == row.annotator)
        tx.execute(annotations.update().where(own).values(answer=said, value=value, note="", foreign_id=None))
    tx.execute(turns.delete().where(turns.c.project == project, turns.c.item.in_(found)))
    tx.execute(leases.delete().where(leases.c.project == project, leases.c.item.in_(found)))
    return len(found)


def vote_entropy(given: Sequence[str]) -> float:
    """Entropy (bits) of how answers are spread over different values; 0 where all agree."""
    if len(given) < 2:
        return 0.0
    shares = [given.count(each) / len(given) for each in set(given)]
    return abs(sum(share * math.log2(share) for share in shares))


def annotation_of(row: Any) -> Annotation:
    """An answer as its row keeps it."""
    return Annotation(
        item=row.item,
        annotator=row.annotator,
        state=row.state,
        answer=row.answer,
        flagged=row.flagged,
        note=row.note,
        seconds=row.seconds,
        at=row.at,
        foreign=row.foreign_id,
    )
