"""Stage what changed: its bytes go into the store, and a tree of the folder as it is now is kept for the next commit.

Bytes first, then the tree, then a hold so that gc spares both, then the state that names the tree, then the index. A
kill in between loses no more than the work since: the state names a whole tree at any moment, and what was stored is
found again when the same bytes come.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, FettleError
from fettle.core.progress import phase
from fettle.data.copies.places import Copy
from fettle.data.copies.rebuild import index_of
from fettle.data.copies.scan import Difference, content, differences, keep, same_kind
from fettle.data.engine import index as indexes
from fettle.data.engine import trees
from fettle.data.engine.bulk import Batch, Reading, batches, reading
from fettle.data.engine.format import WHOLE_BELOW
from fettle.data.engine.index import Block, Index, settled
from fettle.data.engine.walk import Row, lstat_row, shown

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository
    from fettle.data.engine.writer import Writer

_ATTEMPTS = 4


class Added(msgspec.Struct, frozen=True):
    """What staging a folder came to.

    Attributes:
        path: The folder or file.
        dataset: What it is a copy of.
        branch: Where its commits go.
        new: Files staged that were not there before.
        modified: Files staged with another content or mode.
        deleted: Files staged as gone.
        files: Files of the staged tree.
        size_bytes: Their bytes.
        tree: The staged tree.
        notes: What else was done, in words.
    """

    path: str
    dataset: str
    branch: str
    new: int
    modified: int
    deleted: int
    files: int
    size_bytes: int
    tree: str
    notes: list[str] = []

    def lines(self) -> list[str]:
        """For a person."""
        from fettle.core.units import size_text

        changed = [
            f"{count} {word}"
            for count, word in ((self.new, "new"), (self.modified, "modified"), (self.deleted, "deleted"))
            if count
        ]
        whole = f"{self.files} files, {size_text(self.size_bytes)}"
        made = [
            f"{self.path}: {', '.join(changed) or 'nothing changed'} · {self.dataset}@{self.branch} · {whole}"
        ]
        return [*made, *(f"  {each}" for each in self.notes)]


class Additions(list[Added]):
    """What staging several paths came to, one after another."""

    def lines(self) -> list[str]:
        """For a person."""
        return [line for each in self for line in each.lines()]


Stored = dict[str, dict[str, tuple[Row, bytes]]]
"""Folder → name → what the disk said of a file before it was read, and its digest."""


def stage(repository: Repository, copy: Copy, under: str = "") -> Added:
    """Stage what changed in a copy, at and below `under`; the copy is locked.

    Raises:
        Conflict: A file changed again and again while it was read.
        Unavailable: A file cannot be read, or the store cannot be written.
    """
    looked_at = time.time_ns()
    index = index_of(copy, repository.node)
    changed = list(differences(copy, index, under))
    if not changed:
        _link_down(copy)
        return _added(repository, copy, {}, index)
    if _only_touched(changed) and (blocks := _untouched(copy, changed, looked_at)) is not None:
        keep(copy, Index(index.tree, {**index.blocks, **blocks}))
        return _added(repository, copy, {}, index)
    work, owners = _in_batches(copy, changed)
    with reading(work) as read, repository.writer(hold=f"data add {shown(copy.name)}") as writer:
        stored = _stored(writer, copy, changed, owners, read)
        blocks = {each.folder: _block(each, stored[each.folder], looked_at) for each in changed}
        made = Index("", {name: each for name, each in {**index.blocks, **blocks}.items() if each.names})
        counts = _counts(changed, stored)
        if not copy.state.globs and 2 * sum(counts.values()) > made.files:  # most of it is new
            made.tree = trees.build(made.entries(), writer.put_node)
        else:
            changes = _changes(changed, stored)
            made.tree = trees.edit(copy.state.staged, changes, repository.node, writer.put_node)
        writer.flush()
        write_staged(repository, copy, made)
    return _added(repository, copy, counts, made)


def write_staged(repository: Repository, copy: Copy, made: Index, **more: object) -> None:
    """Keep the tree of an index as the staged one: hold it, write it down, then the index.

    Args:
        repository: Where the tree is.
        copy: The copy, locked.
        made: The index; its tree is durable.
        more: Other fields of the state that change with it.
    """
    state = copy.state._replace(staged=made.tree, **more)  # type: ignore[arg-type]  # fields of the state
    held = copy.state.staged != copy.state.base_tree
    if made.tree and made.tree != state.base_tree:
        repository.hold(f"copy-{copy.state.uid}", [made.tree])
    if state != copy.state or not copy.exists():
        copy.write(state)
    keep(copy, made)
    if held and made.tree == state.base_tree:
        repository.release(f"copy-{copy.state.uid}")


def _link_down(copy: Copy) -> None:
    if not copy.exists():
        copy.write(copy.state)


def _only_touched(changed: list[Difference]) -> bool:
    """Whether the disk says other times of files, and nothing that must have changed their bytes."""
    return all(
        not (each.new or each.gone)
        and all(same_kind(each.found[name], each.known[name][0]) for name in each.suspects)
        for each in changed
    )


def _untouched(copy: Copy, changed: list[Difference], looked_at: int) -> dict[str, Block] | None:
    """The blocks with new times where every file has its old bytes; None where one has others."""
    blocks: dict[str, Block] = {}
    with phase("Hashing", total=sum(len(each.suspects) for each in changed), unit="files") as step:
        for each in changed:
            stored: dict[str, tuple[Row, bytes]] = {}
            for name in each.suspects:
                row, digest = each.found[name], each.known[name][1]
                if content(os.path.join(copy.root, each.path(name)), row) != digest:
                    return None
                stored[name] = row, digest
                step()
            blocks[each.folder] = _block(each, stored, looked_at)
    return blocks


def _in_batches(copy: Copy, changed: list[Difference]) -> tuple[list[Batch], list[Difference]]:
    """The small files that are to be read, and the folder of each batch."""
    made: list[Batch] = []
    owners: list[Difference] = []
    for each in changed:
        found = each.found
        names = [name for name in (*each.suspects, *each.new) if _is_small(found[name])]
        folder = os.path.join(copy.root, each.folder)
        made += batches(folder, names, [found[name] for name in names])
        owners += [each] * (len(made) - len(owners))
    return made, owners


def _is_small(row: Row) -> bool:
    return row[0] < WHOLE_BELOW and stat.S_ISREG(row[4])


def _stored(
    writer: Writer, copy: Copy, changed: list[Difference], owners: list[Difference], read: Reading
) -> Stored:
    """Store the bytes of files: the small ones as they are read, then the others one by one."""
    made: Stored = {each.folder: {} for each in changed}
    again: list[tuple[Difference, str]] = []
    total = sum(len(each.suspects) + len(each.new) for each in changed)
    with phase("Adding", total=total, unit="files") as step:
        for got in read:
            batch, owner = read.work[got.number], owners[got.number]
            digests = writer.put_batch(batch, got)
            made[owner.folder].update(zip(batch.names, zip(batch.rows, digests, strict=True), strict=True))
            if b"" in digests:
                again += [
                    (owner, name) for name, digest in zip(batch.names, digests, strict=True) if not digest
                ]
            step(len(digests))
        for each in changed:
            large = [name for name in (*each.suspects, *each.new) if not _is_small(each.found[name])]
            for name in large:
                made[each.folder][name] = _stored_alone(writer, copy, each.path(name), each.found[name])
                step()
        for each, name in again:
            made[each.folder][name] = _stored_again(writer, copy, each.path(name))
    return made


def _stored_alone(writer: Writer, copy: Copy, path: str, row: Row) -> tuple[Row, bytes]:
    if stat.S_ISLNK(row[4]):
        return row, _stored_link(writer, copy, path)
    whole = os.path.join(copy.root, path)
    (ref,) = writer.put_files([whole])
    if lstat_row(whole) != row:
        return _stored_again(writer, copy, path)
    return row, bytes.fromhex(ref.digest)


def _stored_link(writer: Writer, copy: Copy, path: str) -> bytes:
    try:
        target = os.readlink(os.path.join(copy.root, path))
    except OSError as error:
        raise _vanished(path) from error
    return bytes.fromhex(writer.put_bytes(os.fsencode(target)).digest)


def _stored_again(writer: Writer, copy: Copy, path: str) -> tuple[Row, bytes]:
    """Store a file that changed while it was read, until it stands still."""
    from pathlib import Path

    whole = os.path.join(copy.root, path)
    for attempt in range(_ATTEMPTS):
        before = lstat_row(whole)
        if before is None or not stat.S_ISREG(before[4]):
            raise _vanished(path)
        ref = writer.put_file(Path(whole))
        if lstat_row(whole) == before and ref.size_bytes == before[0]:
            return before, bytes.fromhex(ref.digest)
        time.sleep(0.05 * (attempt + 1))
    raise Conflict(
        f"{shown(path)} keeps changing while it is read.",
        found=f"another size or time after each of {_ATTEMPTS} readings",
        hint="Wait until whatever writes it is done, or name it in .fettleignore.",
        subject=f"file:{shown(path)}",
    )


def _vanished(path: str) -> FettleError:
    return Conflict(
        f"{shown(path)} went away, or became something else, while it was read.",
        hint="Run the same command again.",
        subject=f"file:{shown(path)}",
    )


def _block(each: Difference, stored: dict[str, tuple[Row, bytes]], looked_at: int) -> Block:
    """The block of a folder as it is now; files that were not looked at stay as they were."""
    return each.block(
        {name: (settled(stored[name][0], looked_at), stored[name][1]) for name in (*each.suspects, *each.new)}
    )


def _changed(each: Difference, stored: dict[str, tuple[Row, bytes]]) -> list[str]:
    """The files known before that have another content or mode now."""
    return [
        name
        for name in each.suspects
        if stored[name][1] != each.known[name][1] or not same_kind(stored[name][0], each.known[name][0])
    ]


def _changes(changed: list[Difference], stored: Stored) -> Iterator[tuple[str, trees.Entry | None]]:
    """What the tree has to change: path and entry (None: it goes)."""
    for each in changed:
        for name in (*_changed(each, stored[each.folder]), *each.new):
            row, digest = stored[each.folder][name]
            path = each.path(name)
            yield path, trees.Entry(path, digest.hex(), row[0], indexes.mode_of(row))
        for name in each.gone:
            yield each.path(name), None


def _counts(changed: list[Difference], stored: Stored) -> dict[str, int]:
    return {
        "new": sum(len(each.new) for each in changed),
        "modified": sum(len(_changed(each, stored[each.folder])) for each in changed),
        "deleted": sum(len(each.gone) for each in changed),
    }


def _added(repository: Repository, copy: Copy, counts: dict[str, int], index: Index) -> Added:
    if copy.state.globs:
        files, size = trees.stats(copy.state.staged, repository.node)
    else:
        files = index.files
        size = sum(sum(block.sizes()) for block in index.blocks.values())
    return Added(
        path=shown(copy.name),
        dataset=copy.state.dataset,
        branch=copy.state.branch,
        new=counts.get("new", 0),
        modified=counts.get("modified", 0),
        deleted=counts.get("deleted", 0),
        files=files,
        size_bytes=size,
        tree=copy.state.staged,
    )
