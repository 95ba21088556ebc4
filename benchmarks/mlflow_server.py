"""How many calls a second MLflow's unmodified client makes against fettle's server and against MLflow's own.

    python benchmarks/mlflow_server.py --mlflow PATH/TO/mlflow [--calls 100] [--rounds 3] [--workers 4]

`--mlflow` is the command of an environment with the full package, such as `/tmp/venv/bin/mlflow`; its Python runs the
client too, the same one against all servers. Each server is a process of its own with a fresh SQLite database; the
rounds take turns and the medians are compared.

Three columns of ratios to MLflow's server: `raw`, the same calls over plain HTTP, without the client; `client`, what a
user of MLflow's client sees; `bound`, the same client against a server that does nothing but send the bytes that
fettle had answered. No server can give the client more than `bound`: the rest of a call's time is the client's own.
Ready time and resident memory are those of the servers' process trees. Ends with one line of JSON.
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

CANNED = """
import json, socket, sys, threading

def wire(body):
    head = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n"
    return head % len(body) + body

book = {asked: wire(body.encode()) for asked, body in json.load(open(sys.argv[1])).items()}

def answer(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = connection.makefile("rb", 1 << 20)
    while line := stream.readline():
        length = 0
        while (header := stream.readline()) not in (b"\\r\\n", b""):
            if header[:15].lower() == b"content-length:":
                length = int(header[15:])
        stream.read(length)
        method, path = line.decode().split()[:2]
        found = book.get(f"{method} {path}") or book.get(f"{method} {path.partition('?')[0]}")
        connection.sendall(found or wire(b"{}"))

with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as listener:
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
"""
"""Sends what it is told to, at once."""

CLIENT = """
import json, sys, time
import mlflow
import requests.adapters
from mlflow.entities import Metric

url, calls, points, kept = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
book = {}
send = requests.adapters.HTTPAdapter.send

def keep(adapter, request, **options):
    answer = send(adapter, request, **options)
    for asked in (request.path_url, request.path_url.partition("?")[0]):
        book.setdefault(f"{request.method} {asked}", answer.text)
    return answer

if kept:
    requests.adapters.HTTPAdapter.send = keep

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

if kept:
    with open(kept[0], "w") as file:
        json.dump(book, file)

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

def whole(number):
    token = ""
    for start in range(0, points, 25000):
        asked = f"metrics/get-history?run_id={run}&metric_key=long&max_results=25000&page_token={token}"
        token = json.loads(ask("GET", asked)).get("next_page_token", "")

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
    "HTTP history (%d points)" % points: rate(whole, 2),
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


def measure(python: str, command: list[str], port: int, tally: Tally, *given: str) -> None:
    """One round against one server."""
    with served(command, port, tally) as url:
        environment = {**os.environ, "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
        done = subprocess.run(
            [python, "-c", CLIENT, url, *given], capture_output=True, text=True, env=environment, check=True
        )
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
    ours, theirs, canned = Tally(), Tally(), Tally()
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            book, sizes = f"{folder}/answers.json", (str(given.calls), str(given.points))
            port = str(free_port())
            fettle = [sys.executable, "-c", FETTLE, folder, port]
            measure(python, fettle, int(port), Tally(), *sizes, book)
            port = str(free_port())
            fettle = [sys.executable, "-c", FETTLE, f"{folder}/measured", port]
            measure(python, fettle, int(port), ours, *sizes)
            port = str(free_port())
            measure(python, [sys.executable, "-c", CANNED, book, port], int(port), canned, *sizes)
            port = str(free_port())
            peer = [given.mlflow, "server", "--port", port, "--workers", str(given.workers)]
            peer += ["--backend-store-uri", f"sqlite:///{folder}/peer.db", "--artifacts-destination", folder]
            measure(python, peer, int(port), theirs, *sizes)
    report(ours, theirs, canned, given.workers)


def report(ours: Tally, theirs: Tally, canned: Tally, workers: int) -> None:
    """Print the medians and their ratios."""
    middle = {
        who: {name: statistics.median(rates) for name, rates in tally.rates.items()}
        for who, tally in (("ours", ours), ("theirs", theirs), ("canned", canned))
    }
    print(f"{'calls a second':30}{'fettle':>9}{'mlflow':>9}{'raw':>8}{'client':>8}{'bound':>8}")
    result: dict[str, list[float | None]] = {}
    for name in [each for each in ours.rates if not each.startswith("HTTP ")]:
        mine, peer, bound = (middle[who][name] for who in ("ours", "theirs", "canned"))
        wire = f"HTTP {name}"
        raw = middle["ours"][wire] / middle["theirs"][wire] if wire in ours.rates else None
        result[name] = [None if raw is None else round(raw, 1), round(mine / peer, 1), round(bound / peer, 1)]
        shown = "" if raw is None else f"{raw:.1f}"
        print(f"{name:30}{mine:9.1f}{peer:9.1f}{shown:>8}{mine / peer:8.1f}{bound / peer:8.1f}")
    ready = statistics.median(ours.ready_s), statistics.median(theirs.ready_s)
    resident = statistics.median(ours.resident_mb), statistics.median(theirs.resident_mb)
    for name, (mine, peer) in (("ready after s", ready), ("resident MB", resident)):
        print(f"{name:30}{mine:9.2f}{peer:9.2f}{peer / mine:8.1f}")
    rest = {"ready_s": round(ready[0], 2), "resident_mb": round(resident[0], 1)}
    print(json.dumps({"benchmark": "mlflow_server", "peer_workers": workers, **result, **rest}))


if __name__ == "__main__":
    main()
