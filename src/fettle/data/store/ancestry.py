"""What came before a commit: its line, its ancestors, and where two lines parted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.data.records.versions import Commit
from fettle.data.store.tables import commits, moves, parents
from fettle.data.store.versions import batches, get_commit, get_commits

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def line(tx: Transaction, id: str, most: int) -> list[Commit]:
    """The commit and its first parents, newest first: the line that a branch has gone."""
    if most < 1:
        return []
    start = sa.select(sa.literal(id, sa.Text).label("id"), sa.literal(0).label("depth"))
    walk = start.cte("walk", recursive=True)
    first = sa.and_(parents.c.commit == walk.c.id, parents.c.place == 0, walk.c.depth < most - 1)
    walk = walk.union_all(sa.select(parents.c.parent, walk.c.depth + 1).join(walk, first))
    depths = dict(map(tuple, tx.execute(sa.select(walk.c.id, walk.c.depth))))
    found = {each.id: each for each in get_commits(tx, list(depths))}
    return [
        found[each] if each in found else get_commit(tx, each)
        for each in sorted(depths, key=depths.__getitem__)
    ]


def ancestors(tx: Transaction, ids: Iterable[str]) -> set[str]:
    """The ids of these commits and of all before them."""
    found: set[str] = set()
    for some in batches(ids):
        start = sa.select(commits.c.id.label("id")).where(commits.c.id.in_(some))
        walk = start.cte("walk", recursive=True)
        walk = walk.union(sa.select(parents.c.parent).join(walk, parents.c.commit == walk.c.id))
        found |= set(tx.execute(sa.select(walk.c.id)).scalars())
    return found


def once_named(tx: Transaction, dataset: str) -> set[str]:
    """The ids of the commits that a branch or tag of the dataset has ever named, and of all before them."""
    named = [sa.select(column).where(moves.c.dataset == dataset) for column in (moves.c.old, moves.c.new)]
    walk = sa.select(commits.c.id.label("id")).where(sa.or_(*(commits.c.id.in_(each) for each in named)))
    walk = walk.cte("walk", recursive=True)
    walk = walk.union(sa.select(parents.c.parent).join(walk, parents.c.commit == walk.c.id))
    return set(tx.execute(sa.select(walk.c.id)).scalars())


def merge_base(tx: Transaction, ours: str, theirs: str) -> str | None:
    """The best common ancestor: one that is no ancestor of another; the newest of several, None if there is none."""
    common = ancestors(tx, [ours]) & ancestors(tx, [theirs])
    if not common:
        return None
    best = set(common)
    for some in batches(common):
        best -= set(tx.execute(sa.select(parents.c.parent).where(parents.c.commit.in_(some))).scalars())
    return max(get_commits(tx, list(best)), key=lambda each: (each.at, each.id)).id
