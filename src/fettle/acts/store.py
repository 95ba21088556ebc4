"""The tables of acts: the audit chain, the events, and the answers kept for idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.acts.records import AuditEntry, Event
from fettle.core import ids
from fettle.storage.columns import At, Json

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

audit = sa.Table(
    "acts_audit",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("at", At, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False, index=True),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
head = sa.Table(
    "acts_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
events = sa.Table(
    "acts_events",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("at", At, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("body", Json, nullable=False),
)
answers = sa.Table(
    "acts_answers",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("at", At, nullable=False),
)

GENESIS = "0" * 64

_LAST = sa.select(head).where(head.c.id == 1).with_for_update()
_ADD = audit.insert()
_MOVE = head.update().where(head.c.id == 1).values(seq=sa.bindparam("to_seq"), hash=sa.bindparam("to_hash"))


def m001_initial(tx: Transaction) -> None:
    tx.create(audit, head, events, answers)
    tx.execute(head.insert().values(id=1, seq=0, hash=GENESIS))


MIGRATIONS = [m001_initial]


def add_audit(
    tx: Transaction, *, at: datetime, actor: str, act: str, arguments: Any, outcome: str
) -> AuditEntry:
    """Append one entry to the chain; the chain's head row orders writers."""
    last = tx.execute(_LAST).mappings().one()
    seq, previous = last["seq"], last["hash"]
    fields = {
        "seq": seq + 1,
        "id": ids.event_id(at),
        "at": at,
        "actor": actor,
        "act": act,
        "arguments": msgspec.to_builtins(arguments, str_keys=True),
        "outcome": outcome,
        "previous": previous,
    }
    entry = AuditEntry(**fields, hash=hash_of(fields))
    tx.execute(_ADD, msgspec.structs.asdict(entry))
    tx.execute(_MOVE, {"to_seq": entry.seq, "to_hash": entry.hash})
    return entry


def hash_of(fields: dict[str, Any]) -> str:
    """The chain hash of an entry's fields, all but `hash` itself."""
    return ids.digest_of({key: value for key, value in fields.items() if key != "hash"})


def list_audit(
    tx: Transaction, *, after: int = 0, most: int = 100, newest_first: bool = False
) -> list[AuditEntry]:
    """Entries with a sequence number above `after`, oldest first unless `newest_first`."""
    order = audit.c.seq.desc() if newest_first else audit.c.seq
    rows = tx.execute(sa.select(audit).where(audit.c.seq > after).order_by(order).limit(most))
    return [AuditEntry(**row) for row in rows.mappings()]


def audit_head(tx: Transaction) -> tuple[int, str]:
    """The sequence number and hash the chain must end in."""
    last = tx.execute(sa.select(head).where(head.c.id == 1)).mappings().one()
    return last["seq"], last["hash"]


def add_events(tx: Transaction, published: list[Event]) -> None:
    if published:
        tx.execute(events.insert(), [msgspec.structs.asdict(each) for each in published])


def list_events(
    tx: Transaction, *, after: int = 0, kind: str | None = None, subject: str | None = None, most: int = 100
) -> list[tuple[int, Event]]:
    """Events with their sequence numbers, in the order they were written."""
    query = sa.select(events).where(events.c.seq > after).order_by(events.c.seq).limit(most)
    if kind is not None:
        query = query.where(events.c.kind == kind)
    if subject is not None:
        query = query.where(events.c.subject == subject)
    rows = [dict(row) for row in tx.execute(query).mappings()]
    return [(row.pop("seq"), Event(**row)) for row in rows]


def find_answer(tx: Transaction, key: str) -> tuple[str, str | None] | None:
    """The digest of the request made under `key` and its answer, if the key was used before."""
    row = tx.execute(sa.select(answers).where(answers.c.key == key)).mappings().one_or_none()
    return None if row is None else (row["request"], row["answer"])


def claim_key(tx: Transaction, key: str, request: str, at: datetime) -> bool:
    """Take `key` for this transaction; False if another transaction has used it."""
    if find_answer(tx, key) is not None:
        return False
    tx.execute(answers.insert().values(key=key, request=request, answer=None, at=at))
    return True


def keep_answer(tx: Transaction, key: str, answer: str) -> None:
    tx.execute(answers.update().where(answers.c.key == key).values(answer=answer))
