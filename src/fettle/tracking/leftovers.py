"""Carry over what killed runs left on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, Unavailable
from fettle.storage.locks import FileLock
from fettle.tracking import deferred
from fettle.tracking.carrier import Carrier, discard
from fettle.tracking.outbox import runs_folder

if TYPE_CHECKING:
    from fettle.acts import Surface


def recover(ws: Surface, run: str | None = None, *, failures: dict[str, str] | None = None) -> list[str]:
    """Send the journals of runs whose process is gone, and end those runs; return their ids.

    Idempotent, and safe in many processes at once: a record arrives once, whoever carries it. A run of which another
    process still logs goes on. A workspace that is away is tried again next time; a journal that the workspace refuses
    stays, and holds up no other.

    Args:
        ws: The workspace.
        run: Only the journals of this run.
        failures: Gets, by run, why its journal could not be sent.
    """
    recovered = set()
    for journal in sorted(runs_folder(ws).glob(f"{run or '*'}/*/")):
        try:
            if _recover(ws, journal):
                recovered.add(journal.parent.name)
        except FileNotFoundError:
            continue  # somebody else was faster
        except Unavailable:
            break  # to ask again for each would take long
        except FettleError as error:  # such as another workspace's run, a start that is refused, lost records
            if failures is not None:
                failures[journal.parent.name] = str(error.args[0])
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
    deferred.carry(ws, run, journal)
    if (journal / "records").is_dir():
        Carrier(ws, run, journal).carry()
    if not (journal / "guest").exists() and not _logged_elsewhere(journal):
        _end(ws, run, journal / "status")
    discard(journal)


def _end(ws: Surface, run: str, ended: Path) -> None:
    if ws.call("tracking.show", run=run).status == "running":
        ws.call("tracking.finish", run=run, status=ended.read_text() if ended.exists() else "killed")


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
