"""Trees of files: which bytes lie at which path, as nodes that are named by their content.

A tree of a million files has three levels; a change of one file makes three new nodes, and two trees are compared by
reading the nodes in which they differ. Files are in the order of their paths' bytes, and where nodes end depends on
the paths alone (see `cuts`): equal files, equal root, however they came together.

    root = build(sorted_entries, writer.put_node)
    root = edit(root, [("images/cat.png", None)], repository.node, writer.put_node)
    list(diff(before, root, repository.node))
"""

from __future__ import annotations

from fettle.data.engine.cuts import Put, keep_nothing
from fettle.data.engine.nodes import EXECUTABLE, FILE, SYMLINK, Entry, contents, path_bytes, path_text, stray
from fettle.data.engine.tree_build import build, edit
from fettle.data.engine.tree_diff import Change, diff
from fettle.data.engine.tree_merge import Conflict, merge
from fettle.data.engine.tree_read import EMPTY, Folder, Node, entries, find, listing, nodes, stats

__all__ = [
    "EMPTY",
    "EXECUTABLE",
    "FILE",
    "SYMLINK",
    "Change",
    "Conflict",
    "Entry",
    "Folder",
    "Node",
    "Put",
    "build",
    "contents",
    "diff",
    "edit",
    "entries",
    "find",
    "keep_nothing",
    "listing",
    "merge",
    "nodes",
    "path_bytes",
    "path_text",
    "stats",
    "stray",
]
