"""Compare a working copy with its index: one walk, and a closer look only at folders that are not as they were."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from fettle.core.errors import Invalid
from fettle.data.copies.places import Copy
from fettle.data.engine import index as indexes
from fettle.data.engine.ignore import rules_above
from fettle.data.engine.index import Block, Index
from fettle.data.engine.walk import Listed, Row, lstat_row, names_of, row_at, rows_of, shown, unreadable, walk

_SMALL_BYTES = 1 << 20


class Difference(NamedTuple):
    """A folder that is not as the index says.

    Attributes:
        folder: Relative to the copy's root.
        found: Files on the disk, and what the disk says of each; where names are as they were, of the suspects only.
        known: Files the index knows: what the disk said, and the digest; or, likewise, the suspects only.
        suspects: Files the index knows, of which the disk says something else now.
        new: Files the index does not know.
        gone: Files that are not on the disk any more.
        same_names: The block of a folder whose names are as they were.
        places: Where in that block the suspects are.
    """

    folder: str
    found: dict[str, Row]
    known: dict[str, tuple[Row, bytes]]
    suspects: list[str]
    new: list[str]
    gone: list[str]
    same_names: Block | None = None
    places: tuple[int, ...] = ()

    def path(self, name: str) -> str:
        """The path in the tree of a file in the folder."""
        return f"{self.folder}/{name}" if self.folder else name

    def block(self, fresh: dict[str, tuple[Row, bytes]], *, keep_gone: bool = False) -> Block:
        """The folder's block, with these rows and digests for the files that were looked at.

        Args:
            fresh: By name; a file the index does not know is in the block only if it is here.
            keep_gone: Whether files that are not on the disk stay in it.
        """
        if self.same_names is not None:
            return self.same_names.patched(
                (place, *fresh[name])
                for place, name in zip(self.places, self.suspects, strict=True)
                if name in fresh
            )
        gone = set() if keep_gone else set(self.gone)
        order = [*self.found, *(name for name in self.known if name not in self.found and name not in gone)]
        files = {name: fresh.get(name) or self.known.get(name) for name in order}
        return Block.of({name: each for name, each in files.items() if each is not None})


def differences(copy: Copy, index: Index, under: str = "") -> Iterator[Difference]:
    """The folders of a working copy, at and below `under`, that are not as the index says; also those that are gone."""
    seen: set[str] = set()
    if copy.state.only or (under and not os.path.isdir(os.path.join(copy.root, under))):
        yield from _one_file(copy, index, copy.state.only or under)
        return
    if os.path.isdir(os.path.join(copy.root, under)):
        rules = rules_above(copy.root, copy.top)
        for found in walk(copy.root, rules, start=under, tracked=index.tracked()):
            seen.add(found.folder)
            block = index.blocks.get(found.folder)
            if (block is None and found.names) or (block is not None and not block.same(found)):
                yield _difference(found, block)
    for folder, block in index.blocks.items():
        if folder not in seen and (not under or folder == under or folder.startswith(f"{under}/")):
            yield _vanished(folder, block)


def content(path: str, row: Row) -> bytes | None:
    """The digest of a file's bytes, or of a link's target; None if it went away.

    Raises:
        Unavailable: It cannot be read.
    """
    from blake3 import blake3

    try:
        if stat.S_ISLNK(row[4]):
            return blake3(os.fsencode(os.readlink(path))).digest()
        if row[0] > _SMALL_BYTES:
            return blake3(max_threads=blake3.AUTO).update_mmap(path).digest()
        with open(path, "rb", buffering=0) as file:
            return blake3(file.read()).digest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error


def same_kind(row: Row, before: Row) -> bool:
    """Whether size and mode allow the content to be the same."""
    return row[0] == before[0] and indexes.mode_of(row) == indexes.mode_of(before)


def load(copy: Copy) -> Index | None:
    """The index of the copy's staged tree; None if it must be made anew."""
    found = indexes.read(copy.index_file)
    if found is not None and found.tree == copy.state.staged:
        return found
    return Index("", {}) if not copy.state.staged else None


def keep(copy: Copy, index: Index) -> None:
    """Write the index: whole or not at all."""
    from pathlib import Path

    from fettle.storage.disks import write_atomically

    write_atomically(Path(copy.index_file), [indexes.encode(index)])


def _vanished(folder: str, block: Block) -> Difference:
    known = block.files()
    return Difference(folder, {}, known, [], [], list(known))


def _one_file(copy: Copy, index: Index, path: str) -> Iterator[Difference]:
    """A copy that is one file, or a path that was named and is no folder (any more)."""
    folder, _, name = path.rpartition("/")
    block = index.blocks.get(folder)
    known = block.files() if block else {}
    row = lstat_row(os.path.join(copy.root, path))
    if row is None:
        for each, other in index.blocks.items():
            if each == path or each.startswith(f"{path}/"):
                yield _vanished(each, other)
        if name in known:
            yield Difference(folder, {}, known, [], [], [name])
    elif not (stat.S_ISREG(row[4]) or stat.S_ISLNK(row[4])):
        raise Invalid(
            f"{shown(path)} is no file that can be versioned.", hint="Name a file, a link or a folder."
        )
    elif name not in known:
        yield Difference(folder, {name: row}, known, [], [name], [])
    elif known[name][0] != row:
        yield Difference(folder, {name: row}, known, [name], [], [])


def _difference(listed: Listed, block: Block | None) -> Difference:
    if block is not None and block.names == listed.names:
        return _other_rows(listed, block)
    found = dict(zip(names_of(listed.names), rows_of(listed.stats), strict=True))
    known = block.files() if block else {}
    suspects = [name for name, row in found.items() if name in known and known[name][0] != row]
    new = [name for name in found if name not in known]
    return Difference(
        listed.folder, found, known, suspects, new, [name for name in known if name not in found]
    )


def _other_rows(listed: Listed, block: Block) -> Difference:
    """The same names in the same order: only the rows that differ are looked at."""
    places = block.differing(listed.stats)
    names = names_of(listed.names)
    suspects = [names[place] for place in places]
    found = {names[place]: row_at(listed.stats, place) for place in places}
    known = {names[place]: block.file(place) for place in places}
    return Difference(listed.folder, found, known, suspects, [], [], block, tuple(places))
