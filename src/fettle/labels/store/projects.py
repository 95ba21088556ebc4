"""Projects, their items, and the reports kept with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.errors import NotFound
from fettle.labels.records import Item, Kept, Project
from fettle.labels.store.tables import BATCH, BLANK, TABLES, cursors, items, projects, reports
from fettle.storage.upserts import upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def find_project(tx: Transaction, name: str) -> Project:
    """The project of that name.

    Raises:
        NotFound: There is none.
    """
    found = tx.execute(sa.select(projects.c.record).where(projects.c.name == name)).scalar_one_or_none()
    if found is None:
        names = tx.execute(sa.select(projects.c.name)).scalars().all()
        raise NotFound.among("labelling project", name, names, hint="fettle labels projects")
    return found


def has_project(tx: Transaction, name: str) -> bool:
    return tx.execute(sa.select(projects.c.name).where(projects.c.name == name)).one_or_none() is not None


def put_project(tx: Transaction, project: Project) -> None:
    tx.execute(upsert(projects), {"name": project.name, "at": project.created_at, "record": project})


def list_projects(tx: Transaction) -> list[Project]:
    """All projects, newest first."""
    return list(tx.execute(sa.select(projects.c.record).order_by(projects.c.at.desc())).scalars())


def drop_project(tx: Transaction, name: str) -> None:
    """Forget a project with its items, answers and history."""
    for table in TABLES:
        column = table.c.name if table is projects else table.c.project
        tx.execute(table.delete().where(column == name))


def add_items(tx: Transaction, project: str, found: Iterable[Item], *, first: int) -> int:
    """Number the items from `first` on and keep them; a key that is there already is left as it is."""
    added, batch = 0, []
    for number, each in enumerate(found, first):
        batch.append(
            {
                "project": project,
                "item": number,
                "key": each.key,
                "shown": each.values,
                "foreign_id": each.foreign,
                "place": each.place,
                "score": each.score,
                "answers": 0,
                "open": True,
                "entropy": 0.0,
            }
        )
        if len(batch) == BATCH:
            tx.execute(items.insert(), batch)
            added, batch = added + len(batch), []
    if batch:
        tx.execute(items.insert(), batch)
    return added + len(batch)


def arrange(tx: Transaction, project: str, places: Iterable[tuple[str, int, float | None]]) -> int:
    """Give items, named by their keys, their new places and scores; annotators begin anew at the front."""
    statement = (
        items.update()
        .where(items.c.project == project, items.c.key == sa.bindparam("of"))
        .values(place=sa.bindparam("to"), score=sa.bindparam("by"))
    )
    rows = [{"of": key, "to": place, "by": score} for key, place, score in places]
    for start in range(0, len(rows), BATCH):
        tx.execute(statement, rows[start : start + BATCH])
    tx.execute(cursors.delete().where(cursors.c.project == project))
    return len(rows)


def numbers_of(tx: Transaction, project: str, keys: Sequence[str]) -> dict[str, int]:
    """The numbers of the items that have these keys."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        query = sa.select(items.c.key, items.c.item).where(items.c.project == project, items.c.key.in_(some))
        found.update(map(tuple, tx.execute(query)))
    return found


def reopen(tx: Transaction, project: str, annotators: int) -> None:
    """Open the items that have fewer answers than `annotators`, close the others; cursors begin anew."""
    wanted = items.update().where(items.c.project == project, ~items.c.key.startswith(BLANK))
    tx.execute(wanted.values(open=items.c.answers < annotators))
    tx.execute(cursors.delete().where(cursors.c.project == project))


def put_report(tx: Transaction, kept: Kept) -> None:
    tx.execute(upsert(reports), msgspec.structs.asdict(kept))


def find_report(tx: Transaction, project: str, kind: str) -> Kept | None:
    query = sa.select(reports).where(reports.c.project == project, reports.c.kind == kind)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else Kept(**row)
