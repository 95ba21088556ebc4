"""Requests that were counted, their labels, and the journal's segments that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import sqlalchemy as sa

from fettle.monitoring.records import Segment
from fettle.monitoring.store.tables import chunks, early_labels, requests, segments

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


class Served(NamedTuple):
    """A request that was counted: where its row went."""

    slot: int
    model: str
    version: int
    answer: str | None
    label: str | None


def find_requests(tx: Transaction, endpoint: str, ids: Iterable[str]) -> dict[tuple[str, int], Served]:
    """The counted rows of some requests."""
    found: dict[tuple[str, int], Served] = {}
    for chunk in chunks(sorted(set(ids))):
        query = sa.select(requests).where((requests.c.endpoint == endpoint) & requests.c.request.in_(chunk))
        for row in tx.execute(query):
            found[row.request, row.row] = Served(row.slot, row.model, row.version, row.answer, row.label)
    return found


def add_requests(tx: Transaction, endpoint: str, served: dict[tuple[str, int], Served]) -> None:
    if served:
        tx.execute(
            requests.insert(),
            [
                {"endpoint": endpoint, "request": request, "row": row} | each._asdict()
                for (request, row), each in served.items()
            ],
        )


def set_labels(tx: Transaction, endpoint: str, labels: dict[tuple[str, int], str | None]) -> None:
    if labels:
        here = (
            (requests.c.endpoint == endpoint)
            & (requests.c.request == sa.bindparam("for_request"))
            & (requests.c.row == sa.bindparam("for_row"))
        )
        tx.execute(
            requests.update().where(here).values(label=sa.bindparam("told")),
            [
                {"for_request": request, "for_row": row, "told": told}
                for (request, row), told in labels.items()
            ],
        )


def take_early_labels(
    tx: Transaction, endpoint: str, ids: Iterable[str]
) -> dict[tuple[str, int], str | None]:
    """The labels that came before their requests; they are removed."""
    found: dict[tuple[str, int], str | None] = {}
    if (
        tx.execute(sa.select(early_labels.c.row).where(early_labels.c.endpoint == endpoint).limit(1)).first()
        is None
    ):
        return found
    for chunk in chunks(sorted(set(ids))):
        here = (early_labels.c.endpoint == endpoint) & early_labels.c.request.in_(chunk)
        taken = {(row.request, row.row): row.label for row in tx.execute(sa.select(early_labels).where(here))}
        if taken:
            tx.execute(early_labels.delete().where(here))
        found |= taken
    return found


def add_early_labels(tx: Transaction, endpoint: str, labels: dict[tuple[str, int], str | None]) -> None:
    take_early_labels(tx, endpoint, [request for request, _ in labels])
    if labels:
        tx.execute(
            early_labels.insert(),
            [
                {"endpoint": endpoint, "request": request, "row": row, "label": label}
                for (request, row), label in labels.items()
            ],
        )


def count_labelled(tx: Transaction, endpoint: str, from_slot: int | None) -> int:
    query = sa.select(sa.func.count()).where(
        (requests.c.endpoint == endpoint) & requests.c.label.is_not(None)
    )
    if from_slot is not None:
        query = query.where(requests.c.slot >= from_slot)
    return tx.execute(query).scalar_one()


def add_segment(tx: Transaction, endpoint: str, epoch: int, segment: Segment) -> None:
    tx.execute(segments.insert().values(endpoint=endpoint, epoch=epoch, **msgspec.structs.asdict(segment)))


def find_segments(
    tx: Transaction, endpoint: str, since: datetime | None, until: datetime | None
) -> list[Segment]:
    """Files that may hold requests of [since, until) or labels told since then, oldest first."""
    query = sa.select(segments).where(segments.c.endpoint == endpoint).order_by(segments.c.epoch)
    if since is not None:
        query = query.where(segments.c.end_at >= since)
    if until is not None:
        query = query.where((segments.c.start_at < until) | (segments.c.kind == "labels"))
    return [Segment(row.digest, row.kind, row.start_at, row.end_at, row.rows) for row in tx.execute(query)]
