"""Carry over what killed runs left on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound, Unavailable
from fettle.storage.locks import FileLock
from fettle.tracking.outbox import Carrier, discard, runs_folder

if TYPE_CHECKING:
    from fettle.acts import Surface


def recover(ws: Surface) -> list[str]:
    """Send the journals of runs whose process is gone, and end those runs; return their ids.

    Idempotent, and safe in many processes at once: a record arrives once, whoever carries it. A run of which another
    process still logs goes on. A workspace that is away is tried again next time.
    """
    recovered = set()
    for journal in sorted(runs_folder(ws).glob("*/*/")):
        try:
            if _recover(ws, journal):
                recovered.add(journal.parent.name)
        except (NotFound, Unavailable, FileNotFoundError):
            continue  # another workspace's run, the workspace is away, or somebody else was faster
    return sorted(recovered)


def _recover(ws: Surface, journal: Path) -> bool:
    alive = FileLock(journal / "alive")
    if not alive.acquire(wait=False):
        return False
    try:
        _carry(ws, journal)
    finally:
        alive.release()
        alive.close()
    return True


def _carry(ws: Surface, journal: Path) -> None:
    run = journal.parent.name
    if (journal / "records").is_dir():
        Carrier(ws, run, journal).carry()
    shown = ws.call("tracking.show", run=run)
    if shown.status == "running" and not _logged_elsewhere(journal):
        ended = journal / "status"
        ws.call("tracking.finish", run=run, status=ended.read_text() if ended.exists() else "killed")
    discard(journal)


def _logged_elsewhere(journal: Path) -> bool:
    """Whether a living process has another journal of the same run."""
    for other in journal.parent.glob("*/"):
        lock = FileLock(other / "alive")
        if other != journal and not lock.acquire(wait=False):
            return True
        if other != journal:
            lock.release()
            lock.close()
    return False
