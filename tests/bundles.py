"""Tiny bundles for tests of what happens to versions: a real manifest and files, but a graph that answers nothing.

Where a model has to answer, take `tests.serving.models`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fettle.packaging.bundle import Bundle, listing, store
from fettle.packaging.records import MODEL_FILE, Manifest

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore


@cache
def tiny(name: int | str) -> Bundle:
    """The bundle of a number or name: another one for each, the same each time; all share their one file."""
    files = {MODEL_FILE: b"no graph"}
    return Bundle(Manifest("binary", "class", "logistic", {"name": name}, 100, listing(files)), files)


def kept(blobs: BlobStore, name: int | str) -> str:
    """Keep the tiny bundle of a number or name; its digest."""
    return store(blobs, tiny(name))
