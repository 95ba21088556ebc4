"""Files that another version left in a folder to which a version is copied: those that a version still has may go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.core.errors import NotFound
from fettle.data.engine import trees
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.records.versions import Commit

MOST_VERSIONS = 1000


def clear(ws: Surface, commit: Commit, prefix: str, target: Path) -> tuple[int, list[str]]:
    """Take away what other versions of the dataset have put into a folder, and this one has not.

    A file is taken away only if a version that is kept has just this content at just this path: then nothing is lost.

    Args:
        ws: The workspace.
        commit: The version that the folder was made from just now.
        prefix: The folder of the version that was copied, with a slash at its end; empty: all of it.
        target: Where to.

    Returns:
        How many files were taken away, and which others the version has not, by path.
    """
    node = repository(ws).node
    wanted = {each.path for each in trees.entries(commit.tree, node, prefix)}
    extra = {path: place for place in _files(target) if (path := _path(prefix, target, place)) not in wanted}
    known = _elsewhere(ws, commit, extra) if extra else {}
    removed, others = 0, []
    for path, place in extra.items():
        if _digest(place) in known.get(path, ()):
            place.unlink()
            removed += 1
            _prune(place.parent, target)
        else:
            others.append(str(place.relative_to(target)))
    return removed, sorted(others)


def _elsewhere(ws: Surface, commit: Commit, wanted: dict[str, Path]) -> dict[str, set[str]]:
    """For each of these paths the contents that other versions have there, the newest versions first."""
    node = repository(ws).node
    found: dict[str, set[str]] = {}
    for tree in _trees(ws, commit):
        with suppress(NotFound):  # a version whose data were removed
            for each in trees.diff(commit.tree, tree, node):
                if each.new is not None and each.path in wanted:
                    found.setdefault(each.path, set()).add(each.new.digest)
    return found


def _trees(ws: Surface, commit: Commit) -> list[str]:
    """The trees of the dataset's other versions, the newest first."""
    known: dict[str, Commit] = {}
    for each in ws.call("data.refs", dataset=commit.dataset):
        if each.commit not in known:
            known |= {one.id: one for one in ws.call("data.lineage", ref=f"{commit.dataset}@{each.commit}")}
    newest = sorted(known.values(), key=lambda each: each.at, reverse=True)[:MOST_VERSIONS]
    return list(dict.fromkeys(each.tree for each in newest if each.tree and each.tree != commit.tree))


def _files(folder: Path) -> Iterator[Path]:
    """All files and links below a folder; links are not followed."""
    for root, folders, names in os.walk(folder):
        links = [each for each in folders if os.path.islink(os.path.join(root, each))]
        yield from (Path(root, name) for name in (*names, *links))


def _path(prefix: str, target: Path, place: Path) -> str:
    return prefix + place.relative_to(target).as_posix()


def _digest(place: Path) -> str:
    if place.is_symlink():
        return ids.digest(os.fsencode(os.readlink(place)))
    return ids.digest_file(place) if place.is_file() else ""


def _prune(folder: Path, top: Path) -> None:
    """Remove folders that are empty now."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
