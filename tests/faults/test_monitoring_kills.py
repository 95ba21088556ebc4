"""A collector killed with SIGKILL at random instants, and two at once: every request is counted exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import polars as pl

from fettle.acts import Surface
from fettle.core.canonical import encode
from fettle.data.bins import reference
from fettle.monitoring import profiles
from fettle.monitoring.collect import collect
from fettle.monitoring.records import Baseline
from fettle.serving.log import Exchange, PredictionLog, Told
from fettle.workspace import Workspace

ROWS = 3999


def work(folder: Path, digest: str) -> None:
    """Collect for ever."""
    ws = Workspace.create(folder)
    print("ready", flush=True)
    while True:
        collect(ws, "shop", baseline_of=lambda *named: baseline(digest, *named))
        time.sleep(0.005)


def baseline(digest: str, ws: Surface, endpoint: str, model: str, version: int) -> Baseline:
    return Baseline(endpoint, model, version, digest, "classification", "way", "accuracy", 0.5)


def start(folder: Path, digest: str) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.test_monitoring_kills", str(folder), digest],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    return worker


def kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def test_every_request_is_counted_once_whatever_dies(tmp_path: Path):
    ws = Workspace.create(tmp_path)
    frame = pl.DataFrame({"size": [float(i % 100) for i in range(2000)]})
    digest = profiles.keep(ws.blobs, reference(frame, prediction=["up", "down"] * 1000))
    ws.call("monitoring.watch", endpoint="shop", window="1h")
    log = PredictionLog(ws.folder / "serving" / "shop" / "w1")
    first_at, chance = ws.clock.now() - timedelta(hours=3), random.Random(4)
    workers = [start(tmp_path, digest), start(tmp_path, digest)]
    for number in range(ROWS):
        at = first_at + number * timedelta(seconds=2)
        row = {"size": float(number % 100)}
        log.write(Exchange(f"r{number}", at, "shop", "shop", 1, 200, 50, [row], [{"prediction": "up"}]))
        if number % 3 == 0:
            log.write(Told(at, [(f"r{number}", 0, "up" if number % 2 else "down")]))
        if number % 1000 == 999:
            time.sleep(chance.uniform(0.0, 0.1))
            kill(workers.pop(0))
            workers.append(start(tmp_path, digest))
    for worker in workers:
        kill(worker)
    collect(ws, "shop", baseline_of=lambda *named: baseline(digest, *named))
    windows = ws.call("monitoring.windows", endpoint="shop")
    assert sum(each.rows for each in windows) == ROWS
    assert sum(each.labelled for each in windows) == ROWS // 3
    right = sum(round(each.performance.value * each.labelled) for each in windows if each.performance)
    assert right == sum(number % 2 for number in range(0, ROWS, 3))
    assert all(each.drift["size"].rows == each.rows for each in windows if each.drift)
    assert ws.call("monitoring.labelled", endpoint="shop") == ROWS // 3
    assert encode(windows) == encode(ws.call("monitoring.windows", endpoint="shop"))
    ws.close()


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2])
