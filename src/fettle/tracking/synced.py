"""Send what waits on this machine, and say what still waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fettle.storage.locks import FileLock
from fettle.tracking.leftovers import recover
from fettle.tracking.outbox import runs_folder
from fettle.tracking.refused import tell_again

if TYPE_CHECKING:
    from fettle.acts import Surface


class Synced(msgspec.Struct, frozen=True):
    """What a sending came to.

    Attributes:
        sent: Runs of which all that waited here has arrived.
        running: Runs that processes of this machine are logging to now; they send by themselves.
        waiting: Runs of which something still waits here.
        why: Run → why it waits, where the workspace said so.
        refused: What the workspace refused and still refuses: of which run, what, and why.
        lost: What a workspace that was restored from an older copy has lost for good, and this machine holds no more.
    """

    sent: list[str]
    running: list[str]
    waiting: list[str]
    why: dict[str, str] = {}
    refused: list[str] = []
    lost: list[str] = []

    def __str__(self) -> str:
        """What a person reads."""
        lines = [f"{len(self.sent)} runs sent" if len(self.sent) != 1 else "1 run sent"]
        lines += [f"still running: {', '.join(self.running)}"] if self.running else []
        lines += [f"still waiting: {', '.join(self.waiting)}"] if self.waiting else []
        lines += [f"  {run}: {why}" for run, why in self.why.items()]
        lines += [f"refused, and kept here: {each}" for each in self.refused]
        lines += [f"lost with the workspace's newer copy: {each}" for each in self.lost]
        return "\n".join(lines)


def sync(ws: Surface) -> Synced:
    """Send the journals that ended runs left on this machine.

    Raises:
        Unavailable: The workspace is away; everything stays here.
    """
    ws.call("tracking.runs", limit=0)  # a workspace that is away says so, instead of nothing being sent
    why: dict[str, str] = {}
    lost: list[str] = []
    sent = recover(ws, failures=why, lost=lost)
    refused = [str(each) for each in tell_again(ws)]
    running: set[str] = set()
    waiting: set[str] = set()
    for journal in runs_folder(ws).glob("*/*/"):
        alive = FileLock(journal / "alive")
        if alive.acquire(wait=False):
            alive.release()
            waiting.add(journal.parent.name)
        else:
            running.add(journal.parent.name)
        alive.close()
    return Synced(sent, sorted(running), sorted(waiting), why, refused, lost)
