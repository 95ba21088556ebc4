"""How many logged predictions a second one worker answers, beside uvicorn's bare hello in the same run.

    python benchmarks/serving.py [--seconds 2] [--rounds 3] [--connections 32]

Each server is a process of its own; the load comes from this one (keep-alive connections, one row a request), so the
two share the machine. The rounds take turns, the medians are compared. Look at the ratio and at the processor time a
request costs the server; requests a second depend on what else the machine does. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import polars as pl
import uvloop

from fettle.serving import read

HELLO = """
import socket, sys, uvicorn

async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"hello":"world"}'[:16]})

listener = socket.create_server(("127.0.0.1", 0))
print("http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
config = uvicorn.Config(
    app, loop="uvloop", http="httptools", lifespan="off", ws="none", log_level="error", access_log=False
)
uvicorn.Server(config).run(sockets=[listener])
"""

ENDPOINT = """
import sys
from fettle.serving import serve
from fettle.workspace import Workspace

serve(Workspace.open(sys.argv[1]), "bench", announce=lambda url: print(url, flush=True), fast=sys.argv[2] == "fast")
"""


@dataclass
class Measured:
    """One server's rounds."""

    per_s: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    failures: int = 0

    def summary(self) -> dict[str, float]:
        """Medians over the rounds."""
        rounds = {"per_s": self.per_s, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms, "cpu_us": self.cpu_us}
        medians = {name: round(statistics.median(values), 3) for name, values in rounds.items()}
        return medians | {"failures": float(self.failures)}


class Asking(asyncio.Protocol):
    """One connection that asks again as soon as it was answered, until the time is over."""

    def __init__(self, message: bytes, until: float, times: list[float], failed: list[bytes]) -> None:
        self.message, self.until, self.times, self.failed = message, until, times, failed
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is not a subclass
        self.ask()

    def ask(self) -> None:
        self.asked_at = time.perf_counter()
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        now = time.perf_counter()
        self.times.append(now - self.asked_at)
        if not head.startswith(b"HTTP/1.1 200"):
            self.failed.append(self.got)
        self.got = b""
        if now < self.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def load(url: str, message: bytes, seconds: float, connections: int) -> tuple[list[float], list[bytes]]:
    """Keep `connections` busy for some seconds; return the latencies in seconds and the answers that were not 200."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    loop, until = asyncio.get_running_loop(), time.perf_counter() + seconds
    times: list[float] = []
    failed: list[bytes] = []
    made = [
        await loop.create_connection(lambda: Asking(message, until, times, failed), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.over for _, protocol in made))
    return times, failed


def measure(into: Measured, url: str, pid: int, body: bytes, seconds: float, connections: int) -> None:
    """One round."""
    head = b"POST /predict HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    message = head % len(body) + body
    uvloop.run(load(url, message, min(0.5, seconds), connections))
    cpu, begun = cpu_s(pid), time.perf_counter()
    times, failed = uvloop.run(load(url, message, seconds, connections))
    spent = time.perf_counter() - begun
    times.sort()
    into.per_s.append(len(times) / spent)
    into.p50_ms.append(times[len(times) // 2] * 1000)
    into.p99_ms.append(times[int(len(times) * 0.99)] * 1000)
    into.cpu_us.append((cpu_s(pid) - cpu) / len(times) * 1e6)
    into.failures += len(failed)


def cpu_s(pid: int) -> float:
    """Processor time a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(*arguments: str) -> Iterator[tuple[str, int]]:
    """Run a Python program that prints its URL; yields the URL and the process id."""
    command, environment = [sys.executable, "-c", *arguments], os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait(30)


def deploy(folder: Path) -> bytes:
    """Make a workspace with a served model of the electricity market; return the body of a one-row request."""
    from fettle import packaging, training
    from fettle.workspace import Workspace

    data = Path(str(files("fettle.projects") / "electricity.parquet"))
    frame = pl.read_parquet(data).head(4_000)
    plan = training.plan(frame, "class", time="at")
    algorithm = training.for_task(plan.task)["hist_gradient_boosting"]
    fitted = training.fit(
        frame[:3_000], plan, training.Trial(0, algorithm.name, dict(algorithm.defaults), "complete")
    )
    with Workspace.create(folder) as ws:
        version = ws.registry.register(
            "market", packaging.store(ws.blobs, packaging.build(fitted, frame[3_000:]))
        )
        ws.registry.promote("market", version.version)
        ws.serving.deploy("bench", "market")
    row = frame.select(plan.columns).row(17, named=True)
    return json.dumps({"rows": [row]}, separators=(",", ":"), default=str).encode()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seconds", type=float, default=2.0, help="length of a round (default: 2)")
    options.add_argument("--rounds", type=int, default=3, help="rounds for each server (default: 3)")
    options.add_argument("--connections", type=int, default=32, help="keep-alive connections (default: 32)")
    chosen = options.parse_args()
    measured = {name: Measured() for name in ("uvicorn hello", "fettle", "fettle without its fast lane")}
    with tempfile.TemporaryDirectory() as folder:
        body = deploy(Path(folder))
        with (
            server(HELLO) as hello,
            server(ENDPOINT, folder, "fast") as fast,
            server(ENDPOINT, folder, "plain") as plain,
        ):
            for _ in range(chosen.rounds):
                for name, (url, pid) in zip(measured, (hello, fast, plain), strict=True):
                    measure(measured[name], url, pid, body, chosen.seconds, chosen.connections)
        logged = sum(1 for _ in read(Path(folder) / ".fettle" / "serving" / "bench"))
    results = {name: each.summary() for name, each in measured.items()}
    for name, each in results.items():
        print(
            f"{name:30} {each['per_s']:9,.0f}/s   p50 {each['p50_ms']:6.2f} ms   p99 {each['p99_ms']:6.2f} ms"
            f"   {each['cpu_us']:6.1f} µs of processor a request   {each['failures']:.0f} failures"
        )
    ratio = results["fettle"]["per_s"] / results["uvicorn hello"]["per_s"]
    print(
        f"fettle with model and log is {ratio:.2f} times uvicorn's bare hello; {logged:,} predictions are in the log"
    )
    print(json.dumps({"results": results, "ratio_to_hello": round(ratio, 3), "logged": logged}))


if __name__ == "__main__":
    main()
