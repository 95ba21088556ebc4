"""The repository: files, tree nodes and commits by their digests, on any blob store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.clock import Clock, SystemClock
from fettle.core.errors import Conflict, NotFound
from fettle.data.engine import leases
from fettle.data.engine.catalog import Catalog
from fettle.data.engine.external import External
from fettle.data.engine.fetching import Fetcher, Placed, Step, Wish
from fettle.data.engine.format import (
    LIST,
    FileRef,
    binary,
    checked,
    commit_key,
    format_bytes,
    parse_format,
)
from fettle.data.engine.frames import FrameReader
from fettle.data.engine.lists import decode_list
from fettle.data.engine.reading import Reader
from fettle.storage.objects import get_object, object_key
from fettle.storage.ports import BlobStore

if TYPE_CHECKING:
    from fettle.data.engine.writer import Writer

__all__ = ["FileRef", "Repository"]


class Repository:
    """Content-addressed files and trees in packs; safe to share between threads.

    Files that older workspaces keep as `objects/ab/…` in the same store are found too, and those that are kept by
    reference (see `external`) are read from where they lie.

    Args:
        blobs: Where everything is kept: a folder, S3, or a server.
        cache: A local folder for copies of indexes; it may be deleted at any time.
        prefix: Of all keys of the repository in the store.
        clock: For the times in leases.
    """

    def __init__(
        self, blobs: BlobStore, cache: Path, prefix: str = "data/", *, clock: Clock | None = None
    ) -> None:
        self.blobs, self.prefix, self.clock = blobs, prefix, clock or SystemClock()
        self.cache = cache
        self.catalog = Catalog(blobs, cache, prefix)
        self.frames = FrameReader(blobs, prefix)
        self.reader = Reader(self.catalog, self.frames)
        self.external = External(blobs, prefix)
        self.explain: Callable[[str], NotFound | None] | None = None
        """Asked about what is not here, by its digest: a better error than that it is not here, or None."""
        self._guard = threading.Lock()
        self._known = False

    # --- writing

    def writer(self, *, hold: str = "") -> Writer:
        """Open a writer; gc respects what it relies on until it is closed.

        Move the branch inside the block: what was written is unreferenced until then, and protected by the writer.

        Args:
            hold: What is being done, in words; shown where gc waits for it.
        """
        from fettle.data.engine.writer import Writer

        self.prepare(write=True)
        return Writer(self, hold)

    def hold(self, name: str, roots: Iterable[str]) -> None:
        """Keep the trees of these roots from gc, in place of what was held under the name before.

        Call it inside the block of the writer that wrote them.
        """
        self.prepare(write=True)
        leases.hold(
            self.blobs, self.prefix, name, [checked(root) for root in roots if root], self.clock.now()
        )

    def release(self, name: str) -> None:
        """Let go of what is held under a name; nothing happens if that is nothing."""
        leases.let_go(self.blobs, self.prefix, name)

    # --- reading

    def has(self, digest: str) -> bool:
        """Whether a file is kept here, or by reference."""
        return self.stores(digest) or bool(self.external.find(binary(digest)))

    def stores(self, digest: str) -> bool:
        """Whether a file's bytes are in this store."""
        self.prepare()
        return self.catalog.find_new(binary(digest)) is not None or self._loose(digest) is not None

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests that no pack has; packs are listed once."""
        self.prepare()
        self.catalog.refresh()
        return {each for each in digests if self.catalog.find(binary(each)) is None}

    def size_of(self, digest: str) -> int:
        """The length of a file in bytes; errors as `read`."""
        self.prepare()
        frame = self.catalog.find_new(binary(digest))
        if frame is not None and frame.kind != LIST:
            return frame.raw
        if frame is not None:
            return decode_list(self._object(digest)[0]).size
        size = self._loose(digest)
        if size is not None:
            return size
        found = self.external.find(binary(digest))
        if not found:
            raise self._missing(digest)
        return found[0].row.size_bytes

    def read(self, digest: str, start: int = 0, end: int | None = None) -> bytes:
        """A file's bytes from `start` up to, not including, `end`; only what is needed is fetched.

        Raises:
            NotFound: It is not kept here.
            Unavailable: The store cannot be reached, or what it has is damaged.
        """
        return b"".join(self.slices(digest, start, end))

    def stream(self, digest: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece, each verified; errors as `read`."""
        return (bytes(each) for each in self.slices(digest))

    def slices(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes | memoryview]:
        """As `read`, in verified pieces of at most a chunk (256 KiB), without copies."""
        self.prepare()
        start = max(start, 0)
        if self.catalog.find_new(binary(digest)) is None:
            yield from self._outside(digest, start, end)
            return
        data, is_list = self._object(digest)
        if not is_list:
            yield data[start:end]
            return
        found = decode_list(data)
        yield from self.reader.slices(found, start, found.size if end is None else min(end, found.size))

    def fetch(self, digest: str, path: Path, mode: int = 0o644) -> None:
        """Copy a file out; it appears at `path` whole and right or not at all. Errors as `read`.

        It is not forced to the disk: a checkout can be repeated.

        Args:
            mode: Permissions; `0o120000` makes a symbolic link to what the file's bytes say.
        """
        self.fetch_many([(digest, path, mode)])

    def fetch_many(
        self, wishes: Iterable[Wish], *, step: Step | None = None, placed: Placed | None = None
    ) -> None:
        """Copy many files out, each as by `fetch`, in the order in which they lie in packs: the fast lane of checkout.

        Args:
            wishes: Digest, path and mode of each.
            step: Called now and then with how many files were done since.
            placed: See `Fetcher.fetch`.
        """
        self.prepare()
        Fetcher(self.catalog, self.frames, self.reader, self._fetch_large).fetch(
            wishes, step or _nothing, placed
        )

    def node(self, digest: str) -> bytes:
        """A tree node's bytes, verified.

        Raises:
            NotFound: It is not kept here.
            Unavailable: It is damaged, or the store cannot be reached.
        """
        self.prepare()
        data, is_list = self._object(digest)
        return self.read(digest) if is_list else data

    def commit_bytes(self, commit: str) -> bytes:
        """The canonical JSON of a commit.

        Raises:
            NotFound: There is no such commit here.
        """
        try:
            return self.blobs.get(commit_key(commit, self.prefix))
        except NotFound:
            raise NotFound(f"There is no commit {commit[:12]}….", subject=f"commit:{commit}") from None

    # --- parts

    def _fetch_large(self, digest: str, path: str, mode: int) -> None:
        from fettle.data.engine.assembling import fetch_large

        fetch_large(self, digest, path, mode)

    def _object(self, digest: str) -> tuple[bytes, bool]:
        found = self.reader.object(binary(digest))
        if found is None:
            raise self._missing(digest)
        return found

    def _loose(self, digest: str) -> int | None:
        info = self.blobs.info(object_key(digest))
        return info.size_bytes if info else None

    def _outside(self, digest: str, start: int, end: int | None) -> Iterator[bytes]:
        """A file that no pack has."""
        if self._loose(digest) is not None:
            yield get_object(self.blobs, digest)[start:end]
        elif self.external.find(binary(digest)):
            yield from self.external.slices(digest, start, end)
        else:
            raise self._missing(digest)

    def _missing(self, digest: str) -> NotFound:
        return (self.explain(digest) if self.explain else None) or not_here(digest)

    def prepare(self, *, write: bool = False) -> None:
        """Read `format.json` once, and write it if the store is new."""
        if self._known:
            return
        key = f"{self.prefix}format.json"
        with self._guard:
            try:
                parse_format(self.blobs.get(key))
            except NotFound:
                if not write:
                    return
                try:
                    self.blobs.put(key, format_bytes(), create=True)
                except Conflict:
                    parse_format(self.blobs.get(key))
            self._known = True


def _nothing(_done: int) -> None:
    return None


def not_here(digest: str) -> NotFound:
    """The error for something that is not in a store."""
    return NotFound(
        f"There is no file or tree {digest[:12]}… in this data store.",
        hint="Was it made elsewhere and not pushed, or removed by gc?",
        subject=f"object:{digest}",
    )
