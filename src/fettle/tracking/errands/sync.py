"""Send what waits on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.tracking.synced import Synced


@errand("tracking.sync")
def sync(ws: Surface) -> Synced:
    """Send the runs that wait on this machine: trained while the workspace was away, or killed.

    Each record arrives exactly once, however often this is called. A new run does the same at its start.
    """
    from fettle.tracking import synced

    return synced.sync(ws)
