"""Files copied out of packs: many small ones in the order in which they lie, each whole and right or not at all."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from stat import S_ISLNK
from typing import NamedTuple

from fettle.core.errors import NotFound, Unavailable
from fettle.data.engine.catalog import Catalog
from fettle.data.engine.format import LIST, RAW, Frame, binary
from fettle.data.engine.frames import FrameReader, runs, verified
from fettle.data.engine.reading import Reader
from fettle.data.engine.walk import Row, row_of
from fettle.storage.disks import disk_failure

Wish = tuple[str, str | os.PathLike[str], int]
"""A file to be had: its digest, where to put it, and its mode (`0o120000`: a symbolic link to what its bytes say)."""

Placed = dict[str, Row]
"""What the disk said of files right after they were made, by path."""

Large = Callable[[str, str, int], None]
Step = Callable[[int], object]

PART = ".fettle-part-"
"""How the names of unfinished files begin, beside the finished ones."""
_BATCH = 50_000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_numbers = itertools.count()


class _Small(NamedTuple):
    """A wish that one frame fulfils; sorts by where the frame lies."""

    pack: str
    offset: int
    digest: bytes
    frame: Frame
    path: str
    mode: int


class Fetcher:
    """Fulfils wishes.

    Args:
        catalog: Where things lie.
        frames: Reads runs of frames.
        reader: Reads one object, from whichever copy is sound.
        large: Fetches a file that is no single frame.
    """

    def __init__(self, catalog: Catalog, frames: FrameReader, reader: Reader, large: Large) -> None:
        self._catalog, self._frames, self._reader, self._large = catalog, frames, reader, large

    def fetch(self, wishes: Iterable[Wish], step: Step, placed: Placed | None = None) -> None:
        """Fulfil all wishes, some ten thousand at a time; large files after the small ones of their batch.

        Args:
            wishes: What is to be had.
            step: Called now and then with how many were fulfilled since.
            placed: If given, small files that are not there are made in place, which is quicker; a kill may then
                leave a beginning of one. Gets what the disk says of each file made so.
        """
        self._catalog.refresh()
        remaining = iter(wishes)
        while batch := list(itertools.islice(remaining, _BATCH)):
            small, large = self._located(batch)
            for done in self._fetch_small(small, placed):
                step(done)
            for digest, path, mode in large:
                self._large(digest, os.fspath(path), mode)
                step(1)

    def _located(self, batch: list[Wish]) -> tuple[list[_Small], list[Wish]]:
        small: list[_Small] = []
        large: list[Wish] = []
        find = self._catalog.find
        for wish in batch:
            digest = binary(wish[0])
            frame = find(digest)
            if frame is None or frame.kind == LIST:
                large.append(wish)
            else:
                small.append(_Small(frame.pack, frame.offset, digest, frame, os.fspath(wish[1]), wish[2]))
        small.sort()
        return small, large

    def _fetch_small(self, small: list[_Small], placed: Placed | None) -> Iterator[int]:
        from blake3 import blake3

        at = 0
        for run in runs((each.digest, each.frame) for each in small):
            for (digest, frame), stored in zip(run, self._stored(run), strict=True):
                if stored is not None and frame.codec == RAW and blake3(stored).digest() == digest:
                    plain = stored
                else:
                    plain = self._plain(digest, frame, stored)
                path, mode = small[at][-2:]
                if placed is None:
                    write_file(path, plain, mode)
                elif (row := make_file(path, plain, mode)) is not None:
                    placed[path] = row
                at += 1
            yield len(run)

    def _stored(self, run: list[tuple[bytes, Frame]]) -> Iterator[memoryview | None]:
        try:
            yield from self._frames.run(run)
        except NotFound:  # the pack went while we read
            yield from [None] * len(run)

    def _plain(self, digest: bytes, frame: Frame, stored: memoryview | None) -> bytes | memoryview:
        if stored is not None:
            try:
                return verified(digest, frame, stored)
            except Unavailable:
                pass  # another pack may have a sound copy
        return self._reader.sound(digest, frame)


def write_file(path: str, data: bytes | memoryview, mode: int) -> None:
    """Make a file with these bytes, or a symbolic link to what they say, in one step; its folder is made.

    Raises:
        Unavailable: The folder cannot be written, or the disk is full.
    """
    partial = f"{os.path.dirname(path)}{os.sep}{PART}{os.getpid()}-{next(_numbers)}"
    try:
        try:
            _write_new(partial, data, mode)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _write_new(partial, data, mode)
        os.replace(partial, path)
    except OSError as error:
        discard(partial)
        raise disk_failure(error, path) from error


def make_file(path: str, data: bytes | memoryview, mode: int) -> Row | None:
    """Make a file in place if none is there, else as `write_file`; what the disk says of it, if made in place.

    Errors as `write_file`; nothing is left then.
    """
    if S_ISLNK(mode):
        write_file(path, data, mode)
        return None
    try:
        descriptor = os.open(path, _NEW, mode)
    except OSError:  # it is there, or its folder is not, or it cannot be: the longer way knows
        write_file(path, data, mode)
        return None
    try:
        try:
            while (written := os.write(descriptor, data)) < len(data):
                data = memoryview(data)[written:]
            return row_of(os.fstat(descriptor))
        finally:
            os.close(descriptor)
    except BaseException as error:
        discard(path)
        if isinstance(error, OSError):
            raise disk_failure(error, path) from error
        raise


def discard(path: str | os.PathLike[str]) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _write_new(path: str, data: bytes | memoryview, mode: int) -> None:
    if S_ISLNK(mode):
        os.symlink(bytes(data), os.fsencode(path))
        return
    descriptor = os.open(path, _NEW, mode)
    try:
        while (written := os.write(descriptor, data)) < len(data):
            data = memoryview(data)[written:]
    finally:
        os.close(descriptor)
