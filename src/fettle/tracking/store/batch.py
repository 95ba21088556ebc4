"""The SQL of changes that come many at a time: what a run is, asked cheaply, and what is taken from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from fettle.storage.upserts import insert_new, upsert
from fettle.tracking.records.inputs import LOCATION, Brief
from fettle.tracking.records.runs import Artifact
from fettle.tracking.store.experiments import experiment_tags, experiments
from fettle.tracking.store.inputs import files
from fettle.tracking.store.runs import artifacts, runs, tags
from fettle.tracking.store.upkeep import orphans

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


class State(NamedTuple):
    """What must be known of a run before it is changed."""

    id: str
    experiment: str
    status: str
    deleted_at: datetime | None


_STATE = sa.select(runs.c.id, runs.c.experiment, runs.c.status, runs.c.deleted_at).where(
    runs.c.id == sa.bindparam("run")
)


def find_state(tx: Transaction, run: str) -> State | None:
    """The state of a run, by its key alone."""
    row = tx.execute(_STATE, {"run": run}).one_or_none()
    return None if row is None else State(*row)


def _briefs(column: sa.Column[Any]) -> sa.Executable:
    place = (experiment_tags.c.number == experiments.c.number) & (experiment_tags.c.key == LOCATION)
    columns = (experiments.c.number, experiments.c.name, experiments.c.deleted_at, experiment_tags.c.value)
    query = sa.select(*columns).select_from(experiments.outerjoin(experiment_tags, place))
    return query.where(column.in_(sa.bindparam("some", expanding=True)))


_BY_NAME, _BY_NUMBER = _briefs(experiments.c.name), _briefs(experiments.c.number)


def briefs_named(tx: Transaction, names: Collection[str]) -> dict[str, Brief]:
    """The experiments of these names, without what must be counted."""
    return {each.name: each for each in _found(tx, _BY_NAME, names)}


def briefs_numbered(tx: Transaction, numbers: Collection[int]) -> dict[int, Brief]:
    """The experiments of these numbers, without what must be counted."""
    return {each.number: each for each in _found(tx, _BY_NUMBER, numbers)}


def _found(tx: Transaction, query: sa.Executable, some: Collection[Any]) -> list[Brief]:
    rows = tx.execute(query, {"some": list(some)})
    return [Brief(row.number, row.name, row.deleted_at, row.value or "") for row in rows]


def remove_tag(tx: Transaction, run: str, key: str) -> bool:
    """Drop a tag; False if there is none."""
    return tx.execute(tags.delete().where((tags.c.run == run) & (tags.c.key == key))).rowcount == 1


def under(path: sa.ColumnElement[str], folder: str) -> sa.ColumnElement[bool]:
    """Whether a path is a folder itself or lies in it; an empty folder holds all.

    Compared character by character: LIKE is blind to case on SQLite, and `<` follows a language's order on PostgreSQL.
    """
    if not folder:
        return sa.true()
    return (path == folder) | (sa.func.substr(path, 1, len(folder) + 1) == folder + "/")


def list_artifacts(tx: Transaction, run: str, folder: str) -> list[Artifact]:
    """The files of a run in a folder, at any depth, or the one file of that path."""
    where = (artifacts.c.run == run) & under(artifacts.c.path, folder)
    rows = tx.execute(sa.select(artifacts).where(where).order_by(artifacts.c.path)).mappings()
    return [Artifact(**{key: row[key] for key in row if key != "run"}) for row in rows]


def remove_artifacts(tx: Transaction, run: str, folder: str) -> int:
    """Take files from a run; how many."""
    where = (artifacts.c.run == run) & under(artifacts.c.path, folder)
    _let_go(tx, artifacts, where)
    return tx.execute(artifacts.delete().where(where)).rowcount


def put_file(tx: Transaction, owner: str, file: Artifact) -> None:
    """Name an object as a file of an owner that is no run, in place of what was there."""
    fields = {"path": file.path, "digest": file.digest, "size_bytes": file.size_bytes, "at": file.at}
    same = (files.c.owner == owner) & (files.c.path == file.path)
    _let_go(tx, files, same & (files.c.digest != file.digest))
    tx.execute(upsert(files), {"owner": owner, **fields})


def list_files(tx: Transaction, owner: str, folder: str) -> list[Artifact]:
    """The files of an owner in a folder, at any depth, or the one file of that path."""
    where = (files.c.owner == owner) & under(files.c.path, folder)
    rows = tx.execute(sa.select(files).where(where).order_by(files.c.path)).mappings()
    return [Artifact(**{key: row[key] for key in row if key != "owner"}) for row in rows]


def remove_files(tx: Transaction, owner: str, folder: str) -> int:
    """Take files from an owner; how many."""
    where = (files.c.owner == owner) & under(files.c.path, folder)
    _let_go(tx, files, where)
    return tx.execute(files.delete().where(where)).rowcount


def _let_go(tx: Transaction, table: sa.Table, where: sa.ColumnElement[bool]) -> None:
    """Have the collector look at the objects that these rows name: maybe nothing else does."""
    found = tx.execute(sa.select(table.c.digest).where(where).distinct()).scalars()
    rows = [{"digest": each} for each in found]
    if rows:
        tx.execute(insert_new(orphans), rows)
