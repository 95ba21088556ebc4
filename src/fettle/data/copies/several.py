"""Paths in working copies, one after another: put back, or taken out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import Invalid, NotFound
from fettle.data.copies import restore as restoring
from fettle.data.copies.add import inner_path, ready
from fettle.data.copies.locking import locked
from fettle.data.copies.places import Copy, copy_of
from fettle.data.copies.restore import Restorations
from fettle.data.engine.walk import shown
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface


def restore(ws: Surface, paths: Sequence[str], *, committed: bool = False) -> Restorations:
    """Put files and folders back; arguments and errors are those of `restore.restore`."""
    made = Restorations()
    for path in paths:
        copy = _copy(ws, path)
        with locked(copy):
            ready(copy)
            made.append(restoring.restore(repository(ws), copy, inner_path(copy, path), committed=committed))
    return made


def remove(ws: Surface, paths: Sequence[str], *, cached: bool = False, force: bool = False) -> Restorations:
    """Take files and folders out; arguments and errors are those of `restore.remove`."""
    made = Restorations()
    for path in paths:
        copy = _copy(ws, path)
        inner = inner_path(copy, path)
        if not inner and not copy.state.only:
            raise Invalid(
                f"{shown(path)} is a whole working copy.",
                hint="Name files or folders in it; to be rid of the copy, delete the folder.",
            )
        with locked(copy):
            ready(copy)
            inner = inner or copy.state.only
            made.append(restoring.remove(repository(ws), copy, inner, cached=cached, force=force))
    return made


def _copy(ws: Surface, path: str) -> Copy:
    found = copy_of(os.fspath(ws.folder), path)
    if found is None:
        raise NotFound(
            f"{shown(path)} is in no working copy.",
            hint="Link its folder to a dataset with `fettle data add`.",
            subject=f"file:{shown(path)}",
        )
    return found
