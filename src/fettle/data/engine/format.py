"""The names, numbers and records of the on-disk format; `docs/concepts/data-format.md` spells it out byte by byte."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from fettle.core import canonical
from fettle.core.errors import Invalid, Unavailable

VERSION = 1
PACK_BYTES = 64 << 20
"""A pack's frames take at most so many bytes."""
PACK_FRAMES = 65_536
WHOLE_BELOW = 256 << 10
"""A file of fewer bytes is one chunk, and the chunk's digest is the file's."""
DIGEST_BYTES = 32

CHUNK, SEGMENT, LIST, NODE = 0, 1, 2, 3
KINDS = ("chunk", "list segment", "chunk list", "tree node")
RAW, ZSTD = 0, 1

_HEX = re.compile(r"[0-9a-f]{64}")


class FileRef(msgspec.Struct, frozen=True):
    """A file that is kept: the BLAKE3-256 of its plain bytes in hex, and how many they are."""

    digest: str
    size_bytes: int


class Frame(NamedTuple):
    """Where the bytes of an object lie.

    Attributes:
        pack: The pack's id.
        offset: Of the first stored byte in the pack.
        stored: Bytes in the pack.
        raw: Bytes when decoded.
        kind: `CHUNK`, `SEGMENT`, `LIST` or `NODE`.
        codec: `RAW` or `ZSTD`.
    """

    pack: str
    offset: int
    stored: int
    raw: int
    kind: int
    codec: int


class Chunking(msgspec.Struct, frozen=True):
    """How files of `WHOLE_BELOW` bytes and more are cut: sizes in bytes; FastCDC of 2020, normalisation 1, seed 0."""

    algorithm: str = "fastcdc2020"
    normalization: Literal[1] = 1
    seed: int = 0
    min: int = 16 << 10
    avg: int = 64 << 10
    max: int = 128 << 10
    whole_below: int = WHOLE_BELOW


class Format(msgspec.Struct, frozen=True):
    """What `format.json` says."""

    version: int = VERSION
    hash: str = "blake3-256"
    chunking: Chunking = Chunking()
    pack_bytes: int = PACK_BYTES


def parse_format(data: bytes) -> Format:
    """Read `format.json`.

    Raises:
        Unavailable: It was written by a newer fettle, or is damaged.
    """
    try:
        found = msgspec.json.decode(data, type=Format)
    except msgspec.MsgspecError as error:
        hint = "Restore format.json from a backup, or from another copy of the store."
        raise Unavailable("format.json of the data store is damaged.", found=str(error), hint=hint) from None
    if found != Format() and found.version == VERSION:
        raise Unavailable(
            "format.json of the data store is damaged.",
            found=f"version {VERSION} with other numbers than that version has",
            hint="Run fettle data fsck: it writes format.json anew.",
        )
    if found != Format():
        raise Unavailable(
            "The data store has a format that this fettle does not know.",
            found=f"version {found.version}, {found.chunking.algorithm}; this one writes version {VERSION}",
            hint="Upgrade fettle: pip install -U fettle-ml",
        )
    return found


def format_bytes() -> bytes:
    """What a new store's `format.json` holds."""
    return canonical.encode(Format())


def pack_key(pack: str, prefix: str) -> str:
    """The blob of a pack."""
    return f"{prefix}packs/{pack}.pack"


def index_key(pack: str, prefix: str) -> str:
    """The blob of a pack's index."""
    return f"{prefix}index/{pack}.idx"


def commit_key(commit: str, prefix: str) -> str:
    """The blob of a commit."""
    return f"{prefix}commits/{checked(commit)[:2]}/{commit}"


def checked(digest: str) -> str:
    """Return the digest if it is one.

    Raises:
        Invalid: It has not 64 characters of 0-9 and a-f.
    """
    if not isinstance(digest, str) or not _HEX.fullmatch(digest):
        raise Invalid(
            f"{str(digest)[:80]!r} is not a digest.", hint="A digest has 64 characters of 0-9 and a-f."
        )
    return digest


def binary(digest: str) -> bytes:
    """The digest's 32 bytes; errors as `checked`."""
    return bytes.fromhex(checked(digest))
