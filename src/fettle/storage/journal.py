"""The journal: an append-only stream of records in memory-mapped segments.

A segment `0000000001.seg` is a header of 16 bytes and frames, each at a multiple of 8:

    bytes 0-3   length of the record + 1, little-endian (0: nothing has been written here yet)
    bytes 4-7   CRC-32 of those four bytes and the record
    then        the record, padded with zeros

The space is reserved before it is mapped, so a full disk is an error at the start of a segment and never a crash in it.
The record is copied first and the eight bytes before it last, so that a kill at any instant leaves whole frames and
perhaps one that is not there. A segment is cut to its length before the next begins: one that has a successor must
parse to its end, and is damaged otherwise. A position is `segment:offset` behind a record, in hex of fixed width.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from fettle.core.errors import Conflict, FettleError, Invalid, Unavailable
from fettle.storage.disks import PRIVATE, disk_failure, make_folder, sync_file, sync_folder, write_atomically
from fettle.storage.frames import FRAME, HEADER, HEADER_BYTES, segment_path, segments, torn_frame, valid_end
from fettle.storage.locks import FileLock

Ack = Literal["memory", "os", "disk"]

_FIRST_SEGMENT_BYTES = 256 << 10
_SMALL_SEGMENT_BYTES = 32 << 10
_GROWTH = 4
_MOST_RECORD_BYTES = (1 << 31) - 64
_PREFIX = struct.Struct("<I")


class SegmentJournal:
    """A `Journal` in a folder of segments; see `open_journal` for the arguments."""

    def __init__(self, folder: Path, *, ack: Ack, segment_bytes: int) -> None:
        self.folder = folder.absolute()
        self._ack = ack
        self._full_bytes = max(segment_bytes + 7 & -8, 4096)
        self._guard = threading.Lock()
        self._syncing = threading.Lock()
        self._flushing = threading.Lock()
        self._failure: FettleError | None = None
        self._closed = False
        self._file = -1
        self._flusher: threading.Thread | None = None
        self._unflushed: list[int] = []
        try:
            make_folder(self.folder, PRIVATE)
            self._lock = FileLock(self.folder / "writer.lock")
            if not self._lock.acquire(wait=False):
                raise Conflict(
                    f"The journal {self.folder} is being written by another process.",
                    hint="Give every writer a folder of its own; readers may share it.",
                )
            try:
                self._begin_segment(self._recovered() + 1, min(_FIRST_SEGMENT_BYTES, self._full_bytes))
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise disk_failure(error, self.folder) from error
        _open_journals.add(self)

    # --- the port

    def append(self, record: bytes) -> str:
        length = len(record)
        prefix = _PREFIX.pack(length + 1) if length <= _MOST_RECORD_BYTES else _refuse(length)
        check = zlib.crc32(record, zlib.crc32(prefix))
        with self._guard:
            start = self._end
            end = start + FRAME.size + length
            if end > self._room or self._failure is not None:
                start = self._make_room(FRAME.size + length)
                end = start + FRAME.size + length
            self._map[start + FRAME.size : end] = record
            FRAME.pack_into(self._map, start, length + 1, check)
            self._end = end = (end + 7) & -8
            number = self._number
        if self._ack == "disk":
            self._sync_through((number, end))
        return f"{number:010x}:{end:010x}"

    def appender(self, length: int) -> Callable[[bytes], object]:
        """`append` for records of one length, known beforehand: twice as fast, the same promise."""
        if self._ack == "disk":
            return self.append
        size, stride = FRAME.size + length, FRAME.size + length + 7 & -8
        stored = length + 1
        seed = zlib.crc32(_PREFIX.pack(stored) if length <= _MOST_RECORD_BYTES else _refuse(length))
        check, head = zlib.crc32, FRAME.pack

        def append(record: bytes) -> None:
            frame = head(stored, check(record, seed)) + record
            with self._guard:
                start = self._end
                end = start + size
                if end > self._room or self._failure is not None:
                    start = self._make_room(size)
                    end = start + size
                self._map[start:end] = frame
                self._end = start + stride

        return append

    def sync(self) -> None:
        with self._guard:
            self._require_usable()
            mark = (self._number, self._end)
        self._sync_through(mark)

    def close(self) -> None:
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._room = 0
        self._flush_sealed()
        with self._syncing, self._guard:
            try:
                if self._failure is None:
                    self._seal(sync=True)
            finally:
                if self._file >= 0:
                    self._map.close()
                    os.close(self._file)
                    self._file = -1
                self._lock.release()
                self._lock.close()
                _open_journals.discard(self)

    # --- segments

    def _recovered(self) -> int:
        """Cut the last segment behind its last whole frame; return its number, 0 if there is none."""
        numbers = segments(self.folder)
        if not numbers:
            return 0
        path = segment_path(self.folder, numbers[-1])
        with open(path, "rb+") as file:
            end = valid_end(file)
            torn = torn_frame(file, end)
            if torn:  # kept for a person to look at: it may be damage, with whole records behind it
                write_atomically(path.with_suffix(f".torn-{end:x}"), [torn])
            if os.fstat(file.fileno()).st_size != end:
                file.truncate(end)
            sync_file(file.fileno())
        return numbers[-1]

    def _begin_segment(self, number: int, size: int) -> None:
        path = segment_path(self.folder, number)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _reserve(file, size)
            self._map = mmap.mmap(file, size)
            self._map[:HEADER_BYTES] = HEADER
            if self._ack != "memory":
                sync_file(file)
                sync_folder(self.folder)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        self._file, self._number, self._size = file, number, size
        self._end = HEADER_BYTES
        self._synced = (number, HEADER_BYTES)
        self._room = size

    def _make_room(self, needed: int) -> int:
        """Go on to a new segment; the caller holds the guard. Raises, and poisons nothing, if the disk is full."""
        self._require_usable()
        if self._ack == "disk":
            self._sync_now((self._number, self._end))
        number, end = self._number, self._end
        least = HEADER_BYTES + needed + 7 & -8
        try:
            self._seal(sync=False)
            if self._ack != "disk" and number not in self._unflushed:
                self._unflushed.append(number)
            sizes = (min(self._size * _GROWTH, self._full_bytes), _SMALL_SEGMENT_BYTES, least)
            self._begin_some_segment(number + 1, sizes, least)
        except OSError as error:
            self._reopen(number, end)
            raise disk_failure(error, self.folder) from error
        if self._ack == "os":
            self._flush_behind()
        return self._end

    def _begin_some_segment(self, number: int, sizes: tuple[int, ...], least: int) -> None:
        """Begin a segment of the first size that the disk has room for."""
        for position, size in enumerate(sizes, start=1):
            try:
                return self._begin_segment(number, max(size, least))
            except OSError:
                if position == len(sizes):
                    raise

    def _seal(self, *, sync: bool) -> None:
        """Cut the segment to its length and let go of it."""
        if self._file < 0:
            return
        if sync:
            self._sync_now((self._number, self._end))
        self._map.close()
        os.ftruncate(self._file, self._end)
        if sync:
            sync_file(self._file)
        os.close(self._file)
        self._file = -1

    def _reopen(self, number: int, end: int) -> None:
        """After a new segment could not be made: stay at the sealed one, without room, until there is space."""
        self._file = os.open(segment_path(self.folder, number), os.O_RDWR | getattr(os, "O_BINARY", 0))
        self._map = mmap.mmap(self._file, end)
        self._end = self._room = end

    def _flush_behind(self) -> None:
        """Write finished segments through while appending goes on."""
        if self._flusher is None or not self._flusher.is_alive():
            self._flusher = threading.Thread(
                target=self._flush_sealed, name="fettle-journal-flush", daemon=True
            )
            self._flusher.start()

    def _flush_sealed(self) -> None:
        with self._flushing:
            while self._unflushed and self._failure is None:
                path = segment_path(self.folder, self._unflushed[0])
                try:
                    with open(path, "rb+") as file:
                        sync_file(file.fileno())
                except FileNotFoundError:
                    pass  # discarded meanwhile
                except OSError as error:
                    self._failure = disk_failure(error, path)
                self._unflushed.pop(0)

    # --- the disk

    def _sync_through(self, mark: tuple[int, int]) -> None:
        """Return when everything up to the mark is on the disk; one waiting thread syncs for all."""
        if self._synced >= mark:
            return
        with self._syncing:
            if self._synced >= mark:
                return
            self._flush_sealed()
            with self._guard:
                self._require_usable()
                reached = (self._number, self._end)
                descriptor = os.dup(self._file)
            try:
                self._written_through(descriptor)
            finally:
                os.close(descriptor)
            with self._guard:
                self._synced = max(self._synced, reached)

    def _sync_now(self, reached: tuple[int, int]) -> None:
        if self._file >= 0 and self._synced < reached:
            self._written_through(self._file)
            self._synced = reached

    def _written_through(self, descriptor: int) -> None:
        """A sync that failed is never tried again: the system may have dropped the pages and would report success."""
        try:
            if sys.platform == "linux":
                os.fdatasync(descriptor)
            else:
                self._map.flush()
                sync_file(descriptor)
        except OSError as error:
            self._failure = disk_failure(error, self.folder)
            raise self._failure from error

    def _require_usable(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"The journal {self.folder} stopped after the disk failed.",
                found=self._failure.found,
                hint="Check the disk, then open the journal again; records acknowledged before are kept.",
            ) from self._failure
        if self._closed:
            raise Invalid(f"The journal {self.folder} is closed.", hint="Open it again to append.")

    def _forget(self) -> None:
        """In a forked child: the journal is the parent's; appending here would write over its records."""
        self._closed = True
        self._room = 0
        self._guard = self._syncing = self._flushing = threading.Lock()


_open_journals: weakref.WeakSet[SegmentJournal] = weakref.WeakSet()


def _forget_all() -> None:
    for journal in list(_open_journals):
        journal._forget()  # the module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _reserve(file: int, size: int) -> None:
    """Make the disk promise the space: writing to a map without it would end the process (SIGBUS)."""
    if sys.platform == "linux":
        os.posix_fallocate(file, 0, size)
        return
    zeros = bytes(1 << 20)
    for start in range(0, size, len(zeros)):
        os.write(file, zeros[: size - start])


def _refuse(length: int) -> bytes:
    raise Invalid(
        f"A record of {length} bytes is too long for a journal.", hint=f"At most {_MOST_RECORD_BYTES} bytes."
    )
