"""What is watched: the endpoints, how far their journals are read, and what they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.monitoring.records import Baseline, Watch
from fettle.monitoring.store.tables import baselines, cursors, watches

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def find_watch(tx: Transaction, endpoint: str) -> tuple[Watch, int] | None:
    row = tx.execute(sa.select(watches).where(watches.c.endpoint == endpoint)).one_or_none()
    return None if row is None else (row.watch, row.epoch)


def list_watches(tx: Transaction) -> list[Watch]:
    return list(tx.execute(sa.select(watches.c.watch).order_by(watches.c.endpoint)).scalars())


def put_watch(tx: Transaction, watch: Watch, epoch: int) -> None:
    tx.execute(watches.delete().where(watches.c.endpoint == watch.endpoint))
    tx.execute(watches.insert().values(endpoint=watch.endpoint, watch=watch, epoch=epoch))


def find_cursors(tx: Transaction, endpoint: str) -> dict[str, str]:
    rows = tx.execute(sa.select(cursors.c.worker, cursors.c.position).where(cursors.c.endpoint == endpoint))
    return {row.worker: row.position for row in rows}


def put_cursors(tx: Transaction, endpoint: str, positions: dict[str, str]) -> None:
    for worker, position in positions.items():
        tx.execute(cursors.delete().where((cursors.c.endpoint == endpoint) & (cursors.c.worker == worker)))
        tx.execute(cursors.insert().values(endpoint=endpoint, worker=worker, position=position))


def find_baselines(tx: Transaction, endpoint: str) -> dict[tuple[str, int], Baseline]:
    rows = tx.execute(sa.select(baselines.c.baseline).where(baselines.c.endpoint == endpoint)).scalars()
    return {(each.model, each.version): each for each in rows}


def put_baseline(tx: Transaction, baseline: Baseline) -> None:
    here = (
        (baselines.c.endpoint == baseline.endpoint)
        & (baselines.c.model == baseline.model)
        & (baselines.c.version == baseline.version)
    )
    tx.execute(baselines.delete().where(here))
    tx.execute(
        baselines.insert().values(
            endpoint=baseline.endpoint, model=baseline.model, version=baseline.version, baseline=baseline
        )
    )
