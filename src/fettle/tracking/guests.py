"""What other processes of this machine, which go on living, have logged to a run that ends.

A worker of joblib or Ray is kept for the next task: its journal is its own, and it sends what it holds soon. The run
need not end before that: its points are carried from here, and what it tells is waited for a moment. What comes later,
or cannot be sent now, is sent by the worker as ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError
from fettle.storage.open import read_journal
from fettle.tracking.carrier import Carrier
from fettle.tracking.outbox import runs_folder
from fettle.tracking.printed import count

if TYPE_CHECKING:
    from fettle.acts import Surface

_PATIENCE_S = 3.0
_PAUSE_S = 0.02


def gather(ws: Surface, run: str) -> None:
    """Have in the workspace what the living workers of a run have logged so far, as far as that goes quickly.

    Args:
        ws: The workspace.
        run: The run's id.
    """
    until = time.monotonic() + _PATIENCE_S
    for journal in _journals(ws, run):
        with suppress(FettleError, FileNotFoundError):  # the worker sends it, or has done so and is gone
            while _waiting(journal) and time.monotonic() < until:
                time.sleep(_PAUSE_S)
            if (journal / "records").is_dir():
                Carrier(ws, run, journal).carry()


def _journals(ws: Surface, run: str) -> Iterator[Path]:
    """The journals of a run that processes attached to it have; those of forked workers are carried by who forked."""
    found = (each.parent for each in sorted(runs_folder(ws).glob(f"{run}/*/guest")))
    return (each for each in found if "+" not in each.name)


def _waiting(journal: Path) -> bool:
    """Whether something that was to be told has not been."""
    if not (journal / "ops").is_dir():
        return False
    return count(journal / "told") < sum(1 for _ in read_journal(journal / "ops"))
