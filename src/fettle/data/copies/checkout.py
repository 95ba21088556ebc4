"""Bring a version into a folder: only what differs is touched, and nothing is lost that is nowhere else.

What is to be done is written down first (`State.pending`). A checkout that was killed leaves whole files of either
version (and of one, where they were very many, perhaps the beginning); the next checkout takes those that are right
already and goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fettle.core.errors import Conflict
from fettle.core.ids import digest
from fettle.data.copies.places import Copy
from fettle.data.copies.rebuild import Files, blocks_of, index_of, selection
from fettle.data.copies.scan import Difference, content, differences
from fettle.data.copies.stage import write_staged
from fettle.data.copies.write import clear_partial, clear_way, remove_files, write_files
from fettle.data.engine import index as indexes
from fettle.data.engine import trees
from fettle.data.engine.format import WHOLE_BELOW
from fettle.data.engine.index import Index, settled
from fettle.data.engine.tree_diff import Change, joined
from fettle.data.engine.tree_read import pairs
from fettle.data.engine.walk import Row, lstat_row, shown

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository

_MOST_NAMED = 10


class CheckedOut(msgspec.Struct, frozen=True):
    """What a checkout came to.

    Attributes:
        path: The folder or file.
        dataset: What it is a copy of.
        branch: Where its commits go.
        commit: The version that lies in it now.
        written: Files that were written.
        removed: Files that were taken away.
        kept: Files with changes of the user's own, which were left alone.
        notes: What else was done, in words.
    """

    path: str
    dataset: str
    branch: str
    commit: str
    written: int
    removed: int
    kept: int
    notes: list[str] = []

    def lines(self) -> list[str]:
        """For a person."""
        done = [
            f"{count} {word}"
            for count, word in ((self.written, "written"), (self.removed, "removed"))
            if count
        ]
        kept = [f"{self.kept} with changes of your own kept"] if self.kept else []
        what = ", ".join([*done, *kept]) or "nothing to do"
        return [
            f"{self.path}: {self.dataset}@{self.commit[:12]} · {what}",
            *(f"  {each}" for each in self.notes),
        ]


class Target(NamedTuple):
    """The version that is wanted in a copy.

    Attributes:
        commit: Its id.
        tree: Its tree.
        branch: Where commits go from then on.
        globs: Which part is wanted; empty: all.
        link: Whether files are linked from the cache.
    """

    commit: str
    tree: str
    branch: str
    globs: tuple[str, ...] = ()
    link: bool = False


class Local:
    """What a folder has otherwise than its index says."""

    def __init__(self, copy: Copy, found: list[Difference]) -> None:
        self._root = copy.root
        self.rows: dict[str, Row] = {}
        self.known: dict[str, tuple[Row, bytes]] = {}
        self.gone: dict[str, trees.Entry] = {}
        for each in found:
            for name in each.gone:
                self.gone[each.path(name)] = entry_of(each.path(name), *each.known[name])
            for name in (*each.suspects, *each.new):
                path = each.path(name)
                self.rows[path] = each.found[name]
                if name in each.known:
                    self.known[path] = each.known[name]
        self.own = self.rows.keys() - self.known.keys()
        self.folders = {above for path in self.own for above in _folders_of(path)}

    def holds(self, path: str, wanted: Iterable[trees.Entry | None]) -> bool:
        """Whether the file at a path has one of these contents, so that nothing is lost with it."""
        row = self.rows[path]
        fitting = [
            each
            for each in wanted
            if each and each.size_bytes == row[0] and each.mode == indexes.mode_of(row)
        ]
        if not fitting:
            return False
        found = content(os.path.join(self._root, path), row)
        return found is not None and found.hex() in {each.digest for each in fitting}

    def in_the_way(self, path: str) -> str | None:
        """A file of the user's own that lies where a folder is needed for the path, or below it."""
        above = next((each for each in _folders_of(path) if each in self.own), None)
        if above is not None or path not in self.folders:
            return above
        return next(each for each in self.own if each.startswith(f"{path}/"))


def check_out(
    repository: Repository, copy: Copy, target: Target, *, force: bool = False, committed: bool = False
) -> CheckedOut:
    """Bring a version into a working copy; the copy is locked.

    Args:
        repository: Where the bytes are.
        copy: The working copy.
        target: The version.
        force: Overwrite changes that are nowhere else.
        committed: What is staged is in a commit already, and need not be kept.

    Raises:
        Conflict: Changes of the user's own would be lost.
        Unavailable: The disk is full or cannot be written, or bytes are missing or damaged.
    """
    looked_at = time.time_ns()
    index = index_of(copy, repository.node)
    os.makedirs(copy.root, exist_ok=True)
    if copy.state.pending:
        clear_partial(copy.root)
    local = Local(copy, list(differences(copy, index)))
    changes = list(_wanted(copy, target, repository.node))
    if not (force or committed):
        _check_staged(copy, target)
    there = _already_there(repository, copy, local, changes, force=force)
    changes += _missing(local, changes, force=force)
    if copy.state.pending:
        changes += _begun(repository, copy, local, changes)
    todo = [each for each in changes if each.path not in there]
    if todo:
        copy.write(copy.state._replace(pending=target.tree))
    removed = [each.path for each in todo if each.new is None]
    remove_files(copy.root, removed)
    written = [each.new for each in todo if each.new is not None]
    if force:
        _make_way(copy, local, written)
    cache = link_cache(copy) if target.link else ""
    rows = write_files(repository, copy.root, written, cache, resumes=True)
    finished_at = _settled_at(rows)
    fresh = {path: settled(row, finished_at) for path, row in rows.items()}
    fresh |= {path: settled(row, looked_at) for path, row in there.items()}
    made = Index(target.tree, changed_blocks(copy.root, index, changes, fresh))
    write_staged(
        repository,
        copy,
        made,
        base=target.commit,
        base_tree=target.tree,
        branch=target.branch,
        globs=target.globs,
        linked="yes" if target.link else "",
        pending="",
    )
    kept = len(local.rows.keys() - {each.path for each in changes})
    return CheckedOut(
        path=shown(copy.name),
        dataset=copy.state.dataset,
        branch=target.branch,
        commit=target.commit,
        written=len(written),
        removed=len(removed),
        kept=kept,
    )


def _settled_at(rows: dict[str, Row]) -> int:
    """A moment at which none of the files could change without a trace any more: waits some milliseconds for it."""
    latest = max((max(row[1], row[2]) for row in rows.values()), default=0)
    while 0 <= (now := time.time_ns()) - latest <= indexes.RACY_NS:
        time.sleep((latest + indexes.RACY_NS - now) / 1e9 + 1e-4)
    return now


def link_cache(copy: Copy) -> str:
    """Where whole files lie that copies are linked to."""
    return os.path.join(copy.home, "cache", "data", "whole")


def _wanted(copy: Copy, target: Target, node: trees.Node) -> Iterator[Change]:
    """What differs between what lies in the folder and what is wanted there."""
    before, after = selection(copy.state.globs), selection(target.globs)
    if before is None and after is None:
        return trees.diff(copy.state.staged, target.tree, node)
    old = (
        each for each in pairs(copy.state.staged, node) if before is None or before.fullmatch(each[1].path)
    )
    new = (each for each in pairs(target.tree, node) if after is None or after.fullmatch(each[1].path))
    return joined(old, new)


def _check_staged(copy: Copy, target: Target) -> None:
    state = copy.state
    if state.staged in (state.base_tree, target.tree):
        return
    raise Conflict(
        f"{shown(copy.name)} has staged changes that are not committed.",
        found="they would be lost",
        hint=f"Commit them with `fettle data commit {shown(copy.name)} -m …`, or give them up with --force.",
    )


def _already_there(
    repository: Repository, copy: Copy, local: Local, changes: list[Change], *, force: bool
) -> dict[str, Row]:
    """The files that are as wanted already; refuses where something would be lost."""
    there: dict[str, Row] = {}
    lost: list[str] = []
    pending = copy.state.pending
    for each in changes:
        blocking = local.in_the_way(each.path) if each.new is not None else None
        if blocking is not None:
            lost.append(blocking)
        if each.path not in local.rows:
            continue
        if each.new is not None and local.holds(each.path, [each.new]):
            there[each.path] = local.rows[each.path]
            continue
        if pending and each.new is not None and _is_beginning(repository, copy, each.new):
            continue
        began = trees.find(pending, each.path, repository.node) if pending else None
        if not local.holds(each.path, [each.old, began]):
            lost.append(each.path)
    if lost and not force:
        named = ", ".join(shown(each) for each in lost[:_MOST_NAMED])
        raise Conflict(
            f"The checkout would overwrite {len(lost)} changed files in {shown(copy.name)}.",
            found=named + (", …" if len(lost) > _MOST_NAMED else ""),
            hint="Add and commit them, move them away, or give them up with --force.",
        )
    return there


def _begun(repository: Repository, copy: Copy, local: Local, changes: list[Change]) -> list[Change]:
    """Files that do not differ between the versions, of which a killed checkout left the beginning."""
    named = {each.path for each in changes}
    begun = [entry_of(path, *known) for path, known in local.known.items() if path not in named]
    return [Change(each.path, each, each) for each in begun if _is_beginning(repository, copy, each)]


def _is_beginning(repository: Repository, copy: Copy, wanted: trees.Entry) -> bool:
    """Whether a file is the beginning of what is wanted there, as a killed checkout leaves it."""
    path = os.path.join(copy.root, wanted.path)
    row = lstat_row(path)
    if row is None or not row[0] < wanted.size_bytes < WHOLE_BELOW or indexes.mode_of(row) != wanted.mode:
        return False
    return content(path, row) == bytes.fromhex(digest(repository.read(wanted.digest, 0, row[0])))


def _missing(local: Local, changes: list[Change], *, force: bool) -> list[Change]:
    """Files that do not differ between the versions, but are gone from the folder, or changed and given up."""
    named = {each.path for each in changes}
    wanted = [entry for path, entry in local.gone.items() if path not in named]
    if force:
        wanted += [entry_of(path, *known) for path, known in local.known.items() if path not in named]
    return [Change(each.path, each, each) for each in wanted]


def _make_way(copy: Copy, local: Local, written: list[trees.Entry]) -> None:
    """Remove what stands in the way of files, as the user wished."""
    for each in written:
        clear_way(copy.root, each.path)
        for above in _folders_of(each.path):
            place = os.path.join(copy.root, above)
            if above in local.rows or os.path.islink(place):
                remove_files(copy.root, [above])


def changed_blocks(
    root: str, index: Index, changes: list[Change], fresh: dict[str, Row]
) -> dict[str, indexes.Block]:
    """The blocks after the changes; only the folders that changed are made anew."""
    folders: Files = {}
    for each in changes:
        folder, _, name = each.path.rpartition("/")
        if folder not in folders:
            block = index.blocks.get(folder)
            folders[folder] = block.files() if block else {}
        if each.new is None:
            folders[folder].pop(name, None)
        elif each.path in fresh:
            folders[folder][name] = fresh[each.path], bytes.fromhex(each.new.digest)
        else:
            folders[folder][name] = indexes.unread(each.new)
    kept = {folder: block for folder, block in index.blocks.items() if folder not in folders}
    return kept | blocks_of(_as_listed(root, folders))


def _as_listed(root: str, folders: Files) -> Files:
    """The files of each folder in the order of the disk, so that the next look finds the folder as it is known."""
    made: Files = {}
    for folder, files in folders.items():
        try:
            names = os.listdir(os.path.join(root, folder))
        except OSError:
            names = []
        made[folder] = {name: files[name] for name in names if name in files} | files
    return made


def entry_of(path: str, row: Row, digest: bytes) -> trees.Entry:
    """A file of the index as an entry of a tree."""
    return trees.Entry(path, digest.hex(), row[0], indexes.mode_of(row))


def _folders_of(path: str) -> Iterator[str]:
    place = path.find("/")
    while place >= 0:
        yield path[:place]
        place = path.find("/", place + 1)
