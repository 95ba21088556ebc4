"""Which pack holds what: the indexes of all packs, kept in a local folder, and looked up together.

Indexes never change, so a copy is good for ever; which packs there are is asked again when something is missing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from fettle.core.errors import NotFound, Unavailable
from fettle.data.engine import indexes, merged
from fettle.data.engine.format import Frame, index_key
from fettle.data.engine.indexes import Table
from fettle.storage.ports import BlobStore

_FETCHERS = 8
_MOST_SINGLE = 32
_LARGE_ROWS = 1 << 20
_STALE = 0.25


class Catalog:
    """The frames of a repository; safe to share between threads.

    Args:
        blobs: The store.
        cache: A local folder for copies of indexes; it may be deleted at any time.
        prefix: Of the repository in the store.
    """

    def __init__(self, blobs: BlobStore, cache: Path, prefix: str) -> None:
        self._blobs, self._prefix = blobs, prefix
        self._folder = cache / "index"
        self._near = hasattr(blobs, "read_into")
        self._guard = threading.Lock()
        self._single: dict[str, Table] = {}
        self._merged: dict[Path, Table] = {}
        self._tables: tuple[Table, ...] = ()
        self._last: Table | None = None
        self._there: frozenset[str] = frozenset()
        self._loaded = False
        self.damaged: dict[str, Unavailable] = {}

    @property
    def packs(self) -> list[str]:
        """The packs known, sorted."""
        return sorted(self._there)

    def __contains__(self, pack: str) -> bool:
        return pack in self._there

    def refresh(self) -> None:
        """Learn which packs there are now: load new indexes, forget those that are gone."""
        with self._guard:
            folder = f"{self._prefix}index/"
            found = [
                info.key[len(folder) : -4] for info in self._blobs.list(folder) if info.key.endswith(".idx")
            ]
            there = set(found)
            if not self._loaded:
                self._load_merged()
            self._drop_stale(there)
            known = self._single.keys() | {pack for table in self._merged.values() for pack in table.packs}
            for gone in known - there:
                self._single.pop(gone, None)
                self._copy(gone).unlink(missing_ok=True)
            self._single.update(self._load_all([pack for pack in found if pack not in known]))
            if len(self._single) > _MOST_SINGLE:
                self._merge()
            self._publish(there)

    def add(self, pack: str, data: bytes) -> None:
        """Know a pack that was just written, by its index."""
        table = indexes.parse(data, pack)
        self._keep(pack, data)
        with self._guard:
            if self._loaded:
                self._single[pack] = table
                self._publish({*self._there, pack})

    def find(self, digest: bytes, without: Collection[str] = ()) -> Frame | None:
        """Where an object lies, in any pack but those `without`; None if no known pack has it."""
        if not self._loaded:
            self.refresh()
        last = self._last  # what lies in one pack is mostly asked for together
        frame = last.find(digest) if last is not None else None
        if frame is not None and frame.pack in self._there and frame.pack not in without:
            return frame
        for table in self._tables:
            frame = table.find(digest)
            if frame is None:
                continue
            if frame.pack in self._there and frame.pack not in without:
                self._last = table
                return frame
            for frame in table.find_all(digest):
                if frame.pack in self._there and frame.pack not in without:
                    return frame
        return None

    def find_all(self, digest: bytes) -> Iterator[Frame]:
        """Every frame of an object."""
        for table in self._tables:
            for frame in table.find_all(digest):
                if frame.pack in self._there:
                    yield frame

    def find_new(self, digest: bytes) -> Frame | None:
        """As `find`, but looks for new packs before it gives up."""
        frame = self.find(digest)
        if frame is None:
            self.refresh()
            frame = self.find(digest)
        return frame

    def known(self, without: Collection[str] = ()) -> Known:
        """What all packs but those `without` hold at this moment, for many questions."""
        if not self._loaded:
            self.refresh()
        return Known(self._tables, self._there.difference(without))

    def rows(self, pack: str) -> Iterator[tuple[bytes, Frame]]:
        """Digest and frame of everything in a pack; nothing if it went."""
        table = self._single.get(pack) or self._load(pack)
        return table.rows() if table is not None else iter(())

    def count(self) -> int:
        """How many frames there are, in all packs."""
        return sum(table.count for table in self._tables)

    # --- loading

    def _publish(self, there: set[str]) -> None:
        """Let readers see the present state; they never wait."""
        loaded = self._single.keys() | {pack for table in self._merged.values() for pack in table.packs}
        self._there = frozenset(there & loaded)
        tables = (*self._single.values(), *self._merged.values())
        self._last = None
        self._tables = tuple(sorted(tables, key=lambda table: -table.count))  # the likeliest first
        self._loaded = True

    def _load_all(self, packs: list[str]) -> dict[str, Table]:
        if len(packs) <= 2 or self._near:
            loaded = [self._load(pack) for pack in packs]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(_FETCHERS) as threads:
                loaded = list(threads.map(self._load, packs))
        return {pack: table for pack, table in zip(packs, loaded, strict=True) if table is not None}

    def _load(self, pack: str) -> Table | None:
        """The table of a pack; None if it was deleted meanwhile, or is damaged (which is remembered)."""
        with contextlib.suppress(OSError, Unavailable):
            return indexes.parse(self._copy(pack).read_bytes(), pack)
        try:
            data = self._blobs.get(index_key(pack, self._prefix))
            table = indexes.parse(data, pack)
        except NotFound:
            return None
        except Unavailable as error:
            if error.subject != f"pack:{pack}":
                raise
            self.damaged[pack] = error
            return None
        self._keep(pack, data)
        return table

    # --- merging

    def _load_merged(self) -> None:
        for path in sorted(self._folder.glob(f"*{merged.SUFFIX}")):
            with contextlib.suppress(OSError, Unavailable):
                table = merged.read(path)
                if table is not None:
                    self._merged[path] = table

    def _drop_stale(self, there: set[str]) -> None:
        """Forget merged tables of which much is gone, or that repeat others."""
        seen: set[str] = set()
        for path, table in list(self._merged.items()):
            fresh = set(table.packs) & there - seen
            if len(fresh) < (1 - _STALE) * len(table.packs):
                del self._merged[path]
                with contextlib.suppress(OSError):
                    path.unlink()
            seen |= fresh

    def _merge(self) -> None:
        """Put single tables, and merged ones that are still small, together; a cache that cannot be written stays."""
        small = {path: table for path, table in self._merged.items() if table.count < _LARGE_ROWS}
        tables = [*self._single.values(), *small.values()]
        if sum(len(table.packs) for table in tables) > merged.MOST_PACKS:
            tables, small = list(self._single.values()), {}
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            path = merged.write(self._folder, tables)
            table = merged.read(path)
            if table is None:
                return
            self._merged = {each: kept for each, kept in self._merged.items() if each not in small}
            self._merged[path] = table
            self._single = {}
            for each in small:
                each.unlink(missing_ok=True)

    # --- local copies

    def _copy(self, pack: str) -> Path:
        return self._folder / f"{pack}.idx"

    def _keep(self, pack: str, data: bytes) -> None:
        """Save a local copy; a cache that cannot be written costs speed only."""
        partial = self._folder / f".{pack}.{os.urandom(4).hex()}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(self._copy(pack))


class Known:
    """What some packs hold, asked one digest after another. Belongs to one thread.

    What lies in one pack is mostly asked for together, so the pack that answered last is asked first.
    """

    def __init__(self, tables: Collection[Table], packs: frozenset[str]) -> None:
        self._tables = [table for table in tables if not packs.isdisjoint(table.packs)]
        self._packs = packs

    def __contains__(self, digest: bytes) -> bool:
        for place, table in enumerate(self._tables):
            frame = table.find(digest)
            if frame is None:
                continue
            if frame.pack in self._packs or any(each.pack in self._packs for each in table.find_all(digest)):
                if place:
                    self._tables.insert(0, self._tables.pop(place))
                return True
        return False
