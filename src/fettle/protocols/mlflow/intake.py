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

from starlette.concurrency import run_in_threadpool

from fettle.core.errors import Invalid
from fettle.storage.disks import disk_failure
from fettle.storage.objects import object_key, put_object
from fettle.workspace import Workspace

SMALL_BYTES = 1 << 20
_ABANDONED_AFTER_S = 86_400.0


@dataclass(frozen=True)
class Kept:
    """An object that is kept now."""

    digest: str
    size_bytes: int


@contextlib.asynccontextmanager
async def arrived(
    workspace: Workspace, pieces: AsyncIterator[bytes], *, most: int | None = None
) -> AsyncIterator[tuple[bytes | Path, int]]:
    """What a client sends, as bytes if it is small and else as a file that goes with the block; and its length.

    Args:
        workspace: Beside which the file lies.
        pieces: The bytes as they come.
        most: Refuse more bytes than this.

    Raises:
        Invalid: There are more than `most`.
        Unavailable: The disk is full.
    """
    buffer = bytearray()
    total = 0
    with contextlib.ExitStack() as stack:
        file: BinaryIO | None = None
        async for piece in pieces:
            total += len(piece)
            if most is not None and total > most:
                raise Invalid("Artifact size is too large.", found=f"more than {most:,} bytes")
            buffer += piece
            if len(buffer) >= SMALL_BYTES:
                file = file or stack.enter_context(_pending(workspace.folder / "incoming"))
                await run_in_threadpool(_append, file, buffer)
                buffer = bytearray()
        if file is None:
            yield bytes(buffer), total
        else:
            await run_in_threadpool(_append, file, buffer)
            yield Path(file.name), total


async def keep(workspace: Workspace, pieces: AsyncIterator[bytes], *, most: int | None = None) -> Kept:
    """Keep what a client sends as an object; memory stays flat whatever its size. Errors as `arrived`."""
    async with arrived(workspace, pieces, most=most) as (data, total):
        return Kept(await run_in_threadpool(put_object, workspace.blobs, data), total)


def keep_parts(workspace: Workspace, keys: list[str]) -> Kept:
    """Keep blobs, one after the other, as one object; they are read twice and never all at once."""
    from blake3 import blake3

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


def _append(file: BinaryIO, data: bytes | bytearray) -> None:
    file.write(data)
    file.flush()


def sweep(folder: Path) -> None:
    """Remove what killed servers left in the folder of arrivals a day ago or longer."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if time.time() - entry.stat().st_mtime > _ABANDONED_AFTER_S:
                os.unlink(entry.path)
