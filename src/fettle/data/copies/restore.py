"""Put files back as they were staged or committed, and take files out of a copy."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.data.copies.checkout import Local, changed_blocks, entry_of, link_cache
from fettle.data.copies.places import Copy
from fettle.data.copies.rebuild import index_of, selection
from fettle.data.copies.scan import Difference, content, differences, same_kind
from fettle.data.copies.stage import write_staged
from fettle.data.copies.write import remove_files, write_files
from fettle.data.engine import trees
from fettle.data.engine.index import Index, settled
from fettle.data.engine.tree_diff import Change
from fettle.data.engine.walk import shown

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository

_MOST_NAMED = 10


class Restored(msgspec.Struct, frozen=True):
    """What putting back, or taking out, came to.

    Attributes:
        path: The folder or file.
        restored: Files that were written as they were.
        unstaged: Files whose staged change was taken back.
        removed: Files that the next commit does not have any more.
        deleted: Files taken from the disk.
    """

    path: str
    restored: int = 0
    unstaged: int = 0
    removed: int = 0
    deleted: int = 0

    def lines(self) -> list[str]:
        """For a person."""
        names = ("restored", "unstaged", "removed", "deleted")
        words = [f"{getattr(self, name)} {name}" for name in names if getattr(self, name)]
        return [f"{self.path}: {', '.join(words) or 'nothing to do'}"]


class Restorations(list[Restored]):
    """What putting several paths back, or taking them out, came to, one after another."""

    def lines(self) -> list[str]:
        """For a person."""
        return [line for each in self for line in each.lines()]


def restore(repository: Repository, copy: Copy, under: str = "", *, committed: bool = False) -> Restored:
    """Put files at and below a path back as they were staged, or committed; the copy is locked.

    Args:
        repository: Where the bytes are.
        copy: The working copy.
        under: A file or folder of it; empty: all.
        committed: Take back what is staged too. A file that was never committed stays on the disk, unstaged.

    Raises:
        NotFound: The path is in no version.
        Conflict: Files of the user's own stand where a folder or file is needed.
    """
    index = index_of(copy, repository.node)
    found = list(differences(copy, index, under))
    staged = _staged_under(repository, copy, under) if committed else []
    chosen = selection(copy.state.globs)
    wanted = {
        each.path: each.new for each in staged if each.new and (chosen is None or chosen.fullmatch(each.path))
    }
    for each in found:
        wanted |= {
            entry.path: entry for entry in _lost(copy, each) if entry.path not in {c.path for c in staged}
        }
    if not wanted and not staged:
        _check_known(repository, copy, under)
    local = Local(copy, found)
    for path in wanted:
        if (other := local.in_the_way(path)) is not None:
            raise Conflict(
                f"{shown(path)} cannot be put back.",
                found=f"{shown(other)} stands in its way",
                hint="Move that away first.",
            )
    rows = write_files(
        repository, copy.root, list(wanted.values()), link_cache(copy) if copy.state.linked else ""
    )
    now = time.time_ns()
    fresh = {path: settled(row, now) for path, row in rows.items()}
    known = {each.path for each in staged}
    changes = [*staged, *(Change(path, None, entry) for path, entry in wanted.items() if path not in known)]
    made = Index(copy.state.staged, changed_blocks(copy.root, index, changes, fresh))
    if staged:
        with repository.writer(hold=f"data restore {shown(copy.name)}") as writer:
            edits = [(each.path, each.new) for each in staged]
            made.tree = trees.edit(copy.state.staged, edits, repository.node, writer.put_node)
            writer.flush()
            write_staged(repository, copy, made)
    elif wanted:
        write_staged(repository, copy, made)
    return Restored(shown(copy.name), restored=len(wanted), unstaged=len(staged))


def remove(
    repository: Repository, copy: Copy, under: str, *, cached: bool = False, force: bool = False
) -> Restored:
    """Take a file, or all below a folder, out of the copy: the next commit has it no more; the copy is locked.

    Args:
        repository: Where the tree is.
        copy: The working copy.
        under: The file or folder.
        cached: Leave the files on the disk.
        force: Delete files also if they were changed since they were staged.

    Raises:
        NotFound: Nothing of it is staged or committed.
        Conflict: A file was changed, so that deleting it would lose the change.
    """
    index = index_of(copy, repository.node)
    if not cached and not force:
        _check_unchanged(copy, list(differences(copy, index, under)))
    gone = [
        each
        for each in trees.entries(copy.state.staged, repository.node, under)
        if _is_under(each.path, under)
    ]
    if not gone:
        raise _unknown(copy, under)
    with repository.writer(hold=f"data rm {shown(copy.name)}") as writer:
        edits = [(each.path, None) for each in gone]
        tree = trees.edit(copy.state.staged, edits, repository.node, writer.put_node)
        writer.flush()
        blocks = changed_blocks(copy.root, index, [Change(each.path, each, None) for each in gone], {})
        write_staged(repository, copy, Index(tree, blocks))
    there = (
        [] if cached else [each.path for each in gone if os.path.lexists(os.path.join(copy.root, each.path))]
    )
    remove_files(copy.root, there)
    return Restored(shown(copy.name), removed=len(gone), deleted=len(there))


def _lost(copy: Copy, each: Difference) -> list[trees.Entry]:
    """The entries of files that are gone or have other bytes."""
    names = list(each.gone)
    for name in each.suspects:
        row, digest = each.known[name]
        now = each.found[name]
        if not same_kind(now, row) or content(os.path.join(copy.root, each.path(name)), now) != digest:
            names.append(name)
    return [entry_of(each.path(name), *each.known[name]) for name in names]


def _staged_under(repository: Repository, copy: Copy, under: str) -> list[Change]:
    found = trees.diff(copy.state.staged, copy.state.base_tree, repository.node)
    return [each for each in found if _is_under(each.path, under)]


def _is_under(path: str, under: str) -> bool:
    return not under or path == under or path.startswith(f"{under}/")


def _check_known(repository: Repository, copy: Copy, under: str) -> None:
    found = trees.entries(copy.state.staged, repository.node, under)
    if under and not any(_is_under(each.path, under) for each in found):
        raise _unknown(copy, under)


def _unknown(copy: Copy, under: str) -> NotFound:
    return NotFound(
        f"{shown(under) or 'Nothing'} is neither staged nor committed in {shown(copy.name)}.",
        hint=f"`fettle data status {shown(copy.name)}` shows what is.",
        subject=f"file:{shown(under)}",
    )


def _check_unchanged(copy: Copy, found: list[Difference]) -> None:
    changed = [path for each in found for path in _changed_on_disk(copy, each)]
    if changed:
        named = ", ".join(map(shown, changed[:_MOST_NAMED])) + (", …" if len(changed) > _MOST_NAMED else "")
        raise Conflict(
            f"{len(changed)} files were changed since they were staged; removing them would lose that.",
            found=named,
            hint="Add and commit them first, keep the files with --cached, or give the changes up with --force.",
        )


def _changed_on_disk(copy: Copy, each: Difference) -> list[str]:
    gone = set(map(each.path, each.gone))
    return [entry.path for entry in _lost(copy, each) if entry.path not in gone]
