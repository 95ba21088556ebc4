"""Add folders and files: link them to a dataset the first time, and stage what changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.copies.locking import locked
from fettle.data.copies.places import Copy, copy_of, new_copy, whole_path
from fettle.data.copies.stage import Added, Additions, stage
from fettle.data.engine.walk import shown
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface


def add(
    ws: Surface, paths: Sequence[str], *, dataset: str | None = None, branch: str | None = None
) -> Additions:
    """Stage folders and files.

    Args:
        ws: The workspace.
        paths: Folders and files; one that is in a working copy is staged there, another becomes a working copy.
        dataset: What a new copy is linked to; None: named as the folder or file.
        branch: Where its commits go; None: where they went, at first `main`.

    Raises:
        NotFound: There is nothing at a path.
        Invalid: A path cannot be data, or a name cannot be a dataset's.
        Conflict: The path is a copy of another dataset, or a checkout was interrupted there.
    """
    if not paths:
        raise Invalid("Nothing was named to add.", hint="Name folders or files: fettle data add images")
    return Additions(_added(ws, path, dataset, branch) for path in paths)


def ready(copy: Copy) -> None:
    """Be sure that the folder is one version, not halfway between two.

    Raises:
        Conflict: A checkout was interrupted.
    """
    if copy.state.pending:
        raise Conflict(
            f"A checkout into {shown(copy.name)} was interrupted.",
            found="files of two versions",
            hint=f"Finish it with `fettle data checkout {shown(copy.name)}`.",
        )


def inner_path(copy: Copy, path: str) -> str:
    """A path in a copy relative to its root; empty for all of it."""
    if os.path.realpath(path) in (copy.root, copy.name) or whole_path(path) == copy.name:
        return ""
    return copy.inner(whole_path(path))


def _added(ws: Surface, path: str, dataset: str | None, branch: str | None) -> Added:
    home = os.fspath(ws.folder)
    copy = copy_of(home, path)
    new = copy is None
    if copy is None:
        copy = new_copy(home, path, dataset, branch or "main")
    elif not os.path.lexists(path) and path != copy.name:
        _check_was_there(copy, path)
    with locked(copy):
        ready(copy)
        _agree(copy, dataset, branch)
        made = stage(repository(ws), copy, "" if new else inner_path(copy, path))
        note = _kept_out(copy) if new else ""
    return msgspec.structs.replace(made, notes=[note]) if note else made


def _kept_out(copy: Copy) -> str:
    from fettle.data.copies.git import keep_out

    return keep_out(copy)


def _check_was_there(copy: Copy, path: str) -> None:
    from fettle.data.copies.scan import load

    index = load(copy)
    inner = inner_path(copy, path)
    folder, _, name = inner.rpartition("/")
    known = (
        index is None
        or inner == ""
        or (name in index.tracked().names(folder) or index.tracked().below(inner))
    )
    if not known:
        raise NotFound(f"There is no folder or file {shown(path)}.", subject=f"file:{shown(path)}")


def _agree(copy: Copy, dataset: str | None, branch: str | None) -> None:
    state = copy.state
    if dataset is not None and dataset != state.dataset:
        raise Conflict(
            f"{shown(copy.name)} is a working copy of {state.dataset!r}, not of {dataset!r}.",
            hint="Leave --dataset away, or copy the files to another folder.",
        )
    if branch is not None and branch != state.branch:
        copy.write(state._replace(branch=branch))
