"""What a run says besides its points: kept on this machine first, told to the workspace in order, each thing once.

Parameters, tags, notes, inputs and files of a run go into a journal of operations beside the journal of its points, and
a thread tells them to the workspace. While the workspace is away they wait; after a kill whoever carries the points
over carries them over first (`telling`). Each has an idempotency key, so that telling twice changes nothing.

    <journal of a run>/ops/       the operations
                       told       how many of them have arrived
                       files/     contents that wait for the workspace, by digest
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from fettle.core.errors import Conflict, FettleError
from fettle.core.ids import digest_file
from fettle.storage.disks import PRIVATE, disk_failure
from fettle.storage.objects import has_object, object_key
from fettle.storage.open import open_journal
from fettle.tracking import restored
from fettle.tracking.telling import Operation, look_back, tell

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import Journal

_SEGMENT_BYTES = 64 << 10
_COPY_BYTES = 1 << 20
_LONGEST_PAUSE_S = 30.0
_RECENT_S = 10.0
"""A workspace that was away so shortly before is not asked again at the end: each try can take seconds."""
_TRUSTED_S = 5.0
"""A workspace that took something so shortly before is not asked whether it still has it."""


_encode = msgspec.msgpack.Encoder().encode


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
        self._said = self._told = self._seen = 0
        self._position: str | None = None
        self._failed_at = self._heard_at = time.monotonic()
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
        """Return when everything said so far has been told, again if the workspace was restored from an older copy.

        Raises:
            Unavailable: The workspace cannot be reached; nothing is lost.
        """
        if self.waiting or self._doubtful:
            self._tell()

    @property
    def _doubtful(self) -> bool:
        """Whether it is long ago that the workspace was seen to have what it was told."""
        return self._told > 0 and time.monotonic() - self._heard_at > _TRUSTED_S

    def stop(self) -> bool:
        """Tell what is left, for the last time; False if the workspace is away: it stays on this machine."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.away and time.monotonic() - self._failed_at < _RECENT_S:
            return not self.waiting and not self._doubtful
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
                restored.note_origin(self._ws, self.folder)
                pause_s = 0.5
            except FettleError:  # told again by stop() or kept for carry(); a training is never stopped by it
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                self._wake.set()

    def _tell(self) -> None:
        with self._telling:
            try:
                if self._doubtful:
                    self._look_back()
                told = self._told or None  # None: from what is noted
                for each in tell(self._ws, self.folder, told, self._position):
                    self._told, self._position = each
                self.away, self._heard_at = False, time.monotonic()
            except FettleError:
                self.away, self._failed_at = True, time.monotonic()
                self._heard_at, self._seen = float("-inf"), 0  # who was away may come back as an older copy
                raise

    def _look_back(self) -> None:
        """Begin again where the workspace has forgotten something; all of it is looked at before the end."""
        ending = self._stop.is_set()
        if look_back(self._ws, self.folder, 0 if ending else self._seen):
            self._told, self._position = 0, None
        self._seen = self._told


def put_file(ws: Surface, path: Path) -> tuple[str, int]:
    """Keep a file in the workspace, with flat memory; return its digest and size in bytes.

    Raises:
        Conflict: The file was changed while it was read; nothing was kept.
    """
    name, size_bytes = digest_file(path), path.stat().st_size
    if not has_object(ws.blobs, name):
        ws.blobs.put(object_key(name), _unchanged(path, name))
    return name, size_bytes


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
