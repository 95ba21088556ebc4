"""The tables of approvals: what aliases ask for, what was requested, and who agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.registry.records.approvals import Approval, ApprovalRequest, Protection
from fettle.storage.columns import At
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

protections = sa.Table(
    "registry_protections",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("approvals", sa.Integer, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("expires_s", sa.Float, nullable=False),
    sa.Column("at", At),
    sa.Column("by", sa.Text, nullable=False),
)
requests = sa.Table(
    "registry_requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("expires_at", At, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
)
approvals = sa.Table(
    "registry_approvals",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("withdrawn_at", At),
)


def set_protection(tx: Transaction, rule: Protection) -> None:
    tx.execute(upsert(protections), msgspec.structs.asdict(rule))


def drop_protection(tx: Transaction, model: str, alias: str) -> bool:
    """Remove a rule; False if there is none."""
    where = (protections.c.model == model) & (protections.c.alias == alias)
    return tx.execute(protections.delete().where(where)).rowcount == 1


def list_protections(tx: Transaction) -> list[Protection]:
    rows = tx.execute(sa.select(protections).order_by(protections.c.model, protections.c.alias))
    return [Protection(**row) for row in rows.mappings()]


def add_request(tx: Transaction, request: ApprovalRequest) -> None:
    fields = msgspec.structs.asdict(request)
    del fields["approvals"], fields["needed"]
    tx.execute(requests.insert().values(**fields))


def close_request(tx: Transaction, request: str, status: str) -> None:
    tx.execute(requests.update().where(requests.c.id == request).values(status=status))


def close_requests(tx: Transaction, model: str, version: int, status: str) -> None:
    """Close all open requests about a version."""
    where = (requests.c.model == model) & (requests.c.version == version) & (requests.c.status == "open")
    tx.execute(requests.update().where(where).values(status=status))


def find_request(tx: Transaction, request: str) -> ApprovalRequest | None:
    found = _select(tx, requests.c.id == request)
    return found[0] if found else None


def list_requests(
    tx: Transaction,
    *,
    model: str | None = None,
    version: int | None = None,
    alias: str | None = None,
    status: str | None = None,
) -> list[ApprovalRequest]:
    """Requests, oldest first."""
    sought: dict[str, Any] = {"model": model, "version": version, "alias": alias, "status": status}
    return _select(
        tx, sa.and_(sa.true(), *(requests.c[key] == each for key, each in sought.items() if each is not None))
    )


def _select(tx: Transaction, where: sa.ColumnElement[bool]) -> list[ApprovalRequest]:
    rows = [
        dict(row) for row in tx.execute(sa.select(requests).where(where).order_by(requests.c.id)).mappings()
    ]
    agreed: dict[str, list[Approval]] = {}
    wanted = approvals.c.request.in_([row["id"] for row in rows])
    for row in tx.execute(sa.select(approvals).where(wanted).order_by(approvals.c.id)).mappings():
        agreed.setdefault(row["request"], []).append(Approval(**row))
    return [ApprovalRequest(**row, approvals=agreed.get(row["id"], [])) for row in rows]


def add_approval(tx: Transaction, approval: Approval) -> None:
    tx.execute(approvals.insert().values(**msgspec.structs.asdict(approval)))


def withdraw_approval(tx: Transaction, approval: str, at: datetime) -> None:
    tx.execute(approvals.update().where(approvals.c.id == approval).values(withdrawn_at=at))
