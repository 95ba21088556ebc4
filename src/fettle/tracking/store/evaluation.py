"""The tables of evaluation sets and of their records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert
from fettle.tracking.records.evaluation import EvaluationRecord, EvaluationSet

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

sets = sa.Table(
    "tracking_evaluation_sets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("experiments", Json, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("fields", Json, nullable=False),
)
records = sa.Table(
    "tracking_evaluation_records",
    metadata,
    sa.Column("set", sa.Text, primary_key=True),
    sa.Column("question", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("said", Json, nullable=False),
)
_AT_ONCE = 500


def m010_evaluation(tx: Transaction) -> None:
    tx.create(sets, records)


def put_set(tx: Transaction, made: EvaluationSet) -> None:
    """Write a set, in place of what was known of it."""
    fields = msgspec.structs.asdict(made)
    del fields["records"]
    tx.execute(upsert(sets), fields)


def find_set(tx: Transaction, id: str) -> EvaluationSet | None:
    found = _sets(tx, sets.c.id == id)
    return found[0] if found else None


def list_sets(tx: Transaction) -> list[EvaluationSet]:
    """All sets, newest first."""
    return _sets(tx, sa.true())


def drop_set(tx: Transaction, id: str) -> None:
    """Take a set away with its records."""
    tx.execute(records.delete().where(records.c.set == id))
    tx.execute(sets.delete().where(sets.c.id == id))


def find_questions(tx: Transaction, id: str, questions: Sequence[str]) -> list[EvaluationRecord]:
    """The records of a set that have these inputs."""
    found: list[EvaluationRecord] = []
    for start in range(0, len(questions), _AT_ONCE):
        some = records.c.question.in_(questions[start : start + _AT_ONCE])
        rows = tx.execute(sa.select(records).where((records.c.set == id) & some)).mappings()
        found += [EvaluationRecord(**row) for row in rows]
    return found


def list_records(tx: Transaction, id: str, most: int, start: int) -> list[EvaluationRecord]:
    """The records of a set, as they came."""
    query = sa.select(records).where(records.c.set == id).order_by(records.c.created_at, records.c.id)
    rows = tx.execute(query.limit(most).offset(start)).mappings()
    return [EvaluationRecord(**row) for row in rows]


def put_records(tx: Transaction, some: Sequence[EvaluationRecord]) -> None:
    """Write records, each in place of the one with the same inputs."""
    if some:
        tx.execute(upsert(records), [msgspec.structs.asdict(each) for each in some])


def drop_records(tx: Transaction, id: str, ids: Sequence[str]) -> int:
    """Take records from a set; how many."""
    gone = 0
    for start in range(0, len(ids), _AT_ONCE):
        chosen = (records.c.set == id) & records.c.id.in_(ids[start : start + _AT_ONCE])
        gone += tx.execute(records.delete().where(chosen)).rowcount
    return gone


def _sets(tx: Transaction, where: sa.ColumnElement[bool]) -> list[EvaluationSet]:
    many = sa.select(sa.func.count()).where(records.c.set == sets.c.id).scalar_subquery().label("records")
    query = sa.select(sets, many).where(where).order_by(sets.c.created_at.desc(), sets.c.id)
    return [EvaluationSet(**row) for row in tx.execute(query).mappings()]
