"""How many calls a second MLflow's unmodified client makes against fettle's server and against MLflow's own.

    python benchmarks/mlflow_server.py --mlflow PATH/TO/mlflow [--calls 100] [--rounds 3] [--workers 4]

`--mlflow` is the command of an environment with the full package, such as `/tmp/venv/bin/mlflow`; its Python runs the
client too, the same one against both servers. Each server is a process of its own with a fresh SQLite database; the
rounds take turns and the medians are compared. The rows `HTTP` are the same calls without
the client. Ready time and resident memory are those of the servers' process trees.
Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FETTLE = """
import sys
from fettle.server.run import run
from fettle.workspace import Workspace

run(Workspace.create(sys.argv[1]), port=int(sys.argv[2]))
"""

CLIENT = """
import json, sys, time
import mlflow
from mlflow.entities import Metric

url, calls, points = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = mlflow.MlflowClient(url)
experiment = client.create_experiment(f"bench {time.time()}")
run = client.create_run(experiment).info.run_id

def rate(work, times):
    work(0)
    began = time.perf_counter()
    for number in range(1, times + 1):
        work(number)
    return times / (time.perf_counter() - began)

batch = [Metric("batched", 0.1, each, each) for each in range(1000)]
found = {
    "create_run": rate(lambda number: client.create_run(experiment), calls),
    "log_metric": rate(lambda number: client.log_metric(run, "m", number * 0.5, step=number), calls),
    "log_param": rate(lambda number: client.log_param(run, f"p{number}", number), calls),
    "get_run": rate(lambda number: client.get_run(run), calls),
    "search_runs (50 by metric)": rate(
        lambda number: client.search_runs([experiment], max_results=50, order_by=["metrics.m DESC"]),
        max(5, calls // 10),
    ),
    "log_batch (1,000 points)": rate(lambda number: client.log_batch(run, batch), max(5, calls // 10)),
}
for start in range(0, points, 1000):
    client.log_batch(run, [Metric("long", each * 0.5, each, each) for each in range(start, start + 1000)])
found["history (%d points)" % points] = rate(lambda number: client.get_metric_history(run, "long"), 2)

# the same over plain HTTP: what the servers do, without the milliseconds that the client spends on each call
import http.client
from urllib.parse import urlsplit

wire = http.client.HTTPConnection(urlsplit(url).netloc)

def ask(method, path, fields=None):
    body = None if fields is None else json.dumps(fields)
    wire.request(method, "/api/2.0/mlflow/" + path, body, {"Content-Type": "application/json"})
    answer = wire.getresponse()
    data = answer.read()
    assert answer.status == 200, data
    return data

def point(number):
    return {"key": "wire", "value": number * 0.5, "timestamp": number, "step": number}

many = {"run_id": run, "metrics": [point(number) | {"key": "wires"} for number in range(1000)]}
wanted = {"experiment_ids": [experiment], "max_results": 50, "order_by": ["metrics.m DESC"]}
found |= {
    "HTTP create_run": rate(lambda number: ask("POST", "runs/create", {"experiment_id": experiment}), calls),
    "HTTP log_metric": rate(lambda number: ask("POST", "runs/log-metric", {"run_id": run, **point(number)}), calls),
    "HTTP log_param": rate(
        lambda number: ask("POST", "runs/log-parameter", {"run_id": run, "key": f"w{number}", "value": "1"}), calls
    ),
    "HTTP get_run": rate(lambda number: ask("GET", f"runs/get?run_id={run}"), calls),
    "HTTP search_runs (50 by metric)": rate(lambda number: ask("POST", "runs/search", wanted), max(5, calls // 10)),
    "HTTP log_batch (1,000 points)": rate(lambda number: ask("POST", "runs/log-batch", many), max(5, calls // 10)),
}
print(json.dumps(found))
"""


@dataclass
class Tally:
    """What was measured of one server."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    ready_s: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)


@contextmanager
def served(command: list[str], port: int, tally: Tally) -> Iterator[str]:
    """Start a server, wait until it is healthy, and end it with all its children."""
    url = f"http://127.0.0.1:{port}"
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not healthy(url):
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise RuntimeError(f"the server did not start: {' '.join(command)}")
            time.sleep(0.02)
        tally.ready_s.append(time.perf_counter() - began)
        yield url
        tally.resident_mb.append(resident_mb(process.pid))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def healthy(url: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def resident_mb(session: int) -> float:
    """The resident memory of all processes of a session, in MB."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                total += int((entry / "statm").read_text().split()[1])
        except OSError:
            continue  # it ended meanwhile
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(python: str, command: list[str], port: int, tally: Tally, calls: int, points: int) -> None:
    """One round against one server."""
    with served(command, port, tally) as url:
        environment = {**os.environ, "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
        done = subprocess.run(
            [python, "-c", CLIENT, url, str(calls), str(points)],
            capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
    for name, rate in json.loads(done.stdout.splitlines()[-1]).items():
        tally.rates.setdefault(name, []).append(rate)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--mlflow", required=True, help="the mlflow command of an environment with the full package"
    )
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4, help="of MLflow's server; 4 is its default")
    given = parser.parse_args()
    python = str(Path(given.mlflow).parent / "python")
    ours, theirs = Tally(), Tally()
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            measure(
                python,
                [sys.executable, "-c", FETTLE, folder, str(port)],
                port,
                ours,
                given.calls,
                given.points,
            )
            port = free_port()
            peer = [given.mlflow, "server", "--port", str(port), "--workers", str(given.workers)]
            peer += ["--backend-store-uri", f"sqlite:///{folder}/peer.db", "--artifacts-destination", folder]
            measure(python, peer, port, theirs, given.calls, given.points)
    report(ours, theirs, given.workers)


def report(ours: Tally, theirs: Tally, workers: int) -> None:
    """Print the medians and their ratios."""
    print(f"{'calls a second':34}{'fettle':>10}{'mlflow':>10}{'ratio':>8}")
    result: dict[str, float] = {}
    for name, rates in ours.rates.items():
        mine, peer = statistics.median(rates), statistics.median(theirs.rates[name])
        result[name] = round(mine / peer, 1)
        print(f"{name:34}{mine:10.1f}{peer:10.1f}{mine / peer:8.1f}")
    for name, mine, peer in (
        ("ready after s", statistics.median(ours.ready_s), statistics.median(theirs.ready_s)),
        ("resident MB", statistics.median(ours.resident_mb), statistics.median(theirs.resident_mb)),
    ):
        print(f"{name:34}{mine:10.2f}{peer:10.2f}{peer / mine:8.1f}")
        result[name] = round(mine, 2)
    print(json.dumps({"benchmark": "mlflow_server", "peer_workers": workers, **result}))


if __name__ == "__main__":
    main()
