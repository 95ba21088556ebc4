"""What a run says besides its points: kept on this machine first, told to the workspace in order, each thing once.

Parameters, tags, notes, inputs and files of a run go into a journal of operations beside the journal of its points, and
a thread tells them to the workspace. While the workspace is away they wait; after a kill whoever carries the points
over carries them over first (`carry`). Each has an idempotency key, so that telling twice changes nothing.

    <journal of a run>/ops/       the operations
                       told       how many of them have arrived
                       files/     contents that wait for the workspace, by digest
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from fettle.core.errors import Conflict, FettleError
from fettle.core.ids import digest_file
from fettle.storage.disks import PRIVATE, disk_failure
from fettle.storage.objects import has_object, object_key, put_object
from fettle.storage.open import open_journal, read_journal
from fettle.tracking.printed import CONSOLE, console_kept, console_pieces, count, note
from fettle.tracking.refused import REFUSALS, Refused, keep

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import Journal

_SEGMENT_BYTES = 64 << 10
_COPY_BYTES = 1 << 20
_LONGEST_PAUSE_S = 30.0
_RECENT_S = 10.0
"""A workspace that was away so shortly before is not asked again at the end: each try can take seconds."""


class Operation(msgspec.Struct, frozen=True, array_like=True):
    """One thing to tell the workspace.

    Attributes:
        act: The act that takes it.
        arguments: Its arguments.
        file: The digest of a content in `files` that the workspace needs first; empty: none.
    """

    act: str
    arguments: dict[str, Any]
    file: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Operation).decode


class Deferred:
    """The operations of one run in one process, and the thread that tells them. Safe to use from many threads.

    Args:
        ws: The workspace to tell.
        place: Answers the folder of the run's journal; `ops` and `files` are made in it when they are needed.
        away: Whether the workspace is known not to answer.
        quiet: Tell nothing: in a forked worker, whose operations are carried by the process that forked it.

    Attributes:
        away: Whether the workspace did not answer when it was last told something.
    """

    def __init__(
        self, ws: Surface, place: Callable[[], Path], *, away: bool = False, quiet: bool = False
    ) -> None:
        self.away = away
        self._place = place
        self._ws = ws
        self._journal: Journal | None = None
        self._opening = threading.Lock()
        self._telling = threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._said = self._told = 0
        self._position: str | None = None
        self._failed_at = time.monotonic()
        self._thread = threading.Thread(target=self._tell_on, name="fettle-run-ops", daemon=True)
        if quiet:
            self._stop.set()

    @cached_property
    def folder(self) -> Path:
        """The folder of the journal."""
        return self._place()

    def say(self, act: str, /, *, file: str = "", **arguments: Any) -> None:
        """Keep an operation on this machine; it is told soon. When this returns, a kill does not lose it."""
        data = _encode(Operation(act, arguments, file))
        with self._opening:
            if self._journal is None:
                self._journal = open_journal(self.folder / "ops", segment_bytes=_SEGMENT_BYTES)
                if not self._stop.is_set():
                    self._thread.start()
            self._journal.append(data)
            self._said += 1
        self._wake.set()

    def keep(self, content: bytes | Path) -> tuple[str, int]:
        """Keep a content in `files` until the workspace has it; return its digest and size in bytes.

        A file is read once, in pieces; what arrives is what was read, even if it changes meanwhile.

        Raises:
            Unavailable: This machine's disk is full.
        """
        files = self.folder / "files"
        part = files / f".{os.urandom(6).hex()}.part"
        hasher, size_bytes = blake3(), 0
        try:
            files.mkdir(PRIVATE, parents=True, exist_ok=True)
            with open(part, "xb", opener=_open_private) as file:
                for piece in _pieces(content):
                    hasher.update(piece)
                    size_bytes += file.write(piece)
            part.replace(files / hasher.hexdigest())
        except OSError as error:
            raise disk_failure(error, files) from error
        finally:
            part.unlink(missing_ok=True)
        return hasher.hexdigest(), size_bytes

    @property
    def waiting(self) -> bool:
        """Whether something has not been told yet."""
        return self._said > self._told

    def flush(self) -> None:
        """Return when everything said so far has been told.

        Raises:
            Unavailable: The workspace cannot be reached; nothing is lost.
        """
        if self.waiting:
            self._tell()

    def stop(self) -> bool:
        """Tell what is left, for the last time; False if the workspace is away: it stays on this machine."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.away and time.monotonic() - self._failed_at < _RECENT_S:
            return not self.waiting
        try:
            self.flush()
        except FettleError:
            return False
        return True

    def close(self) -> None:
        """Let go of the journal; what was said and not told stays in it."""
        if self._journal is not None:
            self._journal.close()

    def _tell_on(self) -> None:
        pause_s = 0.5
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
                pause_s = 0.5
            except FettleError:  # told again by stop() or kept for carry(); a training is never stopped by it
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                self._wake.set()

    def _tell(self) -> None:
        with self._telling:
            try:
                for each in tell(self._ws, self.folder, self._told, self._position):
                    self._told, self._position = each
                self.away = False
            except FettleError:
                self.away, self._failed_at = True, time.monotonic()
                raise


def carry(ws: Surface, run: str, folder: Path) -> None:
    """Tell what the journal in `folder` of a process that is gone has not told, and keep the rest of its console.

    Idempotent: whoever carries, each operation is done once.

    Args:
        ws: The workspace.
        run: The run's id.
        folder: The folder of the journal.

    Raises:
        FettleError: What the workspace answered to the start of the run; Unavailable: it is away. All stays here.
    """
    for _ in tell(ws, folder):
        pass
    for start, piece in console_pieces(folder):
        path = f"{CONSOLE}/{start:012d}.txt"
        digest = put_object(ws.blobs, piece)
        ws.call("tracking.artifact", run=run, path=path, digest=digest, size_bytes=len(piece))
        console_kept(folder, start + len(piece))


def tell(
    ws: Surface, folder: Path, told: int | None = None, after: str | None = None
) -> Iterator[tuple[int, str]]:
    """Tell the operations of a journal that were not told, in order; yield, after each, how many were told.

    Args:
        ws: The workspace.
        folder: The folder of the journal.
        told: How many come before `after`; None: begin at the beginning, and pass over what is noted as told.
        after: The position of the last one told.
    """
    begin = count(folder / "told") if told is None else told
    for number, (position, data) in enumerate(read_journal(folder / "ops", after), start=told or 0):
        if number >= begin:
            _tell_one(ws, folder, number, _decode(data))
            note(folder / "told", number + 1)
        yield number + 1, position


def put_file(ws: Surface, path: Path) -> tuple[str, int]:
    """Keep a file in the workspace, with flat memory; return its digest and size in bytes.

    Raises:
        Conflict: The file was changed while it was read; nothing was kept.
    """
    name, size_bytes = digest_file(path), path.stat().st_size
    if not has_object(ws.blobs, name):
        ws.blobs.put(object_key(name), _unchanged(path, name))
    return name, size_bytes


def _tell_one(ws: Surface, folder: Path, number: int, operation: Operation) -> None:
    kept = folder / "files" / operation.file if operation.file else None
    if kept is not None and kept.exists() and not has_object(ws.blobs, operation.file):
        put_object(ws.blobs, kept)
    try:
        ws.call(operation.act, idempotency_key=f"{folder.name}-{number}", **operation.arguments)
    except REFUSALS as error:
        if operation.act == "tracking.start":
            raise  # without the run there is nothing to add to: all of it waits for a person
        said = str(error.args[0])
        warnings.warn(
            f"Not recorded with the run: {said} It is kept; `fettle tracking sync` tells it again.",
            stacklevel=2,
        )
        key = f"{folder.name}-{number:06}"
        keep(ws, Refused(key, operation.act, operation.arguments, said, operation.file), kept)
    if kept is not None:
        kept.unlink(missing_ok=True)  # another operation with the same content finds it in the workspace


def _unchanged(path: Path, name: str) -> Iterator[bytes]:
    """The pieces of a file; at its end an error that keeps it from being published under a name it has no more."""
    hasher = blake3()
    for piece in _pieces(path):
        hasher.update(piece)
        yield piece
    if hasher.hexdigest() != name:
        raise Conflict(
            f"{path} was changed while it was read.",
            found="other bytes than a moment before",
            hint="Log the file when it is whole.",
        )


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_COPY_BYTES):
            yield piece
