"""Commits in the blobs that no database row knows: what was killed, or lost a race, between writing and recording."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.data.repositories import PREFIX

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import BlobInfo

COMMITS = f"{PREFIX}commits/"
LEAST_AGE_S = 3600.0
"""A commit is written just before it is recorded: what is younger may be on its way, whatever grace is given."""
_AT_ONCE = 1000


def collect(ws: Surface, *, grace_s: float, dry: bool = False) -> int:
    """Remove the commits that nothing knows; how many.

    Versions of branches that were dropped are known: they stay on record, without their data.

    Args:
        ws: The workspace.
        grace_s: How old a commit must be, in seconds; never less than an hour.
        dry: Only count.
    """
    count = 0
    old = _old(ws, max(grace_s, LEAST_AGE_S))
    while some := list(islice(old, _AT_ONCE)):
        named = {each.key.rpartition("/")[2]: each.key for each in some}
        strays = sorted(named.keys() - _known(ws, named))
        count += len(strays)
        if not dry:
            _remove(ws, {each: named[each] for each in strays})
    return count


def _old(ws: Surface, age_s: float) -> Iterator[BlobInfo]:
    now = ws.clock.now()
    for each in ws.blobs.list(COMMITS):
        if (now - each.modified_at).total_seconds() > age_s:
            yield each


def _known(ws: Surface, commits: dict[str, str]) -> set[str]:
    return set(ws.call("data.known", commits=sorted(commits)))


def _remove(ws: Surface, strays: dict[str, str]) -> None:
    """Remove blobs; one that was recorded meanwhile, because another place has the commit too, is put back."""
    held: dict[str, bytes] = {}
    for commit, key in strays.items():
        try:
            held[commit] = ws.blobs.get(key)
        except NotFound:  # another gc was faster
            continue
        ws.blobs.delete(key)
    for commit in _known(ws, strays) & held.keys():
        ws.blobs.put(strays[commit], held[commit])
