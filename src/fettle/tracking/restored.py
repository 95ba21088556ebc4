"""A workspace that was restored from an older copy: it is told again what this machine still holds.

Such a workspace knows less than it had acknowledged. The journals of runs that still lie here notice: it has fewer of
their records, has not done their last operation, or does not know the run at all. What they hold is told again, each
thing once; what they hold no more is reported, once, and marked on the run. A run is only begun anew in the workspace
it was begun in, whose copy shares the beginning of its audit chain; not in another one at the same address.

    <journal of a run>/run       how the run began
                       origin    which workspace it was begun in
"""

from __future__ import annotations

import contextlib
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core.errors import FettleError, NotFound
from fettle.tracking.refused import refused_folder

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.records.runs import Run

LOST = "fettle.lost"
"""Tag of a run that says what a restored workspace lost for good."""
_ASKED = 1000


class Beginning(msgspec.Struct, frozen=True):
    """How a run began: what `tracking.start` takes.

    Attributes:
        run_id: Its id.
        experiment: The question it belongs to.
        name: What people call it.
        started_at: When it began.
        params: Parameter and value.
        tags: Tag and text.
        parent: The run it is a part of.
        inputs: What it reads.
    """

    run_id: str
    experiment: str
    name: str
    started_at: datetime
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    parent: str | None = None
    inputs: list[str] = []


def beginning_of(run: Run) -> bytes:
    """How a run began, as it is kept beside its journal."""
    return msgspec.msgpack.encode(
        Beginning(
            run.id, run.experiment, run.name, run.started_at, run.params, run.tags, run.parent, run.inputs
        )
    )


def note_origin(ws: Surface, journal: Path) -> None:
    """Note which workspace a run was begun in, unless it is noted."""
    if (journal / "run").exists() and not (journal / "origin").exists():
        part = journal / "origin.part"  # half a note would never fit
        with contextlib.suppress(OSError):  # the disk is full: then the run is not begun anew
            part.write_text(ws.call("tracking.origin", run=journal.parent.name))
            part.replace(journal / "origin")


def call(ws: Surface, journal: Path, act: str, /, **arguments: Any) -> Any:
    """Call an act about the run of a journal, which is begun anew first where the workspace has forgotten it.

    Raises:
        NotFound: It is not the workspace that the run was begun in, or what is missing is not the run.
    """
    try:
        return ws.call(act, **arguments)
    except NotFound:
        if not _begin_again(ws, journal):
            raise
        return ws.call(act, **arguments)


def _begin_again(ws: Surface, journal: Path) -> bool:
    """See to it that the workspace knows the run; False if it was begun in another one, or was removed there."""
    run = journal.parent.name
    known = _kept(journal)
    if known is None or known[1] != ws.call("tracking.origin", run=run):
        return False
    with contextlib.suppress(NotFound):
        ws.call("tracking.received", run=run, journal=journal.name)
        return True  # it is something else that is missing, or another thread was faster
    ws.call("tracking.start", **msgspec.structs.asdict(known[0]))
    _warn(
        f"The workspace had forgotten run {run}: it was restored from an older copy. The run is begun anew there."
    )
    return True


def _kept(journal: Path) -> tuple[Beginning, str] | None:
    """How the run of a journal began, and where: as its journal says, or another one of the same run."""
    for folder in (journal, *sorted(journal.parent.glob("*/"))):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            begun = msgspec.msgpack.decode((folder / "run").read_bytes(), type=Beginning)
            if origin := (folder / "origin").read_text():
                return begun, origin
    return None


def first_forgotten(ws: Surface, journal: Path, told: int, since: int = 0) -> int:
    """The first operation of a journal that the workspace has forgotten; `told` if it has forgotten none.

    Args:
        ws: The workspace.
        journal: The folder of the journal.
        told: How many were told.
        since: So many were seen to be there; they are only looked at again if the last of them is gone.
    """
    for start in range(max(since - 1, 0), told, _ASKED):
        asked = [
            each for each in range(start, min(start + _ASKED, told)) if not is_refused(ws, journal, each)
        ]
        known = set(ws.call("tracking.told", journal=journal.name, operations=asked)) if asked else set()
        forgotten = next((each for each in asked if each not in known), None)
        if forgotten is not None:
            return first_forgotten(ws, journal, forgotten) if forgotten < since else forgotten
    return told


def is_refused(ws: Surface, journal: Path, number: int) -> bool:
    """Whether an operation was refused and lies apart, to be told again when somebody asks."""
    return (refused_folder(ws) / f"{journal.name}-{number:06}.op").exists()


def report_gap(ws: Surface, journal: Path, there: int, held: int) -> str:
    """Say, once, that records between what the workspace still has and what this machine still holds are lost."""
    run = journal.parent.name
    said = f"{held - there:,} records ({there:,} to {held - 1:,} of journal {journal.name[-12:]})"
    with contextlib.suppress(FettleError):  # such as a run in the bin: then the warning is all there is
        ws.call(
            "tracking.set",
            run=run,
            tags={f"{LOST}.{journal.name[-12:]}": f"{said}: the workspace was restored from an older copy"},
            idempotency_key=f"{journal.name}-lost-{there}-{held}",
        )
    _warn(
        f"Run {run} has lost {said} for good: the workspace was restored from an older copy, and they had been thrown "
        "away here after they had arrived."
    )
    return f"run {run}: {said}"


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
