"""Repositories for tests: on a folder or on S3, with files and trees in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from fettle.core.clock import Clock
from fettle.data.engine import trees
from fettle.data.engine.repository import Repository
from fettle.data.engine.writer import Writer
from fettle.storage import open_blobs


def repository(folder: Path, *, clock: Clock | None = None, name: str = "store") -> Repository:
    """A repository in a folder, with a cache of its own."""
    return Repository(open_blobs(folder / name), folder / f"{name}-cache", clock=clock)


def reopened(found: Repository, *, cache: Path | None = None) -> Repository:
    """The same repository as another process sees it."""
    return Repository(found.blobs, cache or found.cache, found.prefix, clock=found.clock)


def noise(size: int, seed: int = 0) -> bytes:
    """Random bytes, the same every time."""
    return random.Random(f"{seed}/{size}").randbytes(size)


def put_tree(writer: Writer, files: dict[str, bytes]) -> str:
    """Keep files, and a tree of them; its root."""
    entries = []
    for path in sorted(files, key=str.encode):
        ref = writer.put_bytes(files[path])
        entries.append(trees.Entry(path, ref.digest, ref.size_bytes, 0o644))
    return trees.build(entries, writer.put_node)


def stored_tree(found: Repository, files: dict[str, bytes], then: Callable[[str], None] | None = None) -> str:
    """Keep a tree with a writer of its own; `then` is called with the root before the writer is closed."""
    with found.writer() as writer:
        root = put_tree(writer, files)
        writer.flush()
        if then is not None:
            then(root)
    return root


def read_tree(found: Repository, root: str) -> dict[str, bytes]:
    """All files of a tree."""
    return {entry.path: found.read(entry.digest) for entry in trees.entries(root, found.node)}


def packs_of(found: Repository) -> list[str]:
    """The ids of the packs in the store."""
    return [
        info.key.rpartition("/")[2].removesuffix(".pack")
        for info in found.blobs.list(f"{found.prefix}packs/")
    ]
