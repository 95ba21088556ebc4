"""Metrics: logging, sending, storing, reading, drawing, beside MLflow where given and plain system calls.

    python benchmarks/tracking.py [--mlflow PATH/TO/python] [--postgres URL] [--rounds 3]

MLflow is a peer and no dependency: `--mlflow` names the Python of an environment that has it, and it runs in a process
of its own (`log_metric` and `log_batch` into SQLite, as its client does without a server). Prints a line for each
figure: measured (the best of the rounds) and target.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from fettle import tracking
from fettle.acts import Surface
from fettle.tracking.chunks import Points, encode
from fettle.tracking.columns import encode_integers
from fettle.tracking.store.metrics import chunks, outlines
from fettle.workspace import Workspace

START_US = 1_700_000_000_000_000
SERVER = """
import sys
from fettle.server.run import run
from fettle.workspace import Workspace
run(Workspace.create(sys.argv[1]), port=0, announce=lambda url: print(url, flush=True))
"""
MLFLOW = """
import sys, tempfile, time
from mlflow import MlflowClient
from mlflow.entities import Metric
with tempfile.TemporaryDirectory() as folder:
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    run = client.create_run(client.create_experiment("bench")).info.run_id
    client.log_metric(run, "loss", 0.5, step=0)
    begin = time.perf_counter()
    for step in range(300):
        client.log_metric(run, "loss", 0.5, step=step)
    print(300 / (time.perf_counter() - begin))
    begin = time.perf_counter()
    for part in range(20):
        steps = range(part * 1000, part * 1000 + 1000)
        client.log_batch(run, [Metric("batch", 0.37 * n % 1, 1_700_000_000_000 + n, n) for n in steps])
    print(20_000 / (time.perf_counter() - begin))
    begin = time.perf_counter()
    assert len(client.get_metric_history(run, "batch")) == 20_000
    print((time.perf_counter() - begin) * 5)
"""


def best(work: Callable[[], float], rounds: int, better: Callable[..., float] = min) -> float:
    return better(work() for _ in range(rounds))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def show(what: str, measured: str, target: str = "") -> None:
    print(f"{what:58} {measured:>16} | {target}", flush=True)


def noisy(count: int, begin: int = 0) -> Points:
    """Random values, steps by one, times a few microseconds apart, as a loop that logs has them."""
    chance = np.random.default_rng(begin + 1)
    at_us = START_US + 2 * begin + np.cumsum(chance.choice([1, 2, 2, 2, 3, 4], count))
    return Points(np.arange(begin, begin + count), at_us, chance.random(count))


def smooth(count: int) -> Points:
    steps = np.arange(count)
    return Points(steps, START_US + steps * 1000, np.exp(-steps / count))


# --- logging


def log_rate(ws: Surface, count: int, keys: int = 1) -> tuple[float, float]:
    """Calls of `log` in a second, and records that were in the workspace for each second since the first."""
    run = tracking.run(ws, "bench")
    values = {f"m{key}": 0.5 for key in range(1, keys)}
    begin = time.perf_counter()
    for step in range(count):
        run.log(values, loss=step * 0.37 % 1, step=step)
    called = time.perf_counter() - begin
    run.flush()
    arrived = time.perf_counter() - begin
    run.finish()
    return count / called, count / arrived


def plain_write(folder: Path, count: int) -> float:
    file = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    data = bytes(40)
    begin = time.perf_counter()
    for _ in range(count):
        os.write(file, data)
    rate = count / (time.perf_counter() - begin)
    os.close(file)
    return rate


def logging(ws: Workspace, folder: Path, rounds: int, peer: list[float]) -> None:
    rates = [log_rate(ws, 300_000) for _ in range(rounds)]
    calls = max(each for each, _ in rates)
    show("run.log(loss=…, step=…), calls/s, carried meanwhile", f"{calls:,.0f}", ">= 300,000")
    show("  in the workspace, records/s since the first call", f"{max(each for _, each in rates):,.0f}")
    show("run.log of 10 metrics, points/s", f"{10 * log_rate(ws, 50_000, 10)[0]:,.0f}")
    show("  os.write of 40 bytes, calls/s", f"{best(lambda: plain_write(folder, 200_000), rounds, max):,.0f}")
    if peer:
        show("  mlflow log_metric into SQLite, calls/s", f"{peer[0]:,.0f}", f"ratio {calls / peer[0]:,.0f}")


@contextmanager
def serving(folder: Path) -> Iterator[Surface]:
    folder.mkdir()
    os.environ["FETTLE_HOME"] = str(folder / "home")
    Workspace.create(folder).close()
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        with Workspace.open(server.stdout.readline().strip()) as ws:
            yield ws
    finally:
        server.terminate()
        server.wait()


def through_the_server(folder: Path, rounds: int, peer: list[float]) -> None:
    with serving(folder / "served") as ws:
        run = ws.tracking.start("bench").id
        sent = [0]

        def send() -> float:
            parts = [noisy(50_000, sent[0] + 50_000 * part) for part in range(8)]
            begin = time.perf_counter()
            for part in parts:
                column = {"key": "loss", "steps": part.steps.tobytes(), "at_us": part.at_us.tobytes()}
                column["values"] = part.values.tobytes()
                ws.call(
                    "tracking.append", run=run, journal="j", first=sent[0], records=50_000, columns=[column]
                )
                sent[0] += 50_000
            return 400_000 / (time.perf_counter() - begin)

        appended = best(send, rounds, max)
        show("tracking.append over HTTP, points/s", f"{appended:,.0f}", ">= 200,000")
        show(
            "run.log over HTTP until all arrived, records/s",
            f"{max(log_rate(ws, 300_000)[1] for _ in range(rounds)):,.0f}",
        )
        read = best(
            lambda: seconds(lambda: ws.tracking.history(run, "loss", last=99_999).arrays()), 3 * rounds
        )
        show("history of 100,000 points over HTTP as arrays, ms", f"{read * 1e3:.1f}")
        if peer:
            show(
                "  mlflow log_batch into SQLite, points/s",
                f"{peer[1]:,.0f}",
                f"ratio {appended / peer[1]:,.0f}",
            )


# --- storing, reading, drawing


def storing(ws: Workspace, rounds: int) -> None:
    points = noisy(1_000_000)

    def store_and_read() -> float:
        run = ws.tracking.start("bench").id
        column = {"key": "m", "steps": points.steps.tobytes(), "at_us": points.at_us.tobytes()}
        column["values"] = points.values.tobytes()
        begin = time.perf_counter()
        ws.call("tracking.append", run=run, journal="j", first=0, records=1, columns=[column])
        steps, _, values = ws.tracking.history(run, "m").arrays()
        taken = time.perf_counter() - begin
        assert len(steps) == 1_000_000 and values[-1] == points.values[-1]
        return taken

    show("1,000,000 points stored (durably) and read, s", f"{best(store_and_read, rounds):.3f}", "<= 1")


def stored_bytes(ws: Workspace, run: str) -> int:
    with ws.database.read() as tx:
        return sum(
            tx.execute(
                sa.select(sa.func.sum(sa.func.length(table.c.data))).where(table.c.run == run)
            ).scalar()
            or 0
            for table in (chunks, outlines)
        )


def sizes(ws: Workspace) -> None:
    for what, points, target in (
        ("random float64, times of a loop", noisy(300_000), "<= 8"),
        ("smooth series", smooth(300_000), "<= 2"),
    ):
        run = ws.tracking.start("bench").id
        add(ws, run, "m", points)
        show(f"bytes a point: {what}", f"{stored_bytes(ws, run) / len(points):.2f}", target)
    part = noisy(65_536)
    bare = len(encode_integers(part.steps)) + len(encode_integers(part.at_us))
    show("  of these, steps and times of a loop", f"{bare / len(part):.2f}", "<= 2")
    even = smooth(65_536)
    bare = len(encode_integers(even.steps)) + len(encode_integers(even.at_us))
    show("  steps and regular times", f"{bare / len(even):.4f}", "<= 2")
    show(
        "  encoding, M points/s",
        f"{best(lambda: len(part) / seconds(lambda: encode(part)) / 1e6, 5, max):.1f}",
    )


def add(ws: Workspace, run: str, key: str, points: Points) -> None:
    from fettle.tracking.points import add as put

    with ws.database.write() as tx:
        put(tx, run, {key: points})


def reading(ws: Surface, local: Workspace, rounds: int, peer: list[float], where: str) -> None:
    run = local.tracking.start("bench").id
    add(local, run, "short", noisy(100_000))
    took = best(lambda: seconds(lambda: ws.tracking.history(run, "short").arrays()), 3 * rounds)
    show(f"history of 100,000 points as arrays, ms ({where})", f"{took * 1e3:.1f}", "<= 20")
    if peer:
        show("  mlflow get_metric_history, ms", f"{peer[2] * 1e3:,.0f}", f"ratio {peer[2] / took:,.0f}")
    for begin in range(0, 10_000_000, 1_000_000):
        add(local, run, "long", noisy(1_000_000, begin))
    for what, window in (
        ("whole", {}),
        ("half of it", {"from_step": 2_000_000, "to_step": 7_000_000}),
        ("50,000 steps of it", {"from_step": 4_000_000, "to_step": 4_050_000}),
    ):

        def draw(window: dict[str, int] = window) -> object:
            return ws.tracking.curves([run], "long", most=1000, **window)

        show(
            f"chart of 10,000,000 points, {what}, ms ({where})",
            f"{best(lambda: seconds(draw), 3 * rounds) * 1e3:.1f}",
            "<= 50",
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mlflow", help="a Python that has MLflow")
    parser.add_argument("--postgres", help="an empty PostgreSQL database to repeat storing and reading on")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    peer: list[float] = []
    if given.mlflow:
        said = subprocess.run([given.mlflow, "-c", MLFLOW], capture_output=True, text=True, check=True).stdout
        peer = [float(line) for line in said.split()[-3:]]
    show("", "measured", "target")
    with tempfile.TemporaryDirectory(prefix="fettle-bench-") as place:
        folder = Path(place)
        with Workspace.create(folder) as ws:
            logging(ws, folder, given.rounds, peer)
            storing(ws, given.rounds)
            sizes(ws)
            reading(ws, ws, given.rounds, peer, "SQLite")
        through_the_server(folder, given.rounds, peer)
        if given.postgres:
            with Workspace.open(f"{given.postgres}&blobs={folder / 'blobs'}") as ws:
                assert isinstance(ws, Workspace)
                storing(ws, given.rounds)
                reading(ws, ws, given.rounds, [], "PostgreSQL")


if __name__ == "__main__":
    main()
