"""The writer: files and nodes into packs, without storing anything twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fettle.core.errors import NotFound
from fettle.data.engine import doomed
from fettle.data.engine.blocks import Block, Blocks
from fettle.data.engine.codecs import Prober
from fettle.data.engine.format import CHUNK, NODE, RAW, WHOLE_BELOW, FileRef, Frame, commit_key
from fettle.data.engine.jobs import Jobs
from fettle.data.engine.large import put_open, put_pieces
from fettle.data.engine.leases import writing
from fettle.data.engine.lists import Piece
from fettle.data.engine.uploads import Upload
from fettle.storage.disks import disk_failure

if TYPE_CHECKING:
    from fettle.data.engine.bulk import Batch, Got
    from fettle.data.engine.repository import Repository

_UPLOADS = 2
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Writer:
    """Puts files and nodes into packs. Use it as a context, in one thread.

    When the block ends everything is durable and findable; if it ends with an exception, what was put may be there or
    not, and nothing refers to it. `flush` gives the same assurance in between.

    Attributes:
        stored_bytes: Bytes of new frames, as stored: what this writer added to the packs.
        blocks: The memory that large files pass through.
    """

    def __init__(self, repository: Repository, what: str) -> None:
        from blake3 import blake3

        self.stored_bytes = 0
        self._blake3 = blake3
        self._repository = repository
        self._catalog = repository.catalog
        self.blocks = Blocks()
        self._threads = Jobs()
        self._prober = Prober()
        self._uploads: list[Upload] = []
        self._open: Upload | None = None
        self._fresh: set[bytes] = set()  # digests of frames in packs that are on their way
        self._lease = writing(repository.blobs, repository.prefix, what, repository.clock)
        self._doomed = self._respect_doomed()
        self._known = self._catalog.known(self._doomed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._abandon()
            self._threads.shutdown()
            self._lease.release()

    # --- files

    def put_file(self, path: Path) -> FileRef:
        """Keep a file.

        Raises:
            NotFound: There is no such file.
            Unavailable: It cannot be read, the store cannot be written, or the disk is full.
        """
        first = self.blocks.take()
        try:
            with open(path, "rb", buffering=0) as file:
                while not first.full and (more := file.readinto(first.view[first.end :])):
                    first.end += more
                if len(first.data) < WHOLE_BELOW:
                    return self._put_whole(bytes(first.data), _group(os.fspath(path)))
                first.hold()
                return put_open(self, self._threads, file, first, _group(os.fspath(path)))
        except FileNotFoundError:
            raise _no_file(path) from None
        except OSError as error:
            raise disk_failure(error, path) from error
        finally:
            first.drop()

    def put_bytes(self, data: bytes) -> FileRef:
        """Keep bytes as a file."""
        return self.put_stream((data,))

    def put_stream(self, chunks: Iterable[bytes]) -> FileRef:
        """Keep the concatenation of chunks as a file, in bounded memory."""
        start: list[bytes] = []
        size, rest = 0, iter(chunks)
        for chunk in rest:
            start.append(bytes(chunk))
            size += len(chunk)
            if size >= WHOLE_BELOW:
                return put_pieces(self, self._threads, chain((b"".join(start),), rest))
        return self._put_whole(b"".join(start), "")

    def put_files(self, paths: Iterable[Path | str]) -> Iterator[FileRef]:
        """Keep many files, small ones fast; yields their names in order. Errors as `put_file`."""
        buffer = bytearray(WHOLE_BELOW)
        view, blake3 = memoryview(buffer), self._blake3
        for each in paths:
            path = os.fspath(each)
            size = _read_into(path, buffer)
            if size == WHOLE_BELOW:
                yield self.put_file(Path(path))
                continue
            data = bytes(view[:size])
            digest = blake3(data).digest()
            if not self.knows(digest):
                self._add(digest, data, CHUNK, _group(path))
            yield FileRef(digest.hex(), size)

    def put_batch(self, batch: Batch, got: Got) -> list[bytes]:
        """Keep small files that were read together; their digests, an empty one for each that must be read again."""
        view = memoryview(bytes(got.data[: sum(row[0] for row in batch.rows)]))
        run, groups, prober = _Run(), _Groups(batch.folder), self._prober
        fresh, known = self._fresh, self._known
        digests = got.each()
        at = 0
        for digest, name, row in zip(digests, batch.names, batch.rows, strict=True):
            end = at + row[0]
            if not digest or digest in fresh or digest in known:
                self._add_run(run, view, end)
            else:
                codec, stored = prober.encode(view[at:end], groups[name.rpartition(".")[2]])
                if codec == RAW:
                    run.take(digest, row[0])
                    fresh.add(digest)
                else:
                    self._add_run(run, view, end)
                    self._append(digest, stored, row[0], CHUNK, codec)
            at = end
        self._add_run(run, view, at)
        return digests

    def put_chunks(self, block: Block, at: int, chunks: Iterable[memoryview], group: str) -> list[Piece]:
        """Keep chunks of a large file that lie one after another in a block, from `at` on; which they are."""
        run, encode, pieces = _Run(at), self._prober.encode, []
        fresh, known, blake3 = self._fresh, self._known, self._blake3
        for chunk in chunks:
            digest, size = blake3(chunk).digest(), len(chunk)
            pieces.append(Piece(digest, size))
            at += size
            if digest in fresh or digest in known:
                self._add_run(run, block.view, at, block)
                continue
            codec, stored = encode(chunk, group)
            if codec == RAW:
                run.take(digest, size)
                fresh.add(digest)
            else:
                self._add_run(run, block.view, at, block)
                self._append(digest, stored, size, CHUNK, codec)
        self._add_run(run, block.view, at, block)
        if self._open is not None:
            self._open.hand_over()  # the block is needed again
        return pieces

    def put_object(self, digest: bytes | None, data: bytes, kind: int) -> bytes:
        """Keep part of a chunk list, under its own digest or another; the digest."""
        digest = digest or self._blake3(data).digest()
        if not self.knows(digest):
            self._add(digest, data, kind, "lists")
        return digest

    # --- trees and commits

    def put_node(self, data: bytes) -> str:
        """Keep a tree node; its digest."""
        digest = self._blake3(data).digest()
        if not self.knows(digest):
            self._add(digest, data, NODE, "nodes")
        return digest.hex()

    def put_commit(self, commit: str, data: bytes) -> None:
        """Keep a commit, after everything put before it is durable."""
        self.flush()
        self._repository.blobs.put(commit_key(commit, self._repository.prefix), data)

    def knows(self, digest: bytes) -> bool:
        """Whether an object may be relied on: it is in a pack that stays, or was put by this writer."""
        return digest in self._fresh or digest in self._known

    def adopt(self, digest: bytes, frame: Frame, stored: bytes | memoryview) -> None:
        """Keep a frame of another pack as it is, also if it is known already."""
        if digest not in self._fresh:
            self._append(digest, stored, frame.raw, frame.kind, frame.codec)

    def flush(self) -> None:
        """Return when everything put so far is durable and findable.

        Raises:
            Conflict: The writer's lease was lost; put everything again.
            Unavailable: The store cannot be written, or the disk is full.
        """
        self._seal()
        while self._uploads:
            self._settle()
        self._lease.check()

    # --- parts

    def _put_whole(self, data: bytes, group: str) -> FileRef:
        digest = self._blake3(data).digest()
        if not self.knows(digest):
            self._add(digest, data, CHUNK, group)
        return FileRef(digest.hex(), len(data))

    def _add(self, digest: bytes, data: bytes | memoryview, kind: int, group: str) -> None:
        codec, stored = self._prober.encode(data, group)
        self._append(digest, stored, len(data), kind, codec)

    def _append(self, digest: bytes, stored: bytes | memoryview, raw: int, kind: int, codec: int) -> None:
        upload = self._open
        if upload is None or not upload.fits(len(stored)):
            self._seal()
            upload = self._open = self._begin()
        upload.add(digest, stored, raw, kind, codec)
        self._fresh.add(digest)
        self.stored_bytes += len(stored)

    def _add_run(self, run: _Run, view: memoryview, following: int, block: Block | None = None) -> None:
        """Append what a run has taken, and let it begin again at `following`."""
        at = run.start
        while run.digests:
            upload = self._open
            count = upload.fitting(run.sizes) if upload is not None else 0
            if upload is None or not count:
                self._seal()
                self._open = self._begin()
                continue
            digests, sizes = run.digests[:count], run.sizes[:count]
            size = sum(sizes)
            upload.add_raw(digests, sizes, view[at : at + size], CHUNK, block)
            self._fresh.update(digests)
            self.stored_bytes += size
            at += size
            del run.digests[:count], run.sizes[:count]
        run.begin(following)

    def _begin(self) -> Upload:
        while len(self._uploads) >= _UPLOADS:
            self._settle()
        return Upload(self._repository.blobs, self._repository.prefix, self._threads, self._catalog.add)

    def _seal(self) -> None:
        if self._open is not None:
            upload, self._open = self._open, None
            self._uploads.append(upload)
            upload.seal()

    def _settle(self) -> None:
        """Wait for the oldest pack; after the last, what they hold is found through the catalog."""
        upload = self._uploads.pop(0)
        upload.wait()
        if not self._uploads and self._open is None:
            self._known = self._catalog.known(self._doomed)
            self._fresh.clear()

    def _abandon(self) -> None:
        if self._open is not None:
            self._open.abandon()

    def _respect_doomed(self) -> frozenset[str]:
        """After the lease is visible: learn what is there, and what may go; see `leases`."""
        self._catalog.refresh()
        found = doomed.lists(self._repository.blobs, self._repository.prefix)
        if found:
            self._lease.saw(list(found))
        return doomed.packs(found)


class _Run:
    """Files of a batch, or chunks of a block, that lie one after another and are kept as they are."""

    def __init__(self, start: int = 0) -> None:
        self.begin(start)

    def begin(self, start: int) -> None:
        self.start = start
        self.digests: list[bytes] = []
        self.sizes: list[int] = []

    def take(self, digest: bytes, size: int) -> None:
        self.digests.append(digest)
        self.sizes.append(size)


class _Groups(dict[str, str]):
    """The prober's groups of one folder, by extension."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __missing__(self, extension: str) -> str:
        made = self[extension] = f"{self._folder}/{extension}"
        return made


def _read_into(path: str, buffer: bytearray) -> int:
    """Read a file's first bytes; how many there were."""
    try:
        descriptor = os.open(path, _READ)
        try:
            return _readinto(descriptor, buffer)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise _no_file(path) from None
    except OSError as error:
        raise disk_failure(error, path) from error


if hasattr(os, "readv"):

    def _readinto(descriptor: int, buffer: bytearray) -> int:
        return os.readv(descriptor, (buffer,))

else:

    def _readinto(descriptor: int, buffer: bytearray) -> int:
        data = os.read(descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _group(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.rpartition('.')[2]}"


def _no_file(path: Path | str) -> NotFound:
    return NotFound(f"There is no file {path}.", subject=f"file:{path}")
