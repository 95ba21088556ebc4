"""Processes that work on versions until they are done, or killed.

    python data_worker.py

Reads one line of JSON at a time: a list of jobs, each `[verb, workspace, {arguments}]`. Every job is done by a process
of its own, forked off one that has imported everything already, so that a hundred of them cost little. A fourth member
is after how many seconds the kernel kills the process with SIGKILL. What happens is said on standard output, one line
each: `number says JSON`, `number done JSON`, `number fails JSON`, `number ends status`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fettle.core.errors import Conflict, FettleError
from fettle.data import versions
from fettle.workspace import Workspace


def rows_of(batch: int, count: int) -> Any:  # a DataFrame; polars is imported late
    """The rows of a batch: no two batches share one."""
    import polars as pl

    ids = range(batch * 1000, batch * 1000 + count)
    return pl.DataFrame({"id": list(ids), "x": [each / 7 for each in ids], "s": [f"v{each}" for each in ids]})


def say(number: int, word: str, what: object) -> None:
    os.write(1, f"{number} {word} {what}\n".encode())


# --- the jobs: each gets the workspace and how to say something, and returns what is acknowledged


def add(ws: Workspace, _: Callable, folder: str, dataset: str | None = None) -> str:
    return ws.data.add([folder], dataset=dataset)[0].tree


def commit(ws: Workspace, _: Callable, folder: str, message: str = "") -> str:
    return ws.data.commit(folder, message=message).commit


def append(ws: Workspace, _: Callable, dataset: str, batch: int, count: int) -> str:
    return versions.commit_frame(ws, dataset, rows_of(batch, count), append=True, message=f"batch {batch}").id


def merge(ws: Workspace, _: Callable, dataset: str, other: str) -> str:
    return ws.data.merge(dataset, other).how


def gc(ws: Workspace, _: Callable) -> int:
    return ws.data.gc(grace="0s").collected.deleted_packs


def push(ws: Workspace, _: Callable, dataset: str, to: str) -> str:
    return ws.data.push(dataset, to=to).commit


def checkout(ws: Workspace, _: Callable, folder: str, ref: str) -> str:
    return ws.data.checkout(folder, ref).copies[0].commit


# --- jobs of a crowd


def append_often(ws: Workspace, say: Callable, dataset: str, batches: list[int], count: int) -> int:
    """Append batch after batch."""
    for batch in batches:
        say([batch, append(ws, say, dataset, batch, count)])
    return len(batches)


def edit_often(ws: Workspace, say: Callable, dataset: str, folder: str, start: str, names: list[str]) -> int:
    """Check a version out into a folder of one's own, and commit one new file after another."""
    _link(folder, dataset, start)
    ws.data.checkout(folder)
    for name in names:
        (Path(folder) / name).write_text(f"by {name}")
        ws.data.add([folder])
        say([name, ws.data.commit(folder, message=name).commit])
    return len(names)


def gc_until(ws: Workspace, say: Callable, done: list[str]) -> int:
    """Collect without grace until all these files are there."""
    count = deleted = 0
    while not all(Path(each).exists() for each in done):
        deleted += ws.data.gc(grace="0s").collected.deleted_packs
        count += 1
    say([count, deleted])
    return count


def stage_often(ws: Workspace, say: Callable, folder: str, seed: int, times: int, done: str) -> int:
    """Stage one content after another, a few over and over: what was dead is wanted again. Commit every third time."""
    place = Path(folder)
    place.mkdir()
    try:
        for number in range(times):
            for path, data in churn(seed, number).items():
                (place / path).write_bytes(data)
            ws.data.add([folder], dataset=place.name)
            if number % 3 == 2:
                say([number, ws.data.commit(folder).commit])
    finally:
        Path(done).touch()
    return times


def add_long(ws: Workspace, say: Callable, folder: str, done: str) -> str:
    """Stage much at once, and commit it."""
    try:
        ws.data.add([folder])
        return ws.data.commit(folder).commit
    finally:
        Path(done).touch()


def churn(seed: int, number: int) -> dict[str, bytes]:
    """The files of a moment: four contents that come back again and again, and one that is new."""
    import random

    kept = random.Random(f"{seed}/{number % 4}")
    found = {f"f{each}": kept.randbytes(3000) for each in range(20)}
    found["large"] = kept.randbytes(400_000)
    return {**found, "number": str(number).encode()}


JOBS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        add, commit, append, merge, gc, push, checkout, append_often, edit_often, gc_until, stage_often,
        add_long,
    )
}  # fmt: skip


def _link(folder: str, dataset: str, commit: str) -> None:
    """Say by a pointer file that a folder is to be a copy of a version."""
    from fettle.data.copies import pointers

    Path(pointers.pointer_path(folder)).write_text(pointers.encode(pointers.Pointer(dataset, commit)))


def die_after(seconds: float) -> None:
    """Have the kernel send SIGKILL to this process at that instant, whatever it does then."""
    # struct sigevent of Linux: value, signal, SIGEV_SIGNAL, padding; struct itimerspec: interval, value
    event = struct.pack("=Qii48x", 0, signal.SIGKILL, 0)
    value = struct.pack("=qqqq", 0, 0, int(seconds), max(int(seconds % 1 * 1e9), 1))
    libc, timer = ctypes.CDLL(None, use_errno=True), ctypes.c_void_p()
    if libc.timer_create(time.CLOCK_MONOTONIC, event, ctypes.byref(timer)):
        raise OSError(ctypes.get_errno(), "timer_create")
    if libc.timer_settime(timer, 0, value, None):
        raise OSError(ctypes.get_errno(), "timer_settime")


def _work(
    number: int, verb: str, folder: str, arguments: dict[str, Any], kill_after_s: float | None = None
) -> int:
    with Workspace.create(folder) as ws:
        ws.call("data.datasets")  # the database is open when the work begins
        if kill_after_s is not None:
            die_after(kill_after_s)
        began = time.perf_counter()
        try:
            made = JOBS[verb](ws, lambda what: say(number, "says", json.dumps(what)), **arguments)
        except FettleError as error:
            say(number, "fails", json.dumps([type(error).__name__, str(error)]))
            return 1
        say(number, "done", json.dumps([made, time.perf_counter() - began]))
        return 0


def _forked(*work: Any) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os._exit(_work(*work))
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(2)


def _warm_up() -> None:
    """Learn in a process of its own what work imports, and import that here, where nothing is at work when it forks."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "f").mkdir()
            (Path(place) / "f" / "a").write_text("a")
            with Workspace.create(place) as ws:
                ws.data.add([f"{place}/f"])
                first = ws.data.commit(f"{place}/f").commit
                append(ws, say, "t", 1, 3)
                ws.data.branch("t", "b")
                for branch, name in (("main", "x"), ("b", "s")):
                    rows = rows_of(1, 3).with_columns(rows_of(2, 3)[name])
                    versions.commit_frame(ws, "t", rows, branch=branch, key=["id"])
                ws.data.merge("t", "b")
                ws.data.push("f", to=f"{place}/there")
                ws.data.gc(grace="0s")
                ws.data.checkout(f"{place}/f", first)
                ws.data.branch("f", "b")
                ws.data.merge("f", "b")
        os.write(writer, "\n".join(sys.modules).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        names = pipe.read().split()
    os.waitpid(pid, 0)
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, Conflict):
            continue


IDLE = ("jemalloc_bg", "polars-ooc")
"""Threads that importing polars begins, and that wait for work of which there is none."""


def _threads() -> list[str]:
    return [each.read_text() for each in Path("/proc/self/task").glob("*/comm")]


def main() -> None:
    _warm_up()
    busy = [name for name in _threads() if not name.startswith(IDLE)]
    if len(busy) != 1:
        raise SystemExit(f"a process with threads at work cannot be forked safely: {busy}")
    os.write(1, b"0 ready 0\n")
    for line in sys.stdin:
        jobs = json.loads(line)
        working = {_forked(number, *job): number for number, job in enumerate(jobs)}
        while working:
            pid, status = os.wait()
            say(working.pop(pid), "ends", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
