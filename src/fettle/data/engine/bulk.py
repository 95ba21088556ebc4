"""Many small files read and hashed in batches, by two processes where there are two cores.

Reading a small file is mostly waiting for the system and the interpreter, so a second process nearly halves it. The
helper begins at the last batch, we at the first, until they meet; what it read comes back through shared memory. It
touches nothing but the files, and if it ends early, whoever asked reads the rest.

A file counts as read only if the disk says of it, when its bytes are read, what it said when it was listed.
"""

from __future__ import annotations

import mmap
import os
import select
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from blake3 import blake3

from fettle.data.engine.walk import Row, row_of

BATCH_FILES = 512
BATCH_BYTES = 1 << 20
WORTH_A_PROCESS = 2000
"""From so many files on a second process pays."""

_SLOTS = 8
_DIGEST_BYTES = 32
_AGAIN = bytes(_DIGEST_BYTES)
_META_BYTES = BATCH_FILES * _DIGEST_BYTES
_SLOT_BYTES = BATCH_BYTES + _META_BYTES
_PLACES = struct.Struct("<ii")
_TOLD = struct.Struct("<ii")
_HEAD_BYTES = 4096
_READ = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _READ |= getattr(os, _name, 0)


_Open = Callable[[str], int]


class Batch(NamedTuple):
    """Small files of one folder: what to read, and what the disk said of each."""

    folder: str
    names: Sequence[str]
    rows: Sequence[Row]


class Got(NamedTuple):
    """A batch that was read: the bytes of its files one after another, and 32 bytes of digest for each.

    A file that is not as it was listed, or cannot be read, has zeros for a digest; its bytes mean nothing.
    """

    number: int
    data: memoryview
    digests: bytes

    def each(self) -> list[bytes]:
        """The digests one by one; an empty one for a file that must be read again."""
        all_of_them = self.digests
        found = [all_of_them[at : at + _DIGEST_BYTES] for at in range(0, len(all_of_them), _DIGEST_BYTES)]
        return [b"" if digest == _AGAIN else digest for digest in found] if _AGAIN in found else found


def batches(folder: str, names: Sequence[str], rows: Sequence[Row]) -> Iterator[Batch]:
    """The files of a folder, none longer than `BATCH_BYTES`, in batches that fit one reading."""
    first = used = 0
    for place, row in enumerate(rows):
        if place - first == BATCH_FILES or used + row[0] > BATCH_BYTES:
            yield Batch(folder, names[first:place], rows[first:place])
            first, used = place, 0
        used += row[0]
    if first < len(rows):
        yield Batch(folder, names[first:], rows[first:])


def read_batch(batch: Batch, into: memoryview) -> bytes:
    """Read the files of a batch one after another into memory; their digests."""
    digests: list[bytes] = []
    at, close, stat = 0, os.close, os.fstat
    with _opener(batch.folder) as opened:
        for name, row in zip(batch.names, batch.rows, strict=True):
            size = row[0]
            digest = _AGAIN
            try:
                descriptor = opened(name)
                try:
                    there = _read_at(descriptor, into, at, size) == size
                    if there and row_of(stat(descriptor)) == row:
                        digest = blake3(into[at : at + size]).digest()
                finally:
                    close(descriptor)
            except OSError:
                pass  # read again, one by one, it says what is wrong
            digests.append(digest)
            at += size
    return b"".join(digests)


@contextmanager
def reading(work: Sequence[Batch]) -> Iterator[Reading]:
    """Read all batches, in any order; what is given out is good until the next is asked for.

    A second process helps where that is safe (no other threads here), possible and worth it.
    """
    helper = _helper(work)
    try:
        yield Reading(work, helper)
    finally:
        if helper is not None:
            helper.end()


class Reading:
    """The batches and, once, what was read of them."""

    def __init__(self, work: Sequence[Batch], helper: _Helper | None) -> None:
        self.work, self._helper = work, helper

    def __iter__(self) -> Iterator[Got]:
        return _alone(self.work) if self._helper is None else _together(self.work, self._helper)


def _alone(work: Sequence[Batch]) -> Iterator[Got]:
    buffer = memoryview(bytearray(BATCH_BYTES))
    for number, batch in enumerate(work):
        yield Got(number, buffer, read_batch(batch, buffer))


def _together(work: Sequence[Batch], helper: _Helper) -> Iterator[Got]:
    buffer = memoryview(bytearray(BATCH_BYTES))
    left = set(range(len(work)))
    front = 0
    while front < len(work) and helper.claim(front):
        left.discard(front)
        yield Got(front, buffer, read_batch(work[front], buffer))
        front += 1
        for got in helper.results(wait=False):
            if got.number in left:
                left.discard(got.number)
                yield got
    for got in helper.results(wait=True):
        if got.number in left:
            left.discard(got.number)
            yield got
    for number in sorted(left):  # it ended early, or both stood back
        yield Got(number, buffer, read_batch(work[number], buffer))


class _Helper:
    """The second process, as the first one sees it."""

    def __init__(self, work: Sequence[Batch]) -> None:
        self._work = work
        self._shared = mmap.mmap(-1, _HEAD_BYTES + _SLOTS * _SLOT_BYTES)
        _PLACES.pack_into(self._shared, 0, 0, len(work))
        self._told, tell = os.pipe()
        free, self._free = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                os.close(self._told)
                os.close(self._free)
                _help(work, self._shared, tell, free)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(free)
        self._ready = select.poll()  # select() knows no descriptor above 1,023
        self._ready.register(self._told, select.POLLIN)
        os.write(self._free, bytes(range(_SLOTS)))
        self._over = False

    def claim(self, number: int) -> bool:
        """Take a batch from the front, unless the helper has it."""
        struct.pack_into("<i", self._shared, 0, number + 1)
        return _PLACES.unpack_from(self._shared)[1] > number

    def results(self, *, wait: bool) -> Iterator[Got]:
        """What the helper has read; with `wait`, until it ends."""
        while not self._over and (wait or self._ready.poll(0)):
            told = os.read(self._told, _TOLD.size)
            if len(told) < _TOLD.size:
                self._over = True
                return
            number, slot = _TOLD.unpack(told)
            at = _HEAD_BYTES + slot * _SLOT_BYTES
            count = len(self._work[number].names)
            with memoryview(self._shared) as all_slots:
                data = all_slots[at : at + BATCH_BYTES]
                digests = bytes(all_slots[at + BATCH_BYTES :][: _DIGEST_BYTES * count])
                yield Got(number, data, digests)
                data.release()
            self._return(slot)

    def end(self) -> None:
        """Let the process end, and wait for it."""
        os.close(self._free)
        os.close(self._told)
        with suppress(ChildProcessError):  # whoever ignores SIGCHLD has no children to wait for
            os.waitpid(self._process, 0)

    def _return(self, slot: int) -> None:
        with suppress(BrokenPipeError):  # it has read all it had to
            os.write(self._free, bytes([slot]))


def _help(work: Sequence[Batch], shared: mmap.mmap, tell: int, free: int) -> None:
    """What the second process does: read batches from the last one on, until the first process has taken the rest."""
    import gc

    gc.disable()
    for number in reversed(range(len(work))):
        struct.pack_into("<i", shared, 4, number)
        if _PLACES.unpack_from(shared)[0] > number:
            return
        slot = os.read(free, 1)
        if not slot:
            return  # nobody waits for us any more
        at = _HEAD_BYTES + slot[0] * _SLOT_BYTES
        into = memoryview(shared)[at : at + _SLOT_BYTES]
        digests = read_batch(work[number], into[:BATCH_BYTES])
        into[BATCH_BYTES : BATCH_BYTES + len(digests)] = digests
        os.write(tell, _TOLD.pack(number, slot[0]))


def _helper(work: Sequence[Batch]) -> _Helper | None:
    if not worth_a_process(sum(len(each.names) for each in work)):
        return None
    try:
        return _Helper(work)
    except OSError:  # no process or memory to be had
        return None


def worth_a_process(files: int) -> bool:
    """Whether a second process pays, and can be had without harm: other threads could hold locks for ever in it."""
    return files >= WORTH_A_PROCESS and hasattr(os, "fork") and threading.active_count() == 1 and _cores() > 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_at(descriptor: int, into: memoryview, at: int, size: int) -> int:
    if hasattr(os, "readv"):
        return os.readv(descriptor, (into[at : at + size],))
    data = os.read(descriptor, size)
    into[at : at + len(data)] = data
    return len(data)


@contextmanager
def _opener(folder: str) -> Iterator[_Open]:
    """How the files of a folder are opened by their names."""
    place = -1
    with suppress(OSError):  # then it fails with every file
        place = os.open(folder, os.O_RDONLY) if os.open in os.supports_dir_fd else -1
    if place < 0:
        yield lambda name: os.open(os.path.join(folder, name), _READ)
        return
    try:
        yield lambda name: os.open(name, _READ, dir_fd=place)
    finally:
        os.close(place)
