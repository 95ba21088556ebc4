"""Carry over what killed runs left on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, Unavailable
from fettle.storage.locks import FileLock
from fettle.tracking import restored, telling
from fettle.tracking.carrier import Carrier, discard
from fettle.tracking.outbox import runs_folder

if TYPE_CHECKING:
    from fettle.acts import Surface


def recover(
    ws: Surface,
    run: str | None = None,
    *,
    failures: dict[str, str] | None = None,
    lost: list[str] | None = None,
) -> list[str]:
    """Send the journals of runs whose process is gone, and end those runs; return their ids.

    Idempotent, and safe in many processes at once: a record arrives once, whoever carries it. A run of which another
    process still logs goes on. A workspace that is away is tried again next time; a journal that the workspace refuses
    stays, and holds up no other.

    Args:
        ws: The workspace.
        run: Only the journals of this run.
        failures: Gets, by run, why its journal could not be sent.
        lost: Gets what a workspace that was restored from an older copy has lost for good.
    """
    recovered = set()
    for journal in sorted(runs_folder(ws).glob(f"{run or '*'}/*/")):
        try:
            if _recover(ws, journal, [] if lost is None else lost):
                recovered.add(journal.parent.name)
        except FileNotFoundError:
            continue  # somebody else was faster
        except Unavailable:
            break  # to ask again for each would take long
        except FettleError as error:  # such as another workspace's run, a start that is refused, lost records
            if failures is not None:
                failures[journal.parent.name] = str(error.args[0])
    return sorted(recovered)


def _recover(ws: Surface, journal: Path, lost: list[str]) -> bool:
    alive = FileLock(journal / "alive")
    if not alive.acquire(wait=False):
        return False
    try:
        _carry(ws, journal, lost)
    finally:
        alive.release()
        alive.close()
    return True


def _carry(ws: Surface, journal: Path, lost: list[str]) -> None:
    run = journal.parent.name
    telling.carry(ws, run, journal)
    if (journal / "records").is_dir():
        carrier = Carrier(ws, run, journal)
        carrier.carry(check=True)
        lost += [carrier.lost] if carrier.lost else []
    if not (journal / "guest").exists() and not _logged_elsewhere(journal):
        _end(ws, journal)
    discard(journal)


def _end(ws: Surface, journal: Path) -> None:
    run, ended = journal.parent.name, journal / "status"
    status = ended.read_text() if ended.exists() else "killed"
    restored.call(ws, journal, "tracking.end", run=run, status=status, unless_ended=True)


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
