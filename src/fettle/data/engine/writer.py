"""The writer: files and nodes into packs, without storing anything twice."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from fettle.core.errors import NotFound
from fettle.data.engine import doomed
from fettle.data.engine.chunks import cut
from fettle.data.engine.codecs import Prober
from fettle.data.engine.format import CHUNK, LIST, NODE, RAW, SEGMENT, WHOLE_BELOW, FileRef, Frame, commit_key
from fettle.data.engine.leases import writing
from fettle.data.engine.lists import ChunkList, Piece, Segment, encode_list, encode_segment, ends_segment
from fettle.data.engine.uploads import Upload
from fettle.storage.disks import disk_failure

if TYPE_CHECKING:
    from fettle.data.engine.bulk import Batch, Got
    from fettle.data.engine.repository import Repository

_BLOCK_BYTES = 4 << 20
_BLOCKS_AHEAD = 2
_UPLOADS = 2
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Writer:
    """Puts files and nodes into packs. Use it as a context, in one thread.

    When the block ends everything is durable and findable; if it ends with an exception, what was put may be there or
    not, and nothing refers to it. `flush` gives the same assurance in between.

    Attributes:
        stored_bytes: Bytes of new frames, as stored: what this writer added to the packs.
    """

    def __init__(self, repository: Repository, what: str) -> None:
        from blake3 import blake3

        self.stored_bytes = 0
        self._blake3 = blake3
        self._repository = repository
        self._catalog = repository.catalog
        self._threads = ThreadPoolExecutor(_UPLOADS + 2, thread_name_prefix="data writer")
        self._prober = Prober()
        self._uploads: list[Upload] = []
        self._open: Upload | None = None
        self._fresh: set[bytes] = set()  # digests of frames in packs that are on their way
        self._lease = writing(repository.blobs, repository.prefix, what, repository.clock)
        self._doomed = self._respect_doomed()

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
        try:
            with open(path, "rb", buffering=0) as file:
                start = file.read(WHOLE_BELOW)
                while 0 < len(start) < WHOLE_BELOW and (more := file.read(WHOLE_BELOW)):
                    start += more
                if len(start) < WHOLE_BELOW:
                    return self._put_whole(start, _group(os.fspath(path)))
                return self._put_read(file, start, os.fspath(path))
        except FileNotFoundError:
            raise _no_file(path) from None
        except OSError as error:
            raise disk_failure(error, path) from error

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
                return self._put_pieces(chain((b"".join(start),), rest), "")
        return self._put_whole(b"".join(start), "")

    def put_files(self, paths: Iterable[Path | str]) -> Iterator[FileRef]:
        """Keep many files, small ones fast; yields their names in order. Errors as `put_file`."""
        buffer = bytearray(WHOLE_BELOW)
        view, find, blake3 = memoryview(buffer), self._catalog.find, self._blake3
        for each in paths:
            path = os.fspath(each)
            size = _read_into(path, buffer)
            if size == WHOLE_BELOW:
                yield self.put_file(Path(path))
                continue
            data = bytes(view[:size])
            digest = blake3(data).digest()
            if digest not in self._fresh and find(digest, self._doomed) is None:
                self._add(digest, data, CHUNK, _group(path))
            yield FileRef(digest.hex(), size)

    def put_batch(self, batch: Batch, got: Got) -> list[bytes]:
        """Keep small files that were read together; their digests, an empty one for each that must be read again."""
        view = memoryview(bytes(got.data[: sum(row[0] for row in batch.rows)]))
        run, groups, prober = _Run(), _Groups(batch.folder), self._prober
        fresh, find, doomed_packs = self._fresh, self._catalog.find, self._doomed
        digests = got.each()
        at = 0
        for digest, name, row in zip(digests, batch.names, batch.rows, strict=True):
            end = at + row[0]
            if not digest or digest in fresh or find(digest, doomed_packs) is not None:
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
        return digest in self._fresh or self._catalog.find(digest, self._doomed) is not None

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

    def _put_read(self, file: BinaryIO, start: bytes, group: str) -> FileRef:
        """Store an open file: another thread reads and hashes the whole, this one cuts and stores."""
        blocks = queue.Queue(_BLOCKS_AHEAD)
        whole = self._threads.submit(_read_all, file, start, blocks)
        ahead = iter(blocks.get, None)
        try:
            return self._put_cut(ahead, whole.result, group)
        finally:
            for _ in ahead:  # it failed: the reader must not wait for room
                pass

    def _put_pieces(self, pieces: Iterable[bytes], group: str) -> FileRef:
        """Store a stream: this thread takes its pieces, cuts and stores, another hashes the whole."""
        fork = queue.Queue(_BLOCKS_AHEAD)
        whole = self._threads.submit(_hash_all, fork)
        try:
            return self._put_cut(_forked(pieces, fork), whole.result, group)
        finally:
            fork.put(None)

    def _put_cut(self, blocks: Iterable[bytes], whole: Callable[[], bytes], group: str) -> FileRef:
        """Cut and store; `whole` gives the file's digest once all blocks were taken."""
        size, segments, pieces = 0, [], []
        for chunk in cut(blocks):
            digest = self._blake3(chunk).digest()
            if not self.knows(digest):
                self._add(digest, chunk, CHUNK, group)
            pieces.append(Piece(digest, len(chunk)))
            size += len(chunk)
            if ends_segment(digest, len(pieces)):
                segments.append(self._put_segment(pieces))
                pieces = []
        if pieces:
            segments.append(self._put_segment(pieces))
        digest = whole()
        if not self.knows(digest):
            self._add(digest, encode_list(ChunkList(size, segments)), LIST, "lists")
        return FileRef(digest.hex(), size)

    def _put_segment(self, pieces: list[Piece]) -> Segment:
        data = encode_segment(pieces)
        digest = self._blake3(data).digest()
        if not self.knows(digest):
            self._add(digest, data, SEGMENT, "lists")
        return Segment(digest, sum(piece.size for piece in pieces), len(pieces))

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

    def _add_run(self, run: _Run, view: memoryview, following: int) -> None:
        """Append what a run has taken, and let it begin again at `following`."""
        if run.digests:
            size = sum(run.sizes)
            upload = self._open
            if upload is None or not upload.fits(size, len(run.digests)):
                self._seal()
                upload = self._open = self._begin()
            upload.add_raw(run.digests, run.sizes, view[run.start : run.start + size], CHUNK)
            self._fresh.update(run.digests)
            self.stored_bytes += size
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
        """Wait for the oldest pack; what it holds is found through the catalog from now on."""
        upload = self._uploads.pop(0)
        upload.wait()
        if not self._uploads and self._open is None:
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
    """Files of a batch that lie one after another and are kept as they are."""

    def __init__(self) -> None:
        self.begin(0)

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


def _hash_all(blocks: queue.Queue[bytes | None]) -> bytes:
    from blake3 import blake3

    hasher = blake3()
    while (block := blocks.get()) is not None:
        hasher.update(block)
    return hasher.digest()


def _read_all(file: BinaryIO, start: bytes, blocks: queue.Queue[bytes | None]) -> bytes:
    """Read on from `start`, hand the blocks over, and hash them."""
    from blake3 import blake3

    hasher = blake3(start)
    try:
        blocks.put(start)
        while block := file.read(_BLOCK_BYTES):
            blocks.put(block)
            hasher.update(block)
    finally:
        blocks.put(None)
    return hasher.digest()


def _forked(blocks: Iterable[bytes], fork: queue.Queue[bytes | None]) -> Iterator[bytes]:
    for block in blocks:
        fork.put(block)
        yield block
    fork.put(None)


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
