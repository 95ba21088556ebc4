"""Files that are kept by reference: which a version has, whether their sources still have them, and to copy them in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from fettle.core import progress
from fettle.core.units import size_text
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.engine.format import binary
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository
    from fettle.data.records.versions import Commit


class Referenced(msgspec.Struct, frozen=True):
    """A file that is kept by reference: its path in the version, where it lies, and what is wrong (empty: nothing)."""

    path: str
    where: str
    size_bytes: int
    wrong: str = ""


class References(msgspec.Struct, frozen=True):
    """The files of a version that are kept by reference."""

    ref: str
    files: list[Referenced]

    @property
    def fault(self) -> str:
        """What has changed or vanished; empty if nothing."""
        bad = sum(bool(each.wrong) for each in self.files)
        return f"{bad} of {len(self.files)} files are not what they were at their source." if bad else ""

    def lines(self) -> list[str]:
        """For a person: what is wrong, file by file, or that nothing is."""
        size = size_text(sum(each.size_bytes for each in self.files))
        if not self.files:
            return [f"{self.ref}: all files are in the store."]
        bad = [f"{each.path}: {each.where}: {each.wrong}" for each in self.files if each.wrong]
        return [f"{self.ref}: {len(self.files)} files by reference, {size}", *bad]


class Materialised(msgspec.Struct, frozen=True):
    """How many files of a version were copied into the store, and their bytes."""

    ref: str
    files: int
    size_bytes: int

    def lines(self) -> list[str]:
        """For a person."""
        return [f"{self.ref}: {self.files} files copied into the store, {size_text(self.size_bytes)}"]


def references(ws: Surface, ref: str, *, full: bool = False) -> References:
    """Look whether the sources of a version's referenced files still have them.

    Args:
        ws: The workspace.
        ref: The version.
        full: Read them; otherwise a file of the same length and tag counts as unchanged.
    """
    commit, repo = versions.resolve(ws, ref), repository(ws)
    found: list[Referenced] = []
    with progress.phase("Asking sources", total=commit.files, unit="files") as step:
        for entry in trees.entries(commit.tree, repo.node):
            step()
            if repo.stores(entry.digest):
                continue
            where = repo.external.find(binary(entry.digest))
            fault = repo.external.fault(binary(entry.digest), full=full)
            place = fault[0].shown if fault else where[0].shown if where else ""
            wrong = fault[1] if fault else "" if where else "it is missing"
            found.append(Referenced(entry.path, place, entry.size_bytes, wrong))
    return References(_name(commit), found)


def materialise(ws: Surface, ref: str) -> Materialised:
    """Copy the content of a version's referenced files into the store; no commit changes.

    Every version, of any dataset, that has the same files is served from the store from then on.

    Raises:
        Unavailable: A source does not have a file any more, or has another one; what was copied before stays.
    """
    commit, repo = versions.resolve(ws, ref), repository(ws)
    wanted = list(_outside(repo, commit))
    size = 0
    with (
        repo.writer(hold=f"data materialise {ref}") as writer,
        progress.phase("Copying", total=sum(each.size_bytes for each in wanted), unit="bytes") as step,
    ):
        for entry in wanted:
            size += writer.put_stream(repo.stream(entry.digest)).size_bytes
            step(entry.size_bytes)
    return Materialised(_name(commit), len(wanted), size)


def _outside(repo: Repository, commit: Commit) -> Iterator[trees.Entry]:
    known: set[str] = set()
    for entry in trees.entries(commit.tree, repo.node):
        if entry.digest not in known and not repo.stores(entry.digest):
            yield entry
        known.add(entry.digest)


def _name(commit: Commit) -> str:
    return f"{commit.dataset}@{commit.id[:12]}"
