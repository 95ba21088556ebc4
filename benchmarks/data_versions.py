"""Versions of files against DVC, whole commands in the same run: 20,000 files of 4 KiB, and one big file.

    python benchmarks/data_versions.py [--dvc PATH/TO/dvc] [--files 20000] [--big-mib 2048] [--runs 3] [--big-runs 1]

DVC is a peer and no dependency: without `--dvc` it is installed by pip into a virtual environment of its own beside the
temporary folder. Prints, for each operation, DVC's and our median wall time, CPU time, peak memory, and the ratio,
beside its target; then the bytes stored, and what a plain loop in Python takes for the least of the same work.

Commands are started fresh each time, so start-up counts on both sides; both have their modules compiled, as after an
installation. The tools take turns in going first, operation by operation. Nothing is deleted before the end, for a disk
that has just deleted many files is slow for whoever comes next: what is to be empty is moved away.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

FILE_BYTES = 4096
FOLDERS = 20
TARGETS = {
    "add": 8,
    "status, clean": 10,
    "re-add, 1 % changed": 15,
    "checkout (copy), emptied": 6,
}


class Cost(NamedTuple):
    """What a command took: seconds on the clock and of CPU, and peak resident MiB (children included)."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def main() -> None:
    given = _arguments()
    if given.bounds is not None:
        print(json.dumps(_bounds(given.bounds)))
        return
    with tempfile.TemporaryDirectory(prefix="fettle-bench-", dir=given.folder) as folder:
        place = Path(folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(place / "bytecode")
        dvc = given.dvc or install_dvc(place / "peer")
        print(
            "DVC",
            subprocess.run([dvc, "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        )
        if given.files:
            small_files(place / "small", dvc, given.files, given.runs)
        if given.big_mib:
            big_file(place / "big", dvc, given.big_mib, given.big_runs)


def small_files(place: Path, dvc: str, count: int, runs: int) -> None:
    """Every operation on many small files, by both, one after the other."""
    print(
        f"\n{count:,} files x {FILE_BYTES} B in {FOLDERS} folders (random bytes), warm cache, median of {runs}"
    )
    _one_turn(_tools(place / "warm-up", dvc), 100, 0)
    turns = [_tools(place / str(turn), dvc) for turn in range(runs)]
    costs: dict[tuple[str, str], list[Cost]] = {}
    limits: dict[str, list[float]] = {}
    for turn, tools in enumerate(turns):
        for key, cost in _one_turn(tools, count, turn).items():
            costs.setdefault(key, []).append(cost)
        for what, seconds in _limits(place / f"limits-{turn}", count).items():
            limits.setdefault(what, []).append(seconds)
    _table(costs, TARGETS)
    for name, tool in turns[-1].items():
        files = [each for each in tool.store.rglob("*") if each.is_file()]
        stored = sum(each.stat().st_size for each in files)
        print(f"stored by {name}: {stored / 1e6:.1f} MB in {len(files):,} files")
    print(
        "plain Python, same files:",
        ", ".join(f"{what} {_median(each):.3f} s" for what, each in limits.items()),
    )


def _tools(place: Path, dvc: str) -> dict[str, Tool]:
    return {"dvc": Tool.dvc(place / "dvc", dvc), "fettle": Tool.fettle(place / "fettle")}


def _one_turn(tools: dict[str, Tool], count: int, turn: int) -> dict[tuple[str, str], Cost]:
    """All operations once; who goes first changes from turn to turn."""
    costs: dict[tuple[str, str], Cost] = {}
    order = list(tools.items()) if turn % 2 == 0 else list(tools.items())[::-1]

    def measure(what: str, words: str) -> None:
        for name, tool in order:
            costs[what, name] = tool.run(*getattr(tool, words))

    for _name, tool in order:
        tool.fresh()
        make_files(tool.data, count, seed=7)
    measure("add", "add")
    for _name, tool in order:
        tool.settle()
    measure("status, clean", "status")
    for _name, tool in order:
        _change(tool.data, count, seed=turn)
    measure("status, 1 % changed", "status")
    measure("re-add, 1 % changed", "add")
    for _name, tool in order:
        tool.settle()
        tool.data.rename(tool.folder.with_name(f"{tool.folder.name}-emptied"))
    measure("checkout (copy), emptied", "checkout")
    measure("status after checkout", "status")
    measure("checkout, nothing to do", "checkout")
    return costs


def _limits(place: Path, count: int) -> dict[str, float]:
    """What a loop takes that does nothing but the least of the work."""
    data = random.Random(1).randbytes(FILE_BYTES)
    for number in range(FOLDERS):
        (place / f"{number:02}").mkdir(parents=True)
    paths = [str(place / f"{number % FOLDERS:02}" / f"{number:06}.bin") for number in range(count)]
    found: dict[str, float] = {}
    start = time.perf_counter()
    for path in paths:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, data)
        os.close(descriptor)
    found["create and write"] = time.perf_counter() - start
    start = time.perf_counter()
    for number in range(FOLDERS):
        with os.scandir(place / f"{number:02}") as entries:
            for each in entries:
                each.stat(follow_symlinks=False)
    found["scandir and stat"] = time.perf_counter() - start
    start, buffer = time.perf_counter(), bytearray(FILE_BYTES)
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.readv(descriptor, (buffer,))
        os.close(descriptor)
    found["read all"] = time.perf_counter() - start
    start, block = time.perf_counter(), data * 256
    with (place / "pack").open("wb", buffering=0) as file:
        for _ in range(count * FILE_BYTES // len(block)):
            file.write(block)
        os.fsync(file.fileno())
    found["write all to one file, fsync"] = time.perf_counter() - start
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    found["start Python"] = time.perf_counter() - start
    return found


def _median(values: list[float]) -> float:
    return statistics.median(values)


def big_file(place: Path, dvc: str, size_mib: int, runs: int) -> None:
    """One big random file: add, append 1 MB, add again, check out."""
    print(f"\none file of {size_mib} MiB (random bytes), median of {runs}")
    place.mkdir()
    _touch(place / "touched", 2 * size_mib)
    costs: dict[tuple[str, str], list[Cost]] = {}
    bounds: dict[str, list[float]] = {}
    reached: list[float] = []
    for turn in range(runs):
        tools = list(_tools(place / str(turn), dvc).items())
        for name, tool in tools if turn % 2 == 0 else tools[::-1]:
            for what, cost in _big_turn(name, tool, size_mib).items():
                costs.setdefault((what, name), []).append(cost)
            if name == "fettle":
                reached.append((size_mib << 20) / costs["add", name][-1].wall_s)
                for what, rate in _bounds_apart(tool.data / "big.bin").items():
                    bounds.setdefault(what, []).append(rate)
            shutil.rmtree(tool.folder)
    _table(costs, {})
    add = _median(reached)
    print(f"add reached {add / 1e6:,.0f} MB/s; of what nothing but the work takes, measured in between:")
    for what, rates in bounds.items():
        rate = _median(rates)
        target = " (target 60 %)" if what == TARGET_BOUND else ""
        print(f"  {what:<58} {rate / 1e6:6,.0f} MB/s  {add / rate:4.0%}{target}")


def _big_turn(name: str, tool: Tool, size_mib: int) -> dict[str, Cost]:
    """All operations once, by one of the tools."""
    tool.fresh()
    tool.data.mkdir(parents=True)
    big = tool.data / "big.bin"
    make_big(big, size_mib)
    costs = {"add": tool.run(*tool.add)}
    tool.settle()
    costs["status, clean"] = tool.run(*tool.status)
    before = _stored(tool.store)
    with big.open("ab") as file:
        file.write(random.Random(1).randbytes(1_000_000))
    costs["re-add, 1 MB appended"] = tool.run(*tool.add)
    tool.settle()
    print(f"stored for 1 MB appended by {name}: {(_stored(tool.store) - before) / 1e6:.2f} MB")
    shutil.rmtree(tool.data)
    costs["checkout (copy)"] = tool.run(*tool.checkout)
    return costs


TARGET_BOUND = "chunk + hash, one core"


def _bounds(path: Path) -> dict[str, float]:
    """Bytes a second of nothing but the work that adding a file cannot do without; the first 256 MiB of it.

    Every byte is chunked, hashed as part of a chunk, hashed as part of the file, and written; that is all measured.
    """
    from blake3 import blake3
    from pyfastcdc import FastCDC

    data = memoryview(_first(path))
    cutter = FastCDC(avg_size=64 << 10, min_size=16 << 10, max_size=128 << 10)
    sizes: list[int] = []

    def cut() -> None:
        sizes.extend(len(each.data) for each in cutter.cut_buf(data))

    def hash_chunks() -> None:
        at = 0
        for size in sizes:
            blake3(data[at : at + size]).digest()
            at += size

    def read_and_hash() -> None:
        hasher, buffer = blake3(), bytearray(1 << 20)
        with path.open("rb", buffering=0) as file:
            for _ in range(len(data) >> 20):
                hasher.update(memoryview(buffer)[: file.readinto(buffer)])

    def write() -> None:
        with (path.parent / "written").open("wb", buffering=0) as file:
            for at in range(0, len(data), 4 << 20):
                file.write(data[at : at + (4 << 20)])
            os.fsync(file.fileno())

    alone = {each.__name__: _seconds(each) for each in (cut, hash_chunks, read_and_hash, write)}
    (path.parent / "written").unlink()
    chunked = alone["cut"] + alone["hash_chunks"]
    both = threading.Thread(target=read_and_hash)
    start = time.perf_counter()
    both.start()
    cut()
    hash_chunks()
    both.join()
    together = time.perf_counter() - start
    seconds = {
        TARGET_BOUND: chunked,
        "read + chunk + hash of chunks and file, one core": chunked + alone["read_and_hash"],
        "read + chunk + hash of chunks and file, two threads": together,
        "write and fsync in this folder": alone["write"],
        "all of it, in no time lost between two cores": sum(alone.values()) / 2,
    }
    return {what: len(data) / each for what, each in seconds.items()}


def _bounds_apart(path: Path) -> dict[str, float]:
    """As `_bounds`, in a process of its own: the peak memory of this one would be told of commands started after."""
    program = [sys.executable, __file__, "--bounds", str(path)]
    return json.loads(subprocess.run(program, check=True, capture_output=True).stdout)


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(256 << 20)


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _touch(path: Path, size_mib: int) -> None:
    """Write and delete: memory that a virtual machine has never used is slow for whoever comes first."""
    block = bytes(1 << 20)
    with path.open("wb", buffering=0) as file:
        for _ in range(size_mib):
            file.write(block)
    path.unlink()


class Tool:
    """One of the two: its folder, and its commands."""

    def __init__(self, folder: Path, store: str, program: list[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.store = folder / store
        self.program = program
        self.add: list[str] = []
        self.status: list[str] = []
        self.checkout: list[str] = []
        self.begin: list[list[str]] = []
        self.after: list[list[str]] = []

    @classmethod
    def dvc(cls, folder: Path, program: str) -> Tool:
        tool = cls(folder, ".dvc/cache", [program])
        tool.add, tool.status = ["add", "data", "-q"], ["status", "-q"]
        tool.checkout = ["checkout", "data.dvc", "-q", "--force"]
        tool.begin = [
            ["init", "--no-scm", "-q"],
            ["config", "core.analytics", "false"],
            ["config", "cache.type", "copy"],
        ]
        return tool

    @classmethod
    def fettle(cls, folder: Path) -> Tool:
        tool = cls(folder, ".fettle/blobs", [str(Path(sys.executable).with_name("fettle"))])
        tool.add, tool.status = ["data", "add", "data"], ["data", "status", "data"]
        tool.checkout = ["data", "checkout", "data"]
        tool.begin = [["data", "datasets"]]
        tool.after = [["data", "commit", "data", "-m", "benchmark"]]
        return tool

    def fresh(self) -> None:
        """An empty folder in which the tool is set up."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / ".fettle").mkdir() if self.program[0].endswith("fettle") else None
        for words in self.begin:
            self.run(*words)

    def settle(self) -> None:
        """What the tool needs besides so that the state is kept; not timed."""
        for words in self.after:
            self.run(*words)

    def run(self, *words: str) -> Cost:
        """Run one command; an error of it ends the benchmark."""
        start = time.perf_counter()
        child = subprocess.Popen(
            [*self.program, *words], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        said = child.stderr.read() if child.stderr else b""
        _, state, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(state)
        changed = words[:1] == ("status",) and child.returncode == 1  # how DVC says that something changed
        if child.returncode != 0 and not changed:
            sys.exit(f"{self.program[0]} {' '.join(words)} failed: {said.decode()[-2000:]}")
        return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _table(costs: dict[tuple[str, str], list[Cost]], targets: Mapping[str, float]) -> None:
    print(
        f"{'operation':<26} {'DVC s':>8} {'ours s':>8} {'ratio':>7} {'CPU ratio':>9} {'target':>9} {'MiB':>10}"
    )
    for what in dict.fromkeys(each for each, _ in costs):
        peer, ours = (
            Cost(*(statistics.median(column) for column in zip(*costs[what, name], strict=True)))
            for name in ("dvc", "fettle")
        )
        target = f"{targets[what]:.0f}x" if what in targets else ""
        target += "" if not target else " ok" if peer.wall_s / ours.wall_s >= targets[what] else " short"
        print(
            f"{what:<26} {peer.wall_s:8.3f} {ours.wall_s:8.3f} {peer.wall_s / ours.wall_s:6.1f}x"
            f" {peer.cpu_s / ours.cpu_s:8.1f}x {target:>9} {peer.peak_mib:4.0f} / {ours.peak_mib:.0f}"
        )


def make_files(folder: Path, count: int, *, seed: int) -> None:
    """Many small files of random bytes, the same every time."""
    source = random.Random(seed)
    for number in range(FOLDERS):
        (folder / f"{number:02}").mkdir(parents=True)
    for number in range(count):
        (folder / f"{number % FOLDERS:02}" / f"{number:06}.bin").write_bytes(source.randbytes(FILE_BYTES))


def _change(folder: Path, count: int, *, seed: int) -> None:
    source = random.Random(seed)
    for number in source.sample(range(count), count // 100):
        (folder / f"{number % FOLDERS:02}" / f"{number:06}.bin").write_bytes(source.randbytes(FILE_BYTES))


def make_big(path: Path, size_mib: int) -> None:
    """One file of random bytes."""
    source = random.Random(3)
    with path.open("wb") as file:
        for _ in range(size_mib):
            file.write(source.randbytes(1 << 20))


def _stored(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def install_dvc(folder: Path, wanted: str = "dvc") -> str:
    """DVC's program, in an environment of its own."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", wanted], check=True)
    return str(folder / "bin" / "dvc")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dvc", default="", help="DVC's program; installed if not given")
    parser.add_argument("--files", type=int, default=20_000, help="0 leaves the small files out")
    parser.add_argument("--big-mib", type=int, default=2048, help="0 leaves the big file out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--big-runs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="Where the temporary folder is made")
    parser.add_argument("--bounds", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
