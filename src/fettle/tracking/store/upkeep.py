"""The tables of upkeep, and the SQL that measures and removes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.storage.upserts import insert_new, upsert
from fettle.tracking.records.upkeep import Quota, Removable
from fettle.tracking.store import collaboration
from fettle.tracking.store import traces as trace_rows
from fettle.tracking.store.experiments import experiments
from fettle.tracking.store.inputs import files, inputs, logged_models, model_links, model_metrics
from fettle.tracking.store.metrics import chunks, cursors, metrics, outlines
from fettle.tracking.store.runs import artifacts, params, reads, runs, tags
from fettle.tracking.store.traces import traces as traced

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

quotas = sa.Table(
    "tracking_quotas",
    metadata,
    sa.Column("experiment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("most_runs", sa.BigInteger),
    sa.Column("most_points", sa.BigInteger),
    sa.Column("most_bytes", sa.BigInteger),
)
pins = sa.Table(
    "tracking_pins",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("by", sa.Text, primary_key=True),
)
orphans = sa.Table("tracking_orphans", metadata, sa.Column("digest", sa.Text, primary_key=True))

_OWNED = (params, tags, reads, metrics, chunks, outlines, cursors, artifacts, inputs, model_links)


def m006_upkeep(tx: Transaction) -> None:
    """Quotas of experiments, and runs that something was made from."""
    tx.create(quotas, pins, orphans)


def pin(tx: Transaction, run: str, by: str) -> None:
    tx.execute(insert_new(pins), {"run": run, "by": by})


def unpin(tx: Transaction, run: str, by: str) -> None:
    tx.execute(pins.delete().where((pins.c.run == run) & (pins.c.by == by)))


def pinned(tx: Transaction, ids: Sequence[str]) -> dict[str, list[str]]:
    """Run → what was made from it."""
    found: dict[str, list[str]] = {}
    for row in tx.execute(sa.select(pins).where(pins.c.run.in_(ids)).order_by(pins.c.by)):
        found.setdefault(row.run, []).append(row.by)
    return found


def set_quota(tx: Transaction, number: int, given: Quota) -> None:
    limits = {"most_runs": given.most_runs, "most_points": given.most_points, "most_bytes": given.most_bytes}
    tx.execute(upsert(quotas), {"experiment": number, **limits})


def quota_of(tx: Transaction, number: int, name: str) -> Quota | None:
    """The limits of an experiment and what it holds; None if it has no limits."""
    row = tx.execute(sa.select(quotas).where(quotas.c.experiment == number)).one_or_none()
    if row is None:
        return None
    points, size_bytes = used(tx, name)
    here = sa.select(sa.func.count()).where((runs.c.experiment == name) & runs.c.deleted_at.is_(None))
    count = tx.execute(here).scalar_one()
    return Quota(name, row.most_runs, row.most_points, row.most_bytes, count, points, size_bytes)


def used(tx: Transaction, name: str) -> tuple[int, int]:
    """Points and bytes of files of an experiment, those in the bin too: they are there until they are collected."""
    ours = sa.select(runs.c.id).where(runs.c.experiment == name)
    points = tx.execute(sa.select(sa.func.sum(metrics.c.count)).where(metrics.c.run.in_(ours))).scalar_one()
    size = tx.execute(
        sa.select(sa.func.sum(artifacts.c.size_bytes)).where(artifacts.c.run.in_(ours))
    ).scalar_one()
    return int(points or 0), int(size or 0) + _of_models(tx, name)


def _of_models(tx: Transaction, name: str) -> int:
    """Bytes of files of an experiment's logged models."""
    number = sa.select(experiments.c.number).where(experiments.c.name == name).scalar_subquery()
    owners = sa.select(sa.literal("model:").concat(logged_models.c.id)).where(
        logged_models.c.experiment == number
    )
    size = tx.execute(sa.select(sa.func.sum(files.c.size_bytes)).where(files.c.owner.in_(owners)))
    return int(size.scalar_one() or 0)


def removable(tx: Transaction, before: datetime, after: str, limit: int) -> list[Removable]:
    """Runs that went into the bin before a moment, by id, those behind the id `after`."""
    query = (
        sa.select(runs.c.id, runs.c.name, runs.c.experiment)
        .where((runs.c.deleted_at < before) & (runs.c.id > after))
        .order_by(runs.c.id)
        .limit(limit)
    )
    found = tx.execute(query).all()
    ids = [row.id for row in found]
    points, size = _sums(tx, metrics.c.count, ids), _sums(tx, artifacts.c.size_bytes, ids)
    models, traces = _of_runs(tx, logged_models, ids), _of_runs(tx, traced, ids)
    held = pinned(tx, ids)
    return [
        Removable(
            row.id,
            row.name,
            row.experiment,
            points.get(row.id, 0),
            size.get(row.id, 0) + owned_bytes(tx, models.get(row.id, []), traces.get(row.id, [])),
            held.get(row.id, []),
            len(traces.get(row.id, [])),
        )
        for row in found
    ]


def _sums(tx: Transaction, column: sa.Column, ids: Sequence[str]) -> dict[str, int]:
    table = column.table
    query = sa.select(table.c.run, sa.func.sum(column)).where(table.c.run.in_(ids)).group_by(table.c.run)
    return {run: int(total or 0) for run, total in map(tuple, tx.execute(query))}


def _of_runs(tx: Transaction, table: sa.Table, ids: Sequence[str]) -> dict[str, list[str]]:
    """Run → ids of its logged models, or of its traces."""
    found: dict[str, list[str]] = {}
    for run, id in map(tuple, tx.execute(sa.select(table.c.run, table.c.id).where(table.c.run.in_(ids)))):
        found.setdefault(run, []).append(id)
    return found


def owned_bytes(tx: Transaction, models: Sequence[str], traces: Sequence[str]) -> int:
    """Bytes of files of logged models and of traces."""
    owners = [*(f"model:{each}" for each in models), *(f"trace:{each}" for each in traces)]
    total = 0
    for some in _portions(owners):
        size = tx.execute(sa.select(sa.func.sum(files.c.size_bytes)).where(files.c.owner.in_(some)))
        total += int(size.scalar_one() or 0)
    return total


def purge(tx: Transaction, ids: Sequence[str]) -> int:
    """Remove runs with all they own, also their logged models and traces, and note the digests they named.

    Parts of theirs lose their parent. Returns how many traces went.
    """
    models = list(tx.execute(sa.select(logged_models.c.id).where(logged_models.c.run.in_(ids))).scalars())
    traces = list(tx.execute(sa.select(traced.c.id).where(traced.c.run.in_(ids))).scalars())
    _note_orphans(tx, sa.select(artifacts.c.digest).where(artifacts.c.run.in_(ids)))
    purge_models(tx, models)
    purge_traces(tx, traces)
    for table in _OWNED:
        tx.execute(table.delete().where(table.c.run.in_(ids)))
    collaboration.forget(tx, [f"run:{each}" for each in ids])
    tx.execute(runs.update().where(runs.c.parent.in_(ids)).values(parent=None))
    tx.execute(runs.delete().where(runs.c.id.in_(ids)))
    return len(traces)


def purge_models(tx: Transaction, ids: Sequence[str]) -> None:
    """Remove logged models with all they own, and note the digests of their files."""
    for some in _portions(ids):
        _drop_files(tx, [f"model:{each}" for each in some])
        for table in (model_links, model_metrics):
            tx.execute(table.delete().where(table.c.model.in_(some)))
        tx.execute(logged_models.delete().where(logged_models.c.id.in_(some)))


def purge_traces(tx: Transaction, ids: Sequence[str]) -> None:
    """Remove traces with their spans, files and comments, and note the digests of their files."""
    for some in _portions(ids):
        subjects = [f"trace:{each}" for each in some]
        _drop_files(tx, subjects)
        collaboration.forget(tx, subjects)
    trace_rows.drop_traces(tx, ids)


def _drop_files(tx: Transaction, owners: Sequence[str]) -> None:
    theirs = files.c.owner.in_(owners)
    _note_orphans(tx, sa.select(files.c.digest).where(theirs))
    tx.execute(files.delete().where(theirs))


def _portions(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def deleted_models(tx: Transaction, before: datetime, limit: int) -> list[str]:
    """Ids of logged models that were deleted before a moment."""
    query = sa.select(logged_models.c.id).where(logged_models.c.deleted_at < before).limit(limit)
    return list(tx.execute(query).scalars())


def _note_orphans(tx: Transaction, named: sa.Select) -> None:
    found = [{"digest": each} for each in tx.execute(named.distinct()).scalars()]
    if found:
        tx.execute(insert_new(orphans), found)


def orphaned(tx: Transaction) -> set[str]:
    """Digests that purged runs named, and whose objects have not been looked at since."""
    return set(tx.execute(sa.select(orphans.c.digest)).scalars())


def settle(tx: Transaction) -> None:
    """Forget the orphans: those that nothing names are gone."""
    tx.execute(orphans.delete())


def ids_after(tx: Transaction, after: str, limit: int, experiments: Sequence[str]) -> list[str]:
    """Ids of runs, those in the bin and the archive too, in order."""
    query = sa.select(runs.c.id).where(runs.c.id > after).order_by(runs.c.id).limit(limit)
    if experiments:
        query = query.where(runs.c.experiment.in_(experiments))
    return list(tx.execute(query).scalars())
