"""The index of a working copy: which bytes each file had when it was last read, and what the disk said of it then.

A file whose size, times, inode and mode are as they were is taken to be unchanged. Blocks, one a folder, hold these
numbers in columns, so that an unchanged folder is recognised by one comparison of bytes. The index is a cache: it is
written whole, ends with a digest of itself, and one that is missing, torn or of another tree is made anew.

A file that changed less than 10 ms before it was looked at could change again without a trace (git calls that racy);
its block says a time that no file has, so it is read again next time. The same holds for a file from the future.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fettle.data.engine.nodes import EXECUTABLE, FILE, SYMLINK, Entry
from fettle.data.engine.walk import ROW, Listed, Row, Tracked, join_names, names_of, pack_rows, row_at

RACY_NS = 10_000_000
UNKNOWN_NS = -(1 << 63)
"""The modification time of a file that must be read to know it."""

_HEAD = struct.Struct("<8s32sI")
_BLOCK = struct.Struct("<III")
_MAGIC = b"FTLINDX1"
_DIGEST_BYTES = 32


class Block(NamedTuple):
    """What is known of the files of one folder: names joined by NUL, a `walk.ROW` and 32 bytes of digest for each."""

    names: bytes
    stats: bytes
    digests: bytes

    def same(self, found: Listed) -> bool:
        """Whether the folder is as it was, as far as the disk tells."""
        return self.stats == found.stats and self.names == found.names

    def rows(self) -> list[Row]:
        """What the disk said of each file."""
        return list(ROW.iter_unpack(self.stats))

    def files(self) -> dict[str, tuple[Row, bytes]]:
        """Each file by its name: what the disk said, and the digest."""
        rows = self.rows()
        return {
            name: (rows[place], self.digests[_DIGEST_BYTES * place : _DIGEST_BYTES * (place + 1)])
            for place, name in enumerate(names_of(self.names))
        }

    def sizes(self) -> tuple[int, ...]:
        """The length of each file."""
        return struct.unpack("<" + f"q{ROW.size - 8}x" * (len(self.stats) // ROW.size), self.stats)

    def file(self, place: int) -> tuple[Row, bytes]:
        """What the disk said of one file, and its digest."""
        return row_at(self.stats, place), self.digests[_DIGEST_BYTES * place : _DIGEST_BYTES * (place + 1)]

    def differing(self, stats: bytes) -> list[int]:
        """The places at which other rows of the same files differ from these."""
        ours, size = self.stats, ROW.size
        return [
            at // size for at in range(0, len(ours), size) if ours[at : at + size] != stats[at : at + size]
        ]

    def patched(self, changes: Iterable[tuple[int, Row, bytes]]) -> Block:
        """The block with another row and digest at some places."""
        stats, digests = bytearray(self.stats), bytearray(self.digests)
        for place, row, digest in changes:
            ROW.pack_into(stats, ROW.size * place, *row)
            digests[_DIGEST_BYTES * place : _DIGEST_BYTES * (place + 1)] = digest
        return Block(self.names, bytes(stats), bytes(digests))

    @staticmethod
    def of(files: dict[str, tuple[Row, bytes]]) -> Block:
        """The block of these files, in this order."""
        rows, digests = [each[0] for each in files.values()], [each[1] for each in files.values()]
        return Block(join_names(list(files)), pack_rows(rows), b"".join(digests))


class Index:
    """The blocks of a working copy by folder, and the tree they belong to.

    Attributes:
        tree: Root of the staged tree whose files these are.
        blocks: Folder → block; a folder without files has none.
    """

    def __init__(self, tree: str, blocks: dict[str, Block]) -> None:
        self.tree = tree
        self.blocks = blocks

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(len(each.digests) for each in self.blocks.values()) // _DIGEST_BYTES

    def tracked(self) -> Tracked:
        """What a walk keeps although an ignore file names it."""
        return Tracked(self._names, self._below)

    def entries(self) -> Iterator[Entry]:
        """The files as entries of a tree, in its order."""
        below: dict[str, list[str]] = {}
        for folder in {each for path in self.blocks for each in _with_parents(path)} - {""}:
            below.setdefault(folder.rpartition("/")[0], []).append(folder)
        yield from self._entries_in("", below)

    def _entries_in(self, folder: str, below: dict[str, list[str]]) -> Iterator[Entry]:
        block = self.blocks.get(folder)
        prefix = f"{folder}/" if folder else ""
        files = block.files() if block else {}
        here = [(os.fsencode(name), name, "") for name in files]
        here += [(os.fsencode(each[len(prefix) :] + "/"), "", each) for each in below.get(folder, ())]
        for _key, name, inner in sorted(here):
            if inner:
                yield from self._entries_in(inner, below)
            else:
                row, digest = files[name]
                yield Entry(prefix + name, digest.hex(), row[0], mode_of(row))

    def _names(self, folder: str) -> set[str]:
        block = self.blocks.get(folder)
        return set(names_of(block.names)) if block else set()

    def _below(self, folder: str) -> bool:
        return folder in self.blocks or any(each.startswith(f"{folder}/") for each in self.blocks)


def mode_of(row: Row) -> int:
    """The mode of a tree's entry, from what the disk says of the file."""
    if stat.S_ISLNK(row[4]):
        return SYMLINK
    return EXECUTABLE if row[4] & stat.S_IXUSR else FILE


def settled(row: Row, looked_at_ns: int) -> Row:
    """The row as the index may keep it: without its time if the file could change again unseen.

    Args:
        row: What the disk said, before the file was read.
        looked_at_ns: When it was asked, by the clock that stamps files.
    """
    if max(row[1], row[2]) < looked_at_ns - RACY_NS:
        return row
    return row[0], UNKNOWN_NS, row[2], row[3], row[4]


def unread(entry: Entry) -> tuple[Row, bytes]:
    """What the index says of a file that nobody has looked at: it must be read to know it."""
    kind = stat.S_IFLNK if entry.mode == SYMLINK else stat.S_IFREG | entry.mode
    return (entry.size_bytes, UNKNOWN_NS, 0, 0, kind), bytes.fromhex(entry.digest)


def encode(index: Index) -> bytes:
    """The bytes of an index file."""
    from blake3 import blake3

    tree = bytes.fromhex(index.tree) or bytes(_DIGEST_BYTES)
    made = [_HEAD.pack(_MAGIC, tree, len(index.blocks))]
    for folder, block in index.blocks.items():
        name = os.fsencode(folder)
        made += (_BLOCK.pack(len(name), len(block.names), len(block.digests) // _DIGEST_BYTES), name, *block)
    body = b"".join(made)
    return body + blake3(body).digest()


def decode(data: bytes) -> Index | None:
    """The index of its bytes; None if they are torn, damaged or of another kind."""
    from blake3 import blake3

    if len(data) < _HEAD.size + _DIGEST_BYTES or not data.startswith(_MAGIC):
        return None
    if blake3(memoryview(data)[:-_DIGEST_BYTES]).digest() != data[-_DIGEST_BYTES:]:
        return None
    _magic, tree, count = _HEAD.unpack_from(data)
    blocks: dict[str, Block] = {}
    place = _HEAD.size
    for _ in range(count):
        folder_length, names_length, files = _BLOCK.unpack_from(data, place)
        place += _BLOCK.size
        ends = [place + folder_length]
        for length in (names_length, ROW.size * files, _DIGEST_BYTES * files):
            ends.append(ends[-1] + length)
        folder = os.fsdecode(data[place : ends[0]])
        blocks[folder] = Block(data[ends[0] : ends[1]], data[ends[1] : ends[2]], data[ends[2] : ends[3]])
        place = ends[3]
    return Index(tree.hex() if any(tree) else "", blocks)


def read(path: str) -> Index | None:
    """The index kept in a file; None if there is none that can be used."""
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except OSError:
        return None


def tree_in(path: str) -> str | None:
    """The tree that the index in a file belongs to; None if there is none. Only its first bytes are read."""
    try:
        with open(path, "rb") as file:
            start = file.read(_HEAD.size)
    except OSError:
        return None
    if len(start) < _HEAD.size or not start.startswith(_MAGIC):
        return None
    tree = _HEAD.unpack(start)[1]
    return tree.hex() if any(tree) else ""


def _with_parents(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
