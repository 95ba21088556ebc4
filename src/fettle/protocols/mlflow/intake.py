"""Bytes that arrive, kept by content: small ones in memory on the way, large ones in a file beside the workspace."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3
from starlette.concurrency import run_in_threadpool

from fettle.core.errors import Invalid
from fettle.storage.disks import disk_failure
from fettle.storage.objects import object_key
from fettle.workspace import Workspace

SMALL_BYTES = 1 << 20
_ABANDONED_AFTER_S = 86_400.0


@dataclass(frozen=True)
class Kept:
    """An object that is kept now."""

    digest: str
    size_bytes: int


@dataclass(frozen=True)
class Arrived:
    """What a client sent.

    Attributes:
        data: The bytes if they are few, else a file that goes when the block ends.
        kept: Their digest and length.
    """

    data: bytes | Path
    kept: Kept


@contextlib.asynccontextmanager
async def arrived(
    workspace: Workspace, pieces: AsyncIterator[bytes], *, most: int | None = None
) -> AsyncIterator[Arrived]:
    """Take what a client sends; memory stays flat whatever its size, as it is hashed on the way and never mapped.

    Args:
        workspace: Beside which a large file lies.
        pieces: The bytes as they come.
        most: Refuse more bytes than this.

    Raises:
        Invalid: There are more than `most`.
        Unavailable: The disk is full.
    """
    buffer = bytearray()
    hashed, total = blake3(), 0
    with contextlib.ExitStack() as stack:
        file: BinaryIO | None = None
        async for piece in pieces:
            total += len(piece)
            if most is not None and total > most:
                raise Invalid("Artifact size is too large.", found=f"more than {most:,} bytes")
            buffer += piece
            if len(buffer) >= SMALL_BYTES:
                file = file or stack.enter_context(_pending(workspace.folder / "incoming"))
                await run_in_threadpool(_append, file, hashed, buffer)
                buffer = bytearray()
        if file is not None:
            await run_in_threadpool(_append, file, hashed, buffer)
        else:
            hashed.update(buffer)
        data = bytes(buffer) if file is None else Path(file.name)
        yield Arrived(data, Kept(hashed.hexdigest(), total))


async def keep(workspace: Workspace, pieces: AsyncIterator[bytes], *, most: int | None = None) -> Kept:
    """Keep what a client sends as an object. Errors as `arrived`."""
    async with arrived(workspace, pieces, most=most) as found:
        await run_in_threadpool(_put, workspace, found)
        return found.kept


def _put(workspace: Workspace, found: Arrived) -> None:
    key = object_key(found.kept.digest)
    if workspace.blobs.info(key) is None:
        workspace.blobs.put(key, found.data)


def keep_parts(workspace: Workspace, keys: list[str]) -> Kept:
    """Keep blobs, one after the other, as one object; they are read twice and never all at once."""
    hashed, total = blake3(), 0
    for piece in _joined(workspace, keys):
        hashed.update(piece)
        total += len(piece)
    key = object_key(hashed.hexdigest())
    if workspace.blobs.info(key) is None:
        workspace.blobs.put(key, _joined(workspace, keys))
    return Kept(hashed.hexdigest(), total)


def _joined(workspace: Workspace, keys: list[str]) -> Iterator[bytes]:
    for key in keys:
        yield from workspace.blobs.stream(key)


@contextlib.contextmanager
def _pending(folder: Path) -> Iterator[BinaryIO]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            yield file  # type: ignore[misc]  # it has all of a binary file that is used here
    except OSError as error:
        raise disk_failure(error, folder) from error


def _append(file: BinaryIO, hashed: blake3, data: bytes | bytearray) -> None:
    hashed.update(data)
    file.write(data)
    file.flush()


def sweep(folder: Path) -> None:
    """Remove what killed servers left in the folder of arrivals a day ago or longer."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if time.time() - entry.stat().st_mtime > _ABANDONED_AFTER_S:
                os.unlink(entry.path)
