"""The tables of retraining and all its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.retraining.records import Candidate, Intent, Policy, State, Transition, Verdict
from fettle.storage.columns import At, Json

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

policies = sa.Table(
    "retraining_policies",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("policy", Json(Policy), nullable=False),
    sa.Column("set_at", At, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
)
intents = sa.Table(
    "retraining_intents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("decided_at", At),
    sa.Column("into", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("errors", sa.Integer, nullable=False),
    sa.Column("candidate", Json(Candidate)),
    sa.Column("verdict", Json(Verdict)),
    sa.UniqueConstraint("project", "key", name="retraining_intents_once"),
    sa.Index("retraining_intents_state", "project", "state"),
)
transitions = sa.Table(
    "retraining_transitions",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("intent", sa.Text, nullable=False, index=True),
    sa.Column("at", At, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(policies, intents, transitions)


MIGRATIONS = [m001_initial]


def put_policy(tx: Transaction, policy: Policy, at: datetime) -> None:
    known = tx.execute(sa.select(policies).where(policies.c.project == policy.project)).one_or_none()
    if known is None:
        tx.execute(policies.insert().values(project=policy.project, policy=policy, set_at=at, token=0))
    else:
        tx.execute(policies.update().where(policies.c.project == policy.project).values(policy=policy))


def find_policy(tx: Transaction, project: str) -> tuple[Policy, datetime] | None:
    """The policy of a project and when it was first set."""
    row = tx.execute(sa.select(policies).where(policies.c.project == project)).one_or_none()
    return None if row is None else (row.policy, row.set_at)


def list_policies(tx: Transaction) -> list[Policy]:
    return list(tx.execute(sa.select(policies.c.policy).order_by(policies.c.project)).scalars())


def raise_token(tx: Transaction, project: str, token: int) -> int:
    """Remember the highest fencing token seen for a project; return it."""
    query = sa.select(policies.c.token).where(policies.c.project == project).with_for_update()
    highest = tx.execute(query).scalar_one()
    if token > highest:
        tx.execute(policies.update().where(policies.c.project == project).values(token=token))
        return token
    return highest


def add_intent(tx: Transaction, intent: Intent) -> None:
    tx.execute(intents.insert().values(**_fields(intent)))


def put_intent(tx: Transaction, intent: Intent) -> None:
    tx.execute(intents.update().where(intents.c.id == intent.id).values(**_fields(intent)))


def _fields(intent: Intent) -> dict[str, Any]:
    fields = msgspec.structs.asdict(intent)
    del fields["history"]
    return fields


def find_intent(tx: Transaction, id: str) -> Intent | None:
    row = tx.execute(sa.select(intents).where(intents.c.id == id)).mappings().one_or_none()
    return None if row is None else Intent(**row)


def intent_of(tx: Transaction, project: str, key: str) -> Intent | None:
    here = (intents.c.project == project) & (intents.c.key == key)
    row = tx.execute(sa.select(intents).where(here)).mappings().one_or_none()
    return None if row is None else Intent(**row)


def list_intents(
    tx: Transaction, *, project: str | None = None, states: Sequence[State] = (), limit: int | None = None
) -> list[Intent]:
    """Intents, newest first."""
    query = sa.select(intents).order_by(intents.c.at.desc(), intents.c.id.desc()).limit(limit)
    if project is not None:
        query = query.where(intents.c.project == project)
    if states:
        query = query.where(intents.c.state.in_(states))
    return [Intent(**row) for row in tx.execute(query).mappings()]


def last_decided(tx: Transaction, project: str) -> datetime | None:
    """When the project last decided to retrain."""
    here = (intents.c.project == project) & intents.c.into.is_(None)
    return tx.execute(sa.select(sa.func.max(intents.c.decided_at)).where(here)).scalar_one()


def count_decided(tx: Transaction, project: str, since: datetime) -> int:
    here = (intents.c.project == project) & intents.c.into.is_(None) & (intents.c.decided_at > since)
    return tx.execute(sa.select(sa.func.count()).where(here)).scalar_one()


def add_transition(tx: Transaction, intent: str, transition: Transition) -> None:
    tx.execute(transitions.insert().values(intent=intent, **msgspec.structs.asdict(transition)))


def list_transitions(tx: Transaction, intent: str) -> list[Transition]:
    rows = tx.execute(
        sa.select(transitions).where(transitions.c.intent == intent).order_by(transitions.c.seq)
    )
    return [Transition(row.at, row.before, row.after, row.reason, row.by, row.evidence) for row in rows]
