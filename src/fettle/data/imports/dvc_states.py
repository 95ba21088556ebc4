"""Which states of a DVC repository are wanted, and what was tracked in each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from fettle.core.errors import NotFound
from fettle.data.imports import dvc_files, dvc_history
from fettle.data.imports.dvc_files import Out, Tracked
from fettle.data.imports.dvc_history import Revision


class DvcOrder(msgspec.Struct, frozen=True):
    """What is wanted of a DVC repository: see `fettle data import`."""

    rev: str = ""
    all_revisions: bool = False
    skip_missing: bool = False
    remote: str = ""

    @property
    def history(self) -> bool:
        """Whether more than one state is wanted."""
        return self.all_revisions or ".." in self.rev


class State(NamedTuple):
    """A state of the repository: what was tracked, and the commit of git it belongs to."""

    revision: Revision | None
    outs: dict[str, Out]


def states_of(root: Path, inner: str, wanted: DvcOrder) -> tuple[list[State], list[str]]:
    """The states that are wanted, oldest first, and what was left out of them."""
    if not wanted.history:
        revision = dvc_history.resolve(root, wanted.rev) if wanted.rev else dvc_history.head(root)
        texts = (
            dvc_history.files_at(root, revision.id)
            if wanted.rev and revision
            else dvc_files.working_files(root)
        )
        tracked = dvc_files.chosen(dvc_files.read_outs(texts), inner)
        if not tracked.outs:
            raise NotFound(
                f"DVC tracks nothing in {root}.",
                found="; ".join(tracked.notes) or "no .dvc file and no dvc.lock with outputs",
                hint="Is another revision meant? Name it with --rev",
            )
        return [State(revision, tracked.outs)], tracked.notes
    found: list[State] = []
    notes: list[str] = []
    for revision in dvc_history.revisions(root, wanted.rev):
        tracked = _chosen_then(dvc_files.read_outs(dvc_history.files_at(root, revision.id)), inner)
        found.append(State(revision, tracked.outs))
        notes += tracked.notes
    if not any(each.outs for each in found):
        raise NotFound(
            f"No commit of git changed what DVC tracks in {root}.",
            found=f"{len(found)} commits looked at",
            hint="Is the clone shallow? git fetch --unshallow",
        )
    return found, notes


def _chosen_then(tracked: Tracked, inner: str) -> Tracked:
    """As `dvc_files.chosen`, of a state in which there may have been nothing yet."""
    try:
        return dvc_files.chosen(tracked, inner)
    except NotFound:
        return Tracked({}, [])


def end_of(rev: str) -> str:
    """The newer end of a range; a revision itself."""
    return rev.rpartition("..")[2].lstrip(".") if ".." in rev else rev
