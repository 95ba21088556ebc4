"""The table of tokens, and questions to the audit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.acts import AuditEntry
from fettle.acts.store import audit
from fettle.governance.records.oversight import Token
from fettle.storage.columns import At

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

tokens = sa.Table(
    "governance_tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires_at", At),
    sa.Column("revoked_at", At),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(tokens)


_PUBLIC = [column for column in tokens.c if column.name != "hash"]


def add_token(tx: Transaction, token: Token, hashed: str) -> None:
    tx.execute(tokens.insert().values(hash=hashed, **msgspec.structs.asdict(token)))


def revoke_token(tx: Transaction, token: str, at: datetime) -> None:
    tx.execute(
        tokens.update().where((tokens.c.id == token) & tokens.c.revoked_at.is_(None)).values(revoked_at=at)
    )


def find_token(tx: Transaction, token: str) -> Token | None:
    row = tx.execute(sa.select(*_PUBLIC).where(tokens.c.id == token)).mappings().one_or_none()
    return None if row is None else Token(**row)


def find_secret(tx: Transaction, hashed: str) -> Token | None:
    """The token whose secret has this hash: an index look-up, so its time tells nothing about other secrets."""
    row = tx.execute(sa.select(*_PUBLIC).where(tokens.c.hash == hashed)).mappings().one_or_none()
    return None if row is None else Token(**row)


def list_tokens(tx: Transaction) -> list[Token]:
    return [Token(**row) for row in tx.execute(sa.select(*_PUBLIC).order_by(tokens.c.id)).mappings()]


_TOKENS = sa.select(sa.func.count()).select_from(tokens).where(tokens.c.revoked_at.is_(None))


def count_tokens(tx: Transaction) -> int:
    """How many tokens were ever granted and not revoked."""
    return tx.execute(_TOKENS).scalar_one()


def find_audit(
    tx: Transaction, *, act: str | None, actor: str | None, before: int | None, limit: int
) -> list[AuditEntry]:
    """Audit entries of one act or actor, newest first."""
    query = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if act is not None:
        query = query.where(audit.c.act == act)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [AuditEntry(**row) for row in tx.execute(query).mappings()]
