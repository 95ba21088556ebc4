"""Large files put together from packs: one thread reads and hashes, another writes.

What is written is held to the digest of the whole file before it appears, so its chunks need not be held to theirs;
only where that fails are they looked at one by one, to find a sound copy or to name what is damaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from queue import Queue
from stat import S_ISLNK
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, NotFound, Unavailable
from fettle.data.engine.blocks import Blocks, Piece, drop
from fettle.data.engine.fetching import PART, discard, write_file
from fettle.data.engine.format import LIST, binary
from fettle.data.engine.jobs import Job
from fettle.data.engine.lists import decode_list
from fettle.storage.disks import disk_failure

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository

_AHEAD = 8
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def fetch_large(repository: Repository, digest: str, path: str, mode: int) -> None:
    """Copy a file out, whatever it is made of; it appears whole and right or not at all.

    Raises:
        NotFound: It is not kept here.
        Unavailable: What the store has is damaged, or the disk is full or cannot be written.
    """
    if S_ISLNK(mode):
        write_file(path, repository.read(digest), mode)
        return
    partial = os.path.join(os.path.dirname(path), f"{PART}{os.getpid()}-{os.urandom(4).hex()}")
    try:
        if not _quickly(repository, digest, partial, mode):
            verified = ((each, None) for each in repository.slices(digest))
            if _written(verified, partial, mode) != digest:
                raise _wrong(digest)
        os.replace(partial, path)
    except OSError as error:
        raise disk_failure(error, path) from error
    finally:
        discard(partial)


def _quickly(repository: Repository, digest: str, partial: str, mode: int) -> bool:
    """Write what the packs have, as it is; False if that is not the file: then it must be looked at closely."""
    frame = repository.catalog.find_new(binary(digest))
    if frame is None or frame.kind != LIST:
        return False
    try:
        found = decode_list(repository.frames.one(binary(digest), frame))
        if _written(repository.reader.unverified(found, Blocks()), partial, mode) == digest:
            return True
    except (NotFound, Unavailable):
        pass  # a pack that went, or damage
    discard(partial)
    return False


def _written(pieces: Iterable[Piece], partial: str, mode: int) -> str:
    """Write a new file; the digest of what was written."""
    from blake3 import blake3

    hasher = blake3()
    os.makedirs(os.path.dirname(partial), exist_ok=True)
    descriptor = os.open(partial, _NEW, mode)
    try:
        ahead: Queue[Piece | None] = Queue(_AHEAD)
        writing = Job(_write_all, descriptor, ahead)
        try:
            for piece in pieces:
                if piece[1] is not None:
                    piece[1].hold()
                ahead.put(piece)
                hasher.update(piece[0])
                drop(piece)
                if writing.done():
                    break  # it failed
        finally:
            ahead.put(None)
            writing.wait()
        writing.result()
    finally:
        os.close(descriptor)
    return hasher.hexdigest()


def _write_all(descriptor: int, pieces: Queue[Piece | None]) -> None:
    piece = pieces.get()
    try:
        while piece is not None:
            rest = memoryview(piece[0])
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            drop(piece)
            piece = pieces.get()
    finally:
        while piece is not None:  # it failed: the other thread must not wait for room
            piece = pieces.get()


def _wrong(digest: str) -> FettleError:
    return Unavailable(
        f"The file {digest[:12]}… is damaged.",
        found="chunks that do not make up the file",
        hint="Run fettle data fsck; with another copy (a push target) it can be repaired from there.",
        subject=f"object:{digest}",
    )
