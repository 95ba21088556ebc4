"""Commit tables and trees of files as versions, and load any version again.

A version is a tree of files kept by the versioning engine, and a commit that names its root. What is the same is kept
once, also inside files. Processes that commit at once all succeed, one after the other: the branch is moved by
compare-and-set, and the one that was slower appends to, or merges with, what it finds then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.data.versions.cache import cached as cached
    from fettle.data.versions.contention import Clashed as Clashed
    from fettle.data.versions.contention import Elsewhere as Elsewhere
    from fettle.data.versions.descriptions import keep as keep
    from fettle.data.versions.descriptions import profile_of as profile_of
    from fettle.data.versions.descriptions import set_schema as set_schema
    from fettle.data.versions.fitting import timed as timed
    from fettle.data.versions.frames import commit_frame as commit_frame
    from fettle.data.versions.reading import cast as cast
    from fettle.data.versions.reading import frame as frame
    from fettle.data.versions.reading import load as load
    from fettle.data.versions.reading import scan as scan
    from fettle.data.versions.references import head_of as head_of
    from fettle.data.versions.references import resolve as resolve
    from fettle.data.versions.trees import commit_tree as commit_tree
    from fettle.data.versions.trees import tree_of as tree_of

_MODULES = {
    "cached": ".cache",
    "Clashed": ".contention",
    "Elsewhere": ".contention",
    "keep": ".descriptions",
    "profile_of": ".descriptions",
    "set_schema": ".descriptions",
    "timed": ".fitting",
    "commit_frame": ".frames",
    "cast": ".reading",
    "frame": ".reading",
    "load": ".reading",
    "scan": ".reading",
    "head_of": ".references",
    "resolve": ".references",
    "commit_tree": ".trees",
    "tree_of": ".trees",
}

__all__ = [
    "Clashed",
    "Elsewhere",
    "cached",
    "cast",
    "commit_frame",
    "commit_tree",
    "frame",
    "head_of",
    "keep",
    "load",
    "profile_of",
    "resolve",
    "scan",
    "set_schema",
    "timed",
    "tree_of",
]

__getattr__, __dir__ = lazy_exports(__name__, _MODULES)
