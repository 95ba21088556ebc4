"""Push and pull against an S3 server, beside DVC in the same run: seconds, requests, bytes.

    python benchmarks/data_sync.py [--dvc PATH/TO/dvc] [--files 5000] [--big-mib 256] [--folder FOLDER]

The server is moto on this machine, behind a small relay that counts what passes: requests, and bytes each way. DVC is
a peer and no dependency; without `--dvc` it is installed, with its S3 part, into an environment of its own. The server
is written in Python and is the limit of both; so the number of requests says more than the seconds: every one of them
waits for the way there and back on a real network.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data_versions import Tool, install_dvc, make_big, make_files

FEW = 0.01


class Passed(NamedTuple):
    """What went through the relay: requests, and bytes to the server and back."""

    requests: int
    sent: int
    received: int


class Relay:
    """Passes connections on to a server and counts; a request is what begins with the name of a method."""

    METHODS = (b"GET /", b"PUT /", b"POST /", b"HEAD /", b"DELETE /")

    def __init__(self, port: int) -> None:
        self._target = port
        self._counts = [0, 0, 0]
        self._guard = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def passed(self) -> Passed:
        """Everything until now."""
        with self._guard:
            return Passed(*self._counts)

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            server = socket.create_connection(("127.0.0.1", self._target))
            for one, other, out in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(one, other, out), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, out: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 18):
                with self._guard:
                    self._counts[0] += out and data.startswith(self.METHODS)
                    self._counts[1 if out else 2] += len(data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def main() -> None:
    given = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="fettle-bench-", dir=given.folder) as folder,
        _server() as port,
    ):
        place = Path(folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(place / "bytecode")
        dvc = given.dvc or install_dvc(place / "peer", "dvc[s3]")
        relay = Relay(port)
        print(f"{given.files:,} files x 4096 B and one file of {given.big_mib} MiB (random bytes), to moto")
        print(f"{'operation':<24} {'tool':<7} {'s':>7} {'requests':>9} {'MB sent':>9} {'MB received':>12}")
        for name in ("dvc", "fettle"):
            _one(place / name, name, dvc, relay, given.files, given.big_mib)


def _one(place: Path, name: str, dvc: str, relay: Relay, files: int, big_mib: int) -> None:
    """Push, push again, push after a change, and pull into an empty store, by one of the tools."""
    tool = Tool.dvc(place, dvc) if name == "dvc" else Tool.fettle(place)
    push, pull = _commands(name, tool, relay.port)
    tool.fresh()
    make_files(tool.data, files, seed=7)
    if big_mib:
        make_big(tool.data / "big.bin", big_mib)
    tool.run(*tool.add)
    tool.settle()

    def measure(what: str, words: list[str]) -> None:
        before = relay.passed()
        cost = tool.run(*words)
        now = relay.passed()
        requests, sent, received = (after - was for after, was in zip(now, before, strict=True))
        print(
            f"{what:<24} {name:<7} {cost.wall_s:7.2f} {requests:9,} {sent / 1e6:9.1f} {received / 1e6:12.1f}",
            flush=True,
        )

    measure("push, all", push)
    measure("push, nothing to do", push)
    for number in range(max(int(files * FEW), 1)):
        (tool.data / f"{number % 20:02}" / f"{number:06}.bin").write_bytes(os.urandom(4096))
    if big_mib:
        with (tool.data / "big.bin").open("ab") as file:
            file.write(os.urandom(1_000_000))
    tool.run(*tool.add)
    tool.settle()
    measure("push, 1 % and 1 MB more", push)
    tool = _elsewhere(name, tool, place)
    measure("pull, all", pull)


def _commands(name: str, tool: Tool, port: int) -> tuple[list[str], list[str]]:
    """How each pushes and pulls; DVC's remote is set up with the others of its first commands."""
    endpoint = f"http://127.0.0.1:{port}"
    if name == "fettle":
        url = f"s3://bench/fettle?endpoint={endpoint}&region=us-east-1"
        return ["data", "push", "data", "--to", url], ["data", "pull", "data", "--source", url]
    tool.begin += [
        ["remote", "add", "-d", "bench", "s3://bench/dvc"],
        ["remote", "modify", "bench", "endpointurl", endpoint],
    ]
    return ["push", "-q"], ["fetch", "-q"]


def _elsewhere(name: str, tool: Tool, place: Path) -> Tool:
    """The same as on another machine: nothing stored yet."""
    if name == "dvc":
        shutil.rmtree(tool.store)
        return tool
    tool.folder = place.with_name("fettle-elsewhere")
    shutil.rmtree(tool.folder, ignore_errors=True)
    tool.begin = [["data", "datasets"]]
    tool.fresh()
    return tool


@contextlib.contextmanager
def _server() -> Iterator[int]:
    """A moto server with a bucket; credentials for it are put into the environment."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # what moto takes for a secret
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    program = [
        sys.executable,
        "-c",
        "from moto.server import main; main()",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                request = urllib.request.Request(f"http://127.0.0.1:{port}/bench", method="PUT")
                urllib.request.urlopen(request).close()
                break
        yield port
    finally:
        server.terminate()
        server.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dvc", default="", help="DVC's program, with its S3 part; installed if not given")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--big-mib", type=int, default=256, help="0 leaves the big file out")
    parser.add_argument("--folder", type=Path, default=None, help="Where the temporary folder is made")
    return parser.parse_args()


if __name__ == "__main__":
    main()
