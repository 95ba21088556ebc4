"""The tables of evaluation sets, of their records, and of scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert
from fettle.tracking.records.evaluation import EvaluationRecord, EvaluationSet, Scorer

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
scorers = sa.Table(
    "tracking_scorers",
    metadata,
    sa.Column("experiment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("scorer", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
)
_AT_ONCE = 500


def m010_evaluation(tx: Transaction) -> None:
    tx.create(sets, records)


def m011_scorers(tx: Transaction) -> None:
    tx.create(scorers)


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


def add_scorer(tx: Transaction, made: Scorer) -> None:
    """Add a version of a scorer."""
    tx.execute(scorers.insert(), msgspec.structs.asdict(made))


def list_scorers(tx: Transaction, experiments: Sequence[int], name: str | None = None) -> list[Scorer]:
    """The scorers of experiments with all their versions, by name and version."""
    query = sa.select(scorers).where(scorers.c.experiment.in_(experiments))
    if name is not None:
        query = query.where(scorers.c.name == name)
    rows = tx.execute(query.order_by(scorers.c.experiment, scorers.c.name, scorers.c.version)).mappings()
    return [Scorer(**row) for row in rows]


def drop_scorers(
    tx: Transaction, experiment: int, name: str | None = None, version: int | None = None
) -> int:
    """Take scorers of an experiment away: all, those of a name, or one version; how many versions."""
    chosen = scorers.c.experiment == experiment
    if name is not None:
        chosen &= scorers.c.name == name
    if version is not None:
        chosen &= scorers.c.version == version
    return tx.execute(scorers.delete().where(chosen)).rowcount
