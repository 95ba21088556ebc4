"""The process that closes the loop: it collects what was served, watches, and lets the reconciler work.

One pass after another until it is stopped; each pass is safe to lose. After a pass that left nothing to do it notes the
time up to which all is settled, for whoever waits on the loop (the replay of the demo does).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import datetime
from pathlib import Path

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError, Unavailable
from fettle.governance.carrier import Carrier
from fettle.monitoring.collect import collect
from fettle.projects.records import Project
from fettle.projects.retrain import reconciler_of
from fettle.projects.teller import Silence, Teller
from fettle.projects.worker import Worker
from fettle.retraining.reconciler import Reconciler
from fettle.storage.clockfile import SharedClock

IDLE_S = 1.0
REPLAY_IDLE_S = 0.003


class Settled(msgspec.Struct, frozen=True):
    """Up to when everything has been looked at, by the workspace's clock; `bell` is the last one heard."""

    at: datetime
    pid: int
    bell: int = 0


def keep(ws: Surface, folder: Path, project: Project, *, teller: Teller | None = None) -> None:
    """Watch and renew a project's model until SIGTERM or Ctrl-C.

    Args:
        ws: The workspace.
        folder: The project's folder.
        project: What is watched: its endpoint, windows and retraining rules.
        teller: Told what the loop decides.
    """
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    worker = Worker(ws, folder)
    reconciler = reconciler_of(ws, project, worker)
    replaying = isinstance(ws.clock, SharedClock)
    carrier = None if replaying else Carrier(ws).start()  # what a replay tells is old news
    try:
        worker.warm()
        while not over.is_set():
            seen = Settled(ws.clock.now(), os.getpid(), _bell(ws))
            busy = _step(ws, project, reconciler, teller or Silence())
            if not busy:
                note_settled(ws, seen)
                _rest(ws, seen, over)
    finally:
        worker.close()
        if carrier is not None:
            carrier.stop()


def settled(ws: Surface) -> Settled | None:
    """Up to when the keeper of this workspace has settled everything; None if it has not begun."""
    try:
        return msgspec.json.decode(_path(ws).read_bytes(), type=Settled)
    except (OSError, msgspec.DecodeError):
        return None


def wait_settled(ws: Surface, clock: SharedClock, *, patience_s: float = 120.0) -> None:
    """Ring the replay's bell and wait until the keeper has dealt with everything that there is at this moment.

    Raises:
        Unavailable: It has not within the patience, in real seconds.
    """
    deadline = time.monotonic() + patience_s
    bell = clock.ring()
    while (now := settled(ws)) is None or now.bell < bell:
        if time.monotonic() > deadline:
            raise Unavailable(
                "The keeper does not get on.",
                found=f"settled up to {now.at if now else 'nothing'}, not {clock.now()}",
                hint=f"Its output is in {ws.folder / 'logs' / 'keeper.log'}.",
            )
        time.sleep(0.002)


def note_settled(ws: Surface, state: Settled) -> None:
    """Publish how far the keeper is."""
    path = _path(ws)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(path)


def _step(ws: Surface, project: Project, reconciler: Reconciler, teller: Teller) -> bool:
    """One pass; trouble that passes by itself (a busy disk, a lost connection) is told and tried again."""
    try:
        collected = collect(ws, project.name)
        made = reconciler.step()
        return bool(collected.predictions or collected.labels) or made.outcome == "worked"
    except FettleError as error:
        teller.say(str(error))
        time.sleep(0.2)
        return True


def _bell(ws: Surface) -> int:
    return ws.clock.bell if isinstance(ws.clock, SharedClock) else 0


def _rest(ws: Surface, seen: Settled, over: threading.Event) -> None:
    """Rest until there may be something to do: a second of the world's time, or the bell of a replay."""
    if not isinstance(ws.clock, SharedClock):
        over.wait(IDLE_S)
    while isinstance(ws.clock, SharedClock) and _bell(ws) == seen.bell and not over.wait(REPLAY_IDLE_S):
        pass


def _path(ws: Surface) -> Path:
    return ws.folder / "keeper.json"
