"""Take files in: their bytes into the store, or, by reference, their digests and where they lie."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from fettle.core.errors import Invalid
from fettle.data.engine.elsewhere import Elsewhere, Folder, Seen
from fettle.data.engine.external import Row
from fettle.data.engine.format import FileRef
from fettle.data.engine.walk import shown

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository
    from fettle.data.engine.writer import Writer

_AHEAD = 16
_THREADS = 8
_AHEAD_BYTES = 4 << 20


class Taker(Protocol):
    """Takes files in."""

    def has(self, ref: FileRef) -> bool:
        """Whether a file that was taken before need not be read again."""
        ...

    def take(self, place: Elsewhere, seen: Seen, pieces: Iterable[bytes]) -> FileRef:
        """Take a file in."""
        ...

    def again(self, place: Elsewhere, seen: Seen, ref: FileRef) -> None:
        """Take note of a file that need not be read again."""
        ...

    def finish(self) -> None:
        """All that was taken is durable."""
        ...


class Copying:
    """Files are copied into the store; what it has already is not stored again."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def has(self, ref: FileRef) -> bool:
        return self.writer.knows(bytes.fromhex(ref.digest))

    def take(self, place: Elsewhere, seen: Seen, pieces: Iterable[bytes]) -> FileRef:
        return self.writer.put_stream(pieces)

    def again(self, place: Elsewhere, seen: Seen, ref: FileRef) -> None:
        return None

    def finish(self) -> None:
        self.writer.flush()


class Referring:
    """Files stay where they are: they are read once, and the store remembers where they lie."""

    def __init__(self, repository: Repository, writer: Writer) -> None:
        self._repository, self._writer = repository, writer
        self._rows: dict[str, list[Row]] = {}

    def has(self, ref: FileRef) -> bool:
        return True

    def take(self, place: Elsewhere, seen: Seen, pieces: Iterable[bytes]) -> FileRef:
        from blake3 import blake3

        hasher, size = blake3(), 0
        for piece in pieces:
            hasher.update(piece)
            size += len(piece)
        ref = FileRef(hasher.hexdigest(), size)
        self.again(place, seen, ref)
        return ref

    def again(self, place: Elsewhere, seen: Seen, ref: FileRef) -> None:
        if not seen.path.isascii() and not _is_text(seen.path):
            raise Invalid(
                f"{shown(seen.path)} cannot be kept by reference.",
                found="a name that is no UTF-8",
                hint="Rename it, or import without --by-reference.",
            )
        row = Row(ref.digest, seen.path, ref.size_bytes, seen.tag)
        self._rows.setdefault(place.base, []).append(row)

    def finish(self) -> None:
        for base, rows in self._rows.items():
            self._repository.external.add(base, rows)
        self._rows.clear()
        self._writer.flush()


def read_ahead(place: Elsewhere, files: Iterable[Seen]) -> Iterator[tuple[Seen, Iterable[bytes]]]:
    """The files and their bytes; of a bucket, small ones are fetched some at a time, before they are asked for."""
    if isinstance(place, Folder):
        yield from ((each, place.pieces(each)) for each in files)
        return
    remaining = iter(files)
    waiting: deque[tuple[Seen, Future[bytes] | None]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="import") as threads:
        try:
            while True:
                for seen in islice(remaining, _AHEAD - len(waiting)):
                    small = seen.size_bytes <= _AHEAD_BYTES
                    waiting.append((seen, threads.submit(_whole, place, seen) if small else None))
                if not waiting:
                    return
                seen, future = waiting.popleft()
                yield seen, (place.pieces(seen) if future is None else (future.result(),))
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()


def _is_text(path: str) -> bool:
    return path.encode("utf-8", "replace").decode() == path


def _whole(place: Elsewhere, seen: Seen) -> bytes:
    return b"".join(place.pieces(seen))
