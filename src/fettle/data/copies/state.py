"""What a working copy is a copy of: a few words in a file, written durably; everything else can be made anew from them.

The words are divided by NUL, for paths may hold anything else. A tuple and not a `msgspec.Struct`: `fettle data
status` reads this before anything heavy is imported.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from fettle.core.errors import Unavailable

_MAGIC = "fettle working copy 1"
_SEVERAL = ("globs",)


class State(NamedTuple):
    """A working copy as it was last written down.

    Attributes:
        root: The folder, relative to the project's where it is inside.
        only: The one file in it that is the copy; empty for the whole folder.
        dataset: What it is a copy of.
        branch: Where its commits go.
        uid: A name that no other copy has, on any machine.
        base: The commit it was made from; empty before the first.
        base_tree: The tree of that commit.
        staged: The tree that a commit would commit.
        globs: Which part of the tree lies in the folder; empty: all of it.
        pending: The tree that is being checked out; empty if none is.
        linked: Whether its files are links into the cache.
    """

    root: str
    only: str = ""
    dataset: str = ""
    branch: str = "main"
    uid: str = ""
    base: str = ""
    base_tree: str = ""
    staged: str = ""
    globs: tuple[str, ...] = ()
    pending: str = ""
    linked: str = ""


def encode(state: State) -> bytes:
    """The bytes of a state's file."""
    words = [_MAGIC]
    for name, value in state._asdict().items():
        for each in value if name in _SEVERAL else (value,):
            words += (name, each)
    return os.fsencode("\0".join(words))


def decode(data: bytes) -> State | None:
    """The state of its bytes; None if they are no state."""
    magic, *words = os.fsdecode(data).split("\0")
    if magic != _MAGIC or len(words) % 2:
        return None
    fields: dict[str, str] = {}
    globs: list[str] = []
    for name, value in zip(words[::2], words[1::2], strict=True):
        if name in _SEVERAL:
            globs.append(value)
        elif name in State._fields:
            fields[name] = value
    return State(globs=tuple(globs), **fields) if "root" in fields else None  # type: ignore[arg-type]  # all others are texts


def read(path: str) -> State | None:
    """The state kept in a file; None if there is none.

    Raises:
        Unavailable: The file is damaged.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = decode(data)
    if found is None:
        raise Unavailable(
            f"What is known of a working copy cannot be read: {path}.",
            found=f"{len(data)} bytes that are no state",
            hint="Remove the folder it lies in; then `fettle data add` or `checkout` makes it anew.",
        )
    return found
