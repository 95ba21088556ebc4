"""The cache that linked checkouts share: bounded, the files that were linked longest ago go first."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fettle.acts import Surface

GIB = 1 << 30
YOUNG_S = 3600.0
"""What was put there or linked since may be in somebody's hands."""


class Evicted(NamedTuple):
    """What was taken out of the cache: files, and bytes that the disk has again."""

    files: int = 0
    bytes: int = 0


class _Kept(NamedTuple):
    """A file that only the cache has; `used` is when a link to it was last made or removed, in seconds since 1970."""

    used: float
    size: int
    path: str


def bound(
    ws: Surface, *, most_bytes: int | None = None, young_s: float = YOUNG_S, dry: bool = False
) -> Evicted:
    """Keep what only the cache has below a size; files that folders link to cost nothing and stay.

    Args:
        ws: The workspace.
        most_bytes: In bytes; None: the setting `data.link_cache`.
        young_s: Files that were linked within so many seconds stay in any case.
        dry: Only tell.
    """
    most = _setting(ws) if most_bytes is None else most_bytes
    kept = sorted(_alone(ws.folder / "cache" / "data" / "whole"))
    over = sum(each.size for each in kept) - most
    until = time.time() - young_s
    files = freed = 0
    for each in kept:
        if over - freed <= 0 or each.used > until:
            break
        if not dry:
            Path(each.path).unlink(missing_ok=True)
        files, freed = files + 1, freed + each.size
    return Evicted(files, freed)


def _alone(folder: Path) -> Iterator[_Kept]:
    """The files that have no other name on the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with suppress(FileNotFoundError):  # another gc was faster
                facts = os.lstat(path)
                if facts.st_nlink == 1:
                    yield _Kept(facts.st_ctime, facts.st_size, path)


def _setting(ws: Surface) -> int:
    from fettle.core.config import Settings

    here = Path.cwd()
    folder = here if (here / "fettle.toml").is_file() else ws.folder.parent
    return int(Settings.read(folder)["data.link_cache"]) * GIB
