"""Turn what is staged into a version, and write the pointer that git tracks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, Invalid
from fettle.data import versions
from fettle.data.copies import pointers
from fettle.data.copies.add import ready
from fettle.data.copies.checkout import Target, check_out
from fettle.data.copies.locking import locked
from fettle.data.copies.places import Copy, chosen_copy
from fettle.data.copies.rebuild import index_of
from fettle.data.copies.stage import write_staged
from fettle.data.engine.walk import shown
from fettle.data.records.versions import Commit, Source
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface


class Committed(msgspec.Struct, frozen=True):
    """A version made from a working copy.

    Attributes:
        path: The folder or file.
        dataset: The dataset.
        branch: The branch that moved.
        commit: The new version.
        files: How many files it has.
        size_bytes: Their bytes.
        pointer: The file that git should track.
        notes: What else is to be known, in words.
    """

    path: str
    dataset: str
    branch: str
    commit: str
    files: int
    size_bytes: int
    pointer: str
    notes: list[str] = []

    def lines(self) -> list[str]:
        """For a person."""
        from fettle.core.units import size_text

        whole = f"{self.files} files, {size_text(self.size_bytes)}"
        made = [f"{self.path}: {self.dataset}@{self.commit[:12]} on {self.branch} · {whole}"]
        made += [f"  {each}" for each in self.notes]
        return [*made, f"  pointer for git: {os.path.basename(self.pointer)}"]


def commit(
    ws: Surface, target: str | None = None, *, message: str = "", metadata: dict[str, str] | None = None
) -> Committed:
    """Commit what is staged in a working copy.

    Where the branch went on meanwhile and touched other files, both are merged, and the merged version is brought into
    the folder.

    Args:
        ws: The workspace.
        target: The working copy or its dataset; None: that of the current folder, or the only one.
        message: Why.
        metadata: Whatever else is to be known of the version.

    Raises:
        Invalid: Nothing is staged.
        Conflict: The branch changed the same files meanwhile, or a checkout was interrupted.
    """
    copy = chosen_copy(os.fspath(ws.folder), target)
    with locked(copy):
        ready(copy)
        state = copy.state
        if state.staged == state.base_tree:
            raise Invalid(
                f"Nothing is staged in {shown(copy.name)}.",
                found=f"the same files as in {state.base[:12]}" if state.base else "no files",
                hint=f"Stage what changed with `fettle data add {shown(copy.name)}`.",
            )
        made = versions.commit_tree(
            ws,
            state.dataset,
            state.staged,
            branch=state.branch,
            message=message,
            base=state.base or None,
            source=Source(shown(copy.state.only or os.path.basename(copy.root)), "files"),
            metadata=metadata,
        )
        if (
            made.tree == state.staged
        ):  # first: killed behind it, the same commit is found and written down again
            pointers.write(copy, made.files, made.size_bytes, commit=made.id)
        note = _follow(ws, copy, made)
        pointer = pointers.write(copy, made.files, made.size_bytes)
    return Committed(
        path=shown(copy.name),
        dataset=made.dataset,
        branch=state.branch,
        commit=made.id,
        files=made.files,
        size_bytes=made.size_bytes,
        pointer=shown(pointer),
        notes=[note] if note else [],
    )


def _follow(ws: Surface, copy: Copy, made: Commit) -> str:
    """Write down that the folder is the new version now; where others had changed files too, bring those in."""
    repo = repository(ws)
    if made.tree == copy.state.staged:
        index = index_of(copy, repo.node)
        write_staged(repo, copy, index, base=made.id, base_tree=made.tree)
        return ""
    target = Target(made.id, made.tree, copy.state.branch, copy.state.globs, bool(copy.state.linked))
    try:
        done = check_out(repo, copy, target, committed=True)
    except Conflict as error:
        return f"changes of others were merged, but not brought into the folder: {error.found}"
    return f"changes of others were merged: {done.written} files written, {done.removed} removed"
