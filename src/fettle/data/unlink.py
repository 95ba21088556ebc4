"""Forget a working copy: nothing links the folder to a dataset any more, and everything in it stays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, Invalid
from fettle.data.copies.locking import locked
from fettle.data.copies.places import Copy, copy_of, whole_path
from fettle.data.copies.pointers import pointer_path
from fettle.data.copies.restore import Restorations, Restored
from fettle.data.copies.status import status_of
from fettle.data.engine.walk import shown

if TYPE_CHECKING:
    from fettle.acts import Surface

_MOST_NAMED = 10


class Forgotten(Restored, frozen=True):
    """A working copy that is none any more.

    Attributes:
        dataset: What it was linked to; its versions stay.
        left: What git or the user has to see to, in words.
    """

    dataset: str = ""
    left: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For a person."""
        return [
            f"{self.path} is no working copy of {self.dataset} any more; its files stay as they are.",
            *self.left,
        ]


def whole_copy(ws: Surface, path: str) -> Copy | None:
    """The working copy that a path is, all of it; None if it is none, or lies in one."""
    found = copy_of(os.fspath(ws.folder), path)
    whole = (whole_path(path), os.path.realpath(path))
    return found if found is not None and found.name in whole else None


def forget(ws: Surface, copy: Copy, *, force: bool = False) -> Forgotten:
    """Unlink a working copy; its files, the dataset and its versions stay.

    Args:
        ws: The workspace.
        copy: The working copy.
        force: Also if something is staged that is nowhere else.

    Raises:
        Conflict: Something is staged that is in no version, and on the disk no more.
    """
    lost = [] if force else _only_staged(ws, copy)
    if lost:
        raise Conflict(
            f"{len(lost)} files are staged as they are nowhere else: neither in a version nor on the disk.",
            found=", ".join(map(shown, lost[:_MOST_NAMED])) + (", …" if len(lost) > _MOST_NAMED else ""),
            hint=f"Commit them (fettle data commit {shown(copy.name)}), bring them back (fettle data restore "
            f"{shown(copy.name)}), or give them up with --force.",
        )
    with locked(copy):
        left = _left(copy)
        for name in ("index", "state"):  # without its state it is no copy; killed before, it still is one
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(copy.folder, name))
    return Forgotten(shown(copy.name), dataset=copy.state.dataset, left=tuple(left))


def remove(ws: Surface, paths: Sequence[str], *, cached: bool, force: bool) -> Restorations:
    """Take paths out of working copies, and forget copies that are named as a whole with `cached`."""
    from fettle.data.copies.several import remove as done

    made = Restorations()
    for path in paths:
        copy = whole_copy(ws, path)
        if copy is None:
            made += done(ws, [path], cached=cached, force=force)
        elif cached:
            made.append(forget(ws, copy, force=force))
        elif copy.state.only:
            made += done(ws, [path], cached=cached, force=force)
        else:
            raise Invalid(
                f"{shown(path)} is a whole working copy.",
                hint=f"Name files or folders in it; fettle data rm --cached {shown(path)} unlinks it and leaves its "
                "files.",
            )
    return made


def _only_staged(ws: Surface, copy: Copy) -> list[str]:
    """Staged files that differ from those on the disk."""
    (found,) = status_of(os.fspath(ws.folder), copy.name, ws=ws).copies
    changed = {*found.modified, *found.deleted}
    return [path for path, change in found.staged if change != "deleted" and path in changed]


def _left(copy: Copy) -> list[str]:
    """What still speaks of the copy."""
    folder, name = os.path.split(copy.name)
    found = []
    if os.path.isfile(pointer_path(copy.name)):
        found.append(
            f"{shown(pointer_path(name))} still names {copy.state.dataset}: `fettle data checkout` would link it again."
        )
    if os.path.isfile(os.path.join(folder, ".gitignore")):
        with open(os.path.join(folder, ".gitignore"), "rb") as file:
            if os.fsencode("/" + name) in file.read().splitlines():
                found.append(f"The line /{shown(name)} of .gitignore still keeps it out of git.")
    return found
