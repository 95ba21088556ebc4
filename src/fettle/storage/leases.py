"""Leases as rows of a database: who may do a thing, until when, and with which fencing token."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import BigInteger, Column, Float, MetaData, String, Table, insert, select, update

from fettle.core.clock import Clock
from fettle.core.errors import Conflict
from fettle.storage.columns import At
from fettle.storage.ports import Database, Grant, Transaction

HELD = Table(
    "storage_leases",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", At, nullable=False),
    Column("ttl_s", Float, nullable=False),
    Column("released", BigInteger, nullable=False, default=0),
)


def m001_initial(tx: Transaction) -> None:
    """The first table."""
    tx.create(HELD)


MIGRATIONS = [m001_initial]


class DatabaseLeases:
    """`Leases` kept in a `Database`; its serialised writers decide every race.

    Args:
        db: Where. The database is migrated at once.
        clock: Decides what has expired; machines that share leases need clocks that agree within the time to live.
            Wrong clocks cost waiting or a lost lease, never two winners: `check` compares tokens, not times.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        db.migrate("storage", MIGRATIONS)

    def acquire(self, name: str, holder: str, ttl_s: float) -> Grant | None:
        now = self._clock.now()
        with self._db.write() as tx:
            row = tx.execute(select(HELD).where(HELD.c.name == name)).one_or_none()
            if row is not None and not row.released and row.expires_at > now and row.holder != holder:
                return None
            grant = Grant(name, holder, row.token + 1 if row else 1, now + timedelta(seconds=ttl_s), ttl_s)
            values = {
                "holder": holder,
                "token": grant.token,
                "expires_at": grant.expires_at,
                "ttl_s": ttl_s,
                "released": 0,
            }
            if row is None:
                tx.execute(insert(HELD).values(name=name, **values))
            else:
                tx.execute(update(HELD).where(HELD.c.name == name).values(**values))
        return grant

    def renew(self, grant: Grant) -> Grant:
        until = self._clock.now() + timedelta(seconds=grant.ttl_s)
        with self._db.write() as tx:
            self.check(tx, grant)
            tx.execute(update(HELD).where(HELD.c.name == grant.name).values(expires_at=until))
        return Grant(grant.name, grant.holder, grant.token, until, grant.ttl_s)

    def release(self, grant: Grant) -> None:
        with self._db.write() as tx:
            mine = (HELD.c.name == grant.name) & (HELD.c.token == grant.token)
            tx.execute(update(HELD).where(mine).values(released=1))  # the row stays: tokens must keep growing

    def check(self, tx: Transaction, grant: Grant) -> None:
        row = tx.execute(select(HELD).where(HELD.c.name == grant.name)).one_or_none()
        if row is None or row.token != grant.token or row.released:
            holder = "nobody" if row is None or row.released else repr(row.holder)
            raise Conflict(
                f"The lease {grant.name!r} is no longer held by {grant.holder!r}.",
                found=f"held by {holder}, token {row.token if row else 0} (this one is {grant.token})",
                hint="Stop this work; acquire the lease again before going on.",
                subject=f"lease:{grant.name}",
            )
