"""What a working copy has otherwise than the version it was made from, and what of it is staged."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from fettle.core.progress import phase
from fettle.data.copies.places import Copy, all_copies, chosen_copy, copy_of
from fettle.data.copies.scan import Difference, content, differences, keep, load, same_kind
from fettle.data.engine import index as indexes
from fettle.data.engine.index import Block, Index, settled
from fettle.data.engine.walk import Row, shown

if TYPE_CHECKING:
    from fettle.acts import Surface

_MOST_SHOWN = 20
_SHORT = 12


class CopyStatus:
    """One working copy.

    Attributes:
        path: The folder or file.
        dataset: What it is a copy of.
        branch: Where its commits go.
        commit: The version it was made from; empty before the first.
        staged: Paths that the next commit changes, each with `new`, `modified` or `deleted`.
        modified: Paths whose files changed since they were staged or committed.
        new: Paths that are not staged and not committed.
        deleted: Paths whose files are gone.
        head: The branch's newest version, where that was asked for.
        interrupted: Whether a checkout was begun and not finished.
    """

    def __init__(self, copy: Copy) -> None:
        self.path = shown(copy.name)
        self.dataset, self.branch, self.commit = copy.state.dataset, copy.state.branch, copy.state.base
        self.staged: list[tuple[str, str]] = []
        self.modified: list[str] = []
        self.new: list[str] = []
        self.deleted: list[str] = []
        self.head = ""
        self.interrupted = bool(copy.state.pending)

    @property
    def clean(self) -> bool:
        """Whether the folder is the version and nothing is staged."""
        return not (self.staged or self.modified or self.new or self.deleted or self.interrupted)

    def as_dict(self) -> dict[str, Any]:
        """The status for programs; bytes of names that are no text are escaped."""
        lists = {
            name: [shown(each) for each in getattr(self, name)] for name in ("modified", "new", "deleted")
        }
        staged = [{"path": shown(path), "change": change} for path, change in self.staged]
        plain = {name: getattr(self, name) for name in ("path", "dataset", "branch", "commit", "head")}
        return {**plain, "clean": self.clean, "staged": staged, **lists, "interrupted": self.interrupted}

    def lines(self) -> list[str]:
        """The status for a person."""
        made_from = self.commit[:_SHORT] if self.commit else "no version yet"
        made = [f"{self.path}: {self.dataset}@{self.branch} · {made_from}"]
        if self.head and self.head != self.commit:
            made.append(
                f"  the branch has moved on to {self.head[:_SHORT]}: fettle data checkout {self.path} {self.branch}"
            )
        if self.interrupted:
            made.append("  a checkout was interrupted: run it again")
        if self.clean:
            return [*made, "  clean"]
        for title, paths in (
            ("staged for commit", [f"{change:<9}{path}" for path, change in self.staged]),
            ("modified", self.modified),
            ("new", self.new),
            ("deleted", self.deleted),
        ):
            if paths:
                made.append(f"  {title}: {len(paths)}")
                made += [f"    {shown(each)}" for each in paths[:_MOST_SHOWN]]
            if len(paths) > _MOST_SHOWN:
                made.append(f"    … {len(paths) - _MOST_SHOWN} more")
        return made


class Status:
    """The status of one working copy or of several.

    Attributes:
        copies: One after another, by path.
        fault: What is wrong where cleanness was asked for.
    """

    def __init__(self, copies: list[CopyStatus], *, check: bool = False) -> None:
        self.copies = copies
        dirty = [each.path for each in copies if not each.clean]
        self.fault = f"There are uncommitted changes in {', '.join(dirty)}." if check and dirty else ""

    @property
    def clean(self) -> bool:
        """Whether nothing has changed anywhere."""
        return all(each.clean for each in self.copies)

    def as_dict(self) -> dict[str, Any]:
        """The status for programs."""
        return {"clean": self.clean, "copies": [each.as_dict() for each in self.copies]}

    def lines(self) -> list[str]:
        """The status for a person."""
        if not self.copies:
            return ["No folder is linked to a dataset yet: fettle data add FOLDER"]
        return [line for each in self.copies for line in each.lines()]


def status_of(
    home: str, path: str | None = None, *, check: bool = False, ws: Surface | None = None
) -> Status:
    """Compare working copies with what they were made from.

    Args:
        home: The workspace's folder on this machine.
        path: A working copy, a path in one, or a dataset's name; None means all of this workspace.
        check: Whether changes are a fault.
        ws: The workspace, needed where something is staged or the index is lost; None: it must not be.
    """
    if path is None:
        return Status([_one(each, "", ws) for each in all_copies(home)], check=check)
    copy = chosen_copy(home, path)
    inside = copy_of(home, path) is not None and copy.root != os.path.realpath(path)
    under = copy.inner(_inside(copy, path)) if inside else ""
    return Status([_one(copy, under, ws)], check=check)


def _inside(copy: Copy, path: str) -> str:
    from fettle.data.copies.places import whole_path

    whole = whole_path(path)
    return (
        whole
        if whole == copy.name or whole.startswith(copy.root.rstrip("/") + "/")
        else os.path.realpath(path)
    )


def _one(copy: Copy, under: str, ws: Surface | None) -> CopyStatus:
    looked_at = time.time_ns()
    found = CopyStatus(copy)
    index = load(copy)
    if index is None:
        index = _rebuilt(copy, ws)
    if copy.state.staged != copy.state.base_tree:
        found.staged = _staged(copy, ws)
    under = "" if under == copy.state.only else under
    freshened = _compare(copy, index, under, found, looked_at)
    for each in (found.modified, found.new, found.deleted):
        each.sort(key=os.fsencode)
    if freshened:
        _remember(copy, index, freshened)
    return found


def _compare(copy: Copy, index: Index, under: str, found: CopyStatus, looked_at: int) -> dict[str, Block]:
    """Sort what differs into the lists; the blocks of folders in which files were touched, but not changed."""
    freshened: dict[str, Block] = {}
    changed = list(differences(copy, index, under))
    with phase("Hashing", total=sum(len(each.suspects) for each in changed), unit="files") as step:
        for each in changed:
            touched: dict[str, Row] = {}
            for name in each.suspects:
                if _is_same(copy, each, name):
                    touched[name] = settled(each.found[name], looked_at)
                else:
                    found.modified.append(each.path(name))
                step()
            found.new += map(each.path, each.new)
            found.deleted += map(each.path, each.gone)
            if touched:
                freshened[each.folder] = _freshened(each, touched)
    return {folder: block for folder, block in freshened.items() if block != index.blocks[folder]}


def _is_same(copy: Copy, difference: Difference, name: str) -> bool:
    before, digest = difference.known[name]
    row = difference.found[name]
    return same_kind(row, before) and content(os.path.join(copy.root, difference.path(name)), row) == digest


def _freshened(difference: Difference, touched: dict[str, Row]) -> Block:
    """The block with what the disk says now of files that were only touched."""
    fresh = {name: (row, difference.known[name][1]) for name, row in touched.items()}
    return difference.block(fresh, keep_gone=True)


def _remember(copy: Copy, index: Index, freshened: dict[str, Block]) -> None:
    """Write the index again so that the next look is fast, unless somebody is at work in this copy."""
    from fettle.core.errors import Unavailable
    from fettle.data.copies.locking import locked_now

    with locked_now(copy) as taken:
        if taken and indexes.tree_in(copy.index_file) == index.tree:
            try:
                keep(copy, Index(index.tree, {**index.blocks, **freshened}))
            except Unavailable:  # a full or read-only disk is no reason to say nothing
                return


def _staged(copy: Copy, ws: Surface | None) -> list[tuple[str, str]]:
    from fettle.data.engine import trees
    from fettle.data.repositories import repository

    assert ws is not None
    kinds = {(True, False): "new", (False, True): "deleted", (False, False): "modified"}
    return [
        (each.path, kinds[each.old is None, each.new is None])
        for each in trees.diff(copy.state.base_tree, copy.state.staged, repository(ws).node)
    ]


def _rebuilt(copy: Copy, ws: Surface | None) -> Index:
    from fettle.data.copies.rebuild import rebuilt
    from fettle.data.repositories import repository

    assert ws is not None
    return rebuilt(copy, repository(ws).node)
