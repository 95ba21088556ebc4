"""Reference profiles in the blobs, by digest."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fettle.core.canonical import decode, encode
from fettle.data.bins import ReferenceProfile
from fettle.storage.objects import get_object, put_object

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore


def keep(blobs: BlobStore, profile: ReferenceProfile) -> str:
    """Store a profile; return its digest."""
    return put_object(blobs, encode(profile))


@lru_cache(maxsize=64)
def load(blobs: BlobStore, digest: str) -> ReferenceProfile:
    """Read a profile back; a digest never changes its content, so it is read once a process."""
    return decode(get_object(blobs, digest), ReferenceProfile)
