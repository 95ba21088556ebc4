"""Stored files as files of the local cache, fetched once and held to their digests once a process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.data.records.versions import Part
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface

_checked: dict[str, tuple[int, int]] = {}
"""Files of the cache that this process held to their digests, with their size and time of change then."""


def cached(ws: Surface, part: Part) -> Path:
    """A part of a table as a file of the local cache."""
    path = ws.folder / "cache" / "parts" / part.digest[:2] / f"{part.digest}.parquet"
    return fetched(ws, part.digest, part.size_bytes, path)


def cached_file(ws: Surface, digest: str, size_bytes: int, name: str) -> Path:
    """A stored file as a file of the local cache, under its own name, by whose ending readers know its format."""
    return fetched(ws, digest, size_bytes, ws.folder / "cache" / "files" / digest / name)


def fetched(ws: Surface, digest: str, size_bytes: int, path: Path) -> Path:
    """A stored file at this place, fetched unless it is there unharmed.

    Raises:
        Unavailable: What is stored is damaged.
    """
    if not _sound(path, digest, size_bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        repository(ws).fetch(digest, path)
    return path


def _sound(path: Path, digest: str, size_bytes: int) -> bool:
    """Whether a file of the cache is what it is named for: caches are not forced to the disk, and disks err."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    state = (found.st_size, found.st_mtime_ns)
    if _checked.get(str(path)) != state:
        if found.st_size != size_bytes or ids.digest_file(path) != digest:
            return False
        _checked[str(path)] = state
    return True
