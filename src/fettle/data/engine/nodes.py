"""The bytes of a tree's nodes: leaves hold entries, inner nodes hold what lies below them; one form for one content.

Written down in `docs/concepts/data-format.md`. All numbers are little-endian; columns, not rows, so that a node is
read by a few calls however many entries it has:

    "FTL" level:u8 count:u32 names:u32 | names joined by NUL | digests 32 each | sizes u64 each | leaf: modes u8 each
                                                                                                | inner: files u64 each

A leaf has level 0. The names of an inner node are the last path of each child.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from fettle.core.errors import Unavailable

FILE, EXECUTABLE, SYMLINK = 0o644, 0o755, 0o120000
MODES = (FILE, EXECUTABLE, SYMLINK)

_HEAD = struct.Struct("<3sBII")
_SIZE = struct.Struct("<Q")
_DIGEST_BYTES = 32
_MAGIC = b"FTL"
_STRAY = re.compile(rb"(?:^|[/\0])(?:\.{0,2}|\.(?:git|fettle))(?=[/\0]|\Z)", re.IGNORECASE)
"""Among paths that NUL divides: an empty part, `.` or `..`, or a folder where data has no business."""

_CODES = {mode: code for code, mode in enumerate(MODES)}


class Entry(NamedTuple):
    """A file in a tree.

    Attributes:
        path: Relative, with `/` between its parts; bytes that are not UTF-8 are surrogates, as in `os.fsdecode`.
        digest: BLAKE3 of the file's bytes, in hex; of a symbolic link's target.
        size_bytes: Length of what the digest names.
        mode: `0o644`, `0o755`, or `0o120000` for a symbolic link.
    """

    path: str
    digest: str
    size_bytes: int
    mode: int = FILE


class Ref(NamedTuple):
    """A node as its parent knows it.

    Attributes:
        key: The last path below it, as bytes.
        digest: BLAKE3 of the node's bytes, in hex.
        files: How many files lie below it.
        size_bytes: How many bytes those have.
    """

    key: bytes
    digest: str
    files: int
    size_bytes: int


class Leaf(NamedTuple):
    """A decoded leaf: its entries in order, and their paths as bytes."""

    keys: list[bytes]
    items: list[Entry]


class Inner(NamedTuple):
    """A decoded inner node; `level` counts from 1 above the leaves."""

    level: int
    keys: list[bytes]
    items: list[Ref]


def path_bytes(path: str) -> bytes:
    """A path as it lies on the disk, and by which entries are sorted."""
    return path.encode("utf-8", "surrogateescape")


def path_text(path: bytes) -> str:
    """The path of its bytes; whatever is not UTF-8 survives as surrogates."""
    return path.decode("utf-8", "surrogateescape")


def stray(paths: bytes) -> str:
    """Of paths that NUL divides, the first that leads out of its folder or into `.git` or `.fettle`; else empty.

    Whoever reads a tree relies on it: no reader writes a file to where such a path points.
    """
    found = _STRAY.search(paths)
    if found is None:
        return ""
    begin = paths.rfind(b"\0", 0, found.start() + 1) + 1
    end = paths.find(b"\0", found.end())
    return path_text(paths[begin : end if end >= 0 else len(paths)]) or "(empty)"


def level_of(data: bytes) -> int:
    """How far above the leaves a node is; 0 for a leaf."""
    return _head(data)[0]


def encode_leaf(keys: Sequence[bytes], items: Sequence[Entry]) -> bytes:
    """The bytes of a leaf with these entries; `keys` are their paths as bytes."""
    names = b"\0".join(keys)
    _paths, digests, sizes, modes = zip(*items, strict=True)
    return b"".join(
        (
            _HEAD.pack(_MAGIC, 0, len(items), len(names)),
            names,
            bytes.fromhex("".join(digests)),
            struct.pack(f"<{len(sizes)}Q", *sizes),
            bytes([_CODES[mode] for mode in modes]),
        )
    )


def patched(data: bytes, changes: Sequence[tuple[bytes, Entry | None]]) -> tuple[bytes, int] | None:
    """The bytes of a leaf with other entries under some of its keys, and how many bytes of files came with them.

    Nothing but these entries is decoded. None where a key comes or goes.
    """
    level, count, length = _head(data)
    sizes_at = _HEAD.size + length + _DIGEST_BYTES * count
    if level or len(data) != sizes_at + 9 * count:
        return None
    names = b"\0%b\0" % data[_HEAD.size : _HEAD.size + length]
    made, grown = bytearray(data), 0
    for key, entry in changes:
        found = names.find(b"\0%b\0" % key)
        if entry is None or found < 0:
            return None
        place = names.count(b"\0", 0, found)
        digest_at, size_at = _HEAD.size + length + _DIGEST_BYTES * place, sizes_at + _SIZE.size * place
        grown += entry.size_bytes - _SIZE.unpack_from(made, size_at)[0]
        made[digest_at : digest_at + _DIGEST_BYTES] = bytes.fromhex(entry.digest)
        _SIZE.pack_into(made, size_at, entry.size_bytes)
        made[sizes_at + _SIZE.size * count + place] = _CODES[entry.mode]
    return bytes(made), grown


def encode_inner(level: int, items: Sequence[Ref]) -> bytes:
    """The bytes of an inner node with these children."""
    keys, digests, files, sizes = zip(*items, strict=True)
    names = b"\0".join(keys)
    return b"".join(
        (
            _HEAD.pack(_MAGIC, level, len(items), len(names)),
            names,
            bytes.fromhex("".join(digests)),
            struct.pack(f"<{len(sizes)}Q", *sizes),
            struct.pack(f"<{len(files)}Q", *files),
        )
    )


def decode(data: bytes) -> Leaf | Inner:
    """Read a node.

    Raises:
        Unavailable: The bytes are no node of a tree.
    """
    level, count, length = _head(data)
    digests_at = _HEAD.size + length
    sizes_at = digests_at + 32 * count
    rest_at = sizes_at + 8 * count
    if len(data) != rest_at + (count if level == 0 else 8 * count):
        raise _damaged(f"{len(data)} bytes where {count} entries were announced")
    names = data[_HEAD.size : digests_at]
    keys = names.split(b"\0")
    if len(keys) != count:
        raise _damaged(f"{len(keys)} names where {count} were announced")
    text = data[digests_at:sizes_at].hex()
    digests = [text[at : at + 64] for at in range(0, 64 * count, 64)]
    sizes = struct.unpack_from(f"<{count}Q", data, sizes_at)
    if level == 0:
        if found := stray(names):
            raise _damaged(f"a path that leads astray: {found!r}")
        return Leaf(keys, _entries(path_text(names).split("\0"), digests, sizes, data[rest_at:]))
    files = struct.unpack_from(f"<{count}Q", data, rest_at)
    return Inner(level, keys, list(map(Ref, keys, digests, files, sizes)))


def _entries(paths: list[str], digests: list[str], sizes: Sequence[int], codes: bytes) -> list[Entry]:
    if codes and max(codes) >= len(MODES):
        raise _damaged(f"the mode {max(codes)}")
    modes = [MODES[code] for code in codes]
    return list(map(Entry, paths, digests, sizes, modes))


def contents(data: bytes) -> tuple[bool, list[str]]:
    """What a node refers to: whether it is a leaf, and the digests of its files (of an inner node: of its children)."""
    level, count, length = _head(data)
    at = _HEAD.size + length
    text = data[at : at + 32 * count].hex()
    return level == 0, [text[place : place + 64] for place in range(0, 64 * count, 64)]


def only_child(data: bytes) -> str:
    """The digest of an inner node's child where it has but one; empty otherwise."""
    level, count, _length = _head(data)
    return contents(data)[1][0] if level > 0 and count == 1 else ""


def _head(data: bytes) -> tuple[int, int, int]:
    if len(data) < _HEAD.size or data[:3] != _MAGIC:
        raise _damaged(f"{len(data)} bytes beginning with {bytes(data[:3])!r}")
    _magic, level, count, length = _HEAD.unpack_from(data)
    if count == 0:
        raise _damaged("a node without entries")
    return level, count, length


def _damaged(found: str) -> Unavailable:
    return Unavailable(
        "A node of a tree cannot be read.",
        found=found,
        hint="`fettle data fsck` finds what is damaged and mends it from another copy.",
    )
