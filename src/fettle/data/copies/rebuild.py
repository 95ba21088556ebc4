"""Make an index anew from the staged tree; what an older index knows of the same bytes is kept."""

from __future__ import annotations

import re

from fettle.data.copies.places import Copy
from fettle.data.copies.scan import load
from fettle.data.engine import index as indexes
from fettle.data.engine import trees
from fettle.data.engine.ignore import glob_pattern
from fettle.data.engine.index import Block, Index
from fettle.data.engine.walk import Row

Files = dict[str, dict[str, tuple[Row, bytes]]]
"""Folder → name → what the disk said, and the digest."""


def index_of(copy: Copy, node: trees.Node) -> Index:
    """The index of the copy's staged tree, from its file or made anew."""
    return load(copy) or rebuilt(copy, node)


def rebuilt(copy: Copy, node: trees.Node) -> Index:
    """Make the index of the staged tree; files of which nothing is known are read at the next look."""
    old = indexes.read(copy.index_file)
    known = {folder: block.files() for folder, block in old.blocks.items()} if old else {}
    chosen = selection(copy.state.globs)
    folders: Files = {}
    for entry in trees.entries(copy.state.staged, node):
        if chosen is None or chosen.fullmatch(entry.path):
            folder, _, name = entry.path.rpartition("/")
            before = known.get(folder, {}).get(name)
            same = before is not None and before[1].hex() == entry.digest
            folders.setdefault(folder, {})[name] = before if same and before else indexes.unread(entry)
    return Index(copy.state.staged, blocks_of(folders))


def blocks_of(folders: Files) -> dict[str, Block]:
    """The blocks of these files; folders without files have none."""
    return {folder: Block.of(files) for folder, files in folders.items() if files}


def selection(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    """The paths that a sparse copy has; None if it has all."""
    return glob_pattern(globs) if globs else None
