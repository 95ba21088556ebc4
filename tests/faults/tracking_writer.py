"""A process that logs from many threads until it is killed, and says on standard output what was acknowledged to it.

    python tracking_writer.py URL RUN NAME THREADS

Each thread has a metric of its own, `NAME/THREAD`, and counts its steps; a line is written when `log` has returned.
With `python tracking_writer.py serve FOLDER PORT` it is the server instead.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from fettle import tracking
from fettle.tracking import outbox
from fettle.workspace import Workspace

OFTEN_S = 0.03
"""How often points are carried here, so that kills hit carriers too."""


def write(run: tracking.ActiveRun, key: str) -> None:
    step = 0
    while True:
        for _ in range(20):
            run.log({key: float(step)}, step=step)
            os.write(1, f"{key} {step}\n".encode())
            step += 1
        time.sleep(0.002)


def log(url: str, run_id: str, name: str, threads: int) -> None:
    outbox._PAUSE_S = OFTEN_S  # a real pause would let few kills hit a carrier
    run = tracking.ActiveRun(Workspace.open(url), started(run_id), owner=False)
    for number in range(threads):
        threading.Thread(target=write, args=(run, f"{name}/{number}"), daemon=True).start()
    threading.Event().wait()


def started(run_id: str) -> tracking.Run:
    """The run, without asking the server, which may be dead just now."""
    from datetime import UTC, datetime

    return tracking.Run(
        id=run_id, experiment="kills", name=run_id, status="running", author="", started_at=datetime.now(UTC)
    )


def serve(folder: str, port: int) -> None:
    from fettle.server.run import run

    run(Workspace.create(folder), port=port, announce=lambda url: print(url, flush=True))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        log(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
