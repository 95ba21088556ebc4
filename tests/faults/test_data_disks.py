"""A real disk that is full in the middle of work on versions: a clear error, nothing half, and on it goes with room."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.core.errors import Unavailable
from fettle.data import versions
from fettle.workspace import Workspace
from tests.faults.data_crew import Crew, Ledger, content, crew, files_of, litter, write

MIB = 1 << 20


@pytest.fixture(scope="module")
def hands() -> Iterator[Crew]:
    with crew() as made:
        yield made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        # only root may mount; RLIMIT_FSIZE stands in for a full disk in tests/data/copies
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, room: int) -> Path:
    """Leave so many bytes of room; the file to remove to make more."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler.write_bytes(bytes(max(free - room, 0)))
    return filler


def big(seed: int, mib: int) -> dict[str, bytes]:
    return {f"{seed}-{each}.bin": random.Random(f"{seed}/{each}").randbytes(MIB) for each in range(mib)}


@pytest.mark.parametrize(
    ("verb", "room"),
    [
        *(("add", room) for room in (0, MIB)),
        *(("commit", room) for room in (0, 40_000)),
        *(("append", room) for room in (0, 40_000)),
        *(("gc", room) for room in (0, 40_000)),
        *(("push", room) for room in (0, MIB)),
        *(("checkout", room) for room in (0, 40_000)),
    ],
)
def test_a_full_disk(hands: Crew, small_disk: Path, tmp_path: Path, verb: str, room: int) -> None:
    """Sources lie on another disk; the workspace, the place that is pushed to and the folder on the small one."""
    with Workspace.create(small_disk / "ws") as ws:
        folder = ws.folder.parent / "files"
        ledger, head, arguments = prepared(ws, folder, tmp_path, small_disk, verb)
        filler = fill(small_disk, room)
        outcome = hands.work((verb, str(ws.folder.parent), arguments))[0]
        if outcome.status:
            kind, said = outcome.failed
            assert kind == "Unavailable", outcome
            assert "disk is full" in said, said
            assert "Free some space" in said or "df" in said, said
        else:
            assert room or verb == "gc", "there was room after all"
        filler.unlink()
        found = versions.head_of(ws, "files")
        assert found is not None
        assert outcome.status == 0 or found.id == head, "nothing half is visible"
        ledger.check()
        assert [each for each in litter(ws.folder) if ".pending" in each] == []
        if outcome.status:
            hands.do(verb, ws, **arguments)
        ledger.check()
        if verb == "checkout":
            assert content(folder) == files_of(1, 1)
            assert ws.data.status(str(folder)).clean


def prepared(
    ws: Workspace, folder: Path, beside: Path, disk: Path, verb: str
) -> tuple[Ledger, str, dict[str, object]]:
    """A dataset of files with two versions, and what the job is given."""
    ledger = Ledger(ws, beside / "caches")
    commits = []
    for moment in (1, 2):
        files = {**files_of(1, moment), **(big(1, 3) if moment == 2 else {})}
        write(folder, files)
        ws.data.add([str(folder)])
        commits.append(ws.data.commit(str(folder)).commit)
        ledger.note(commits[-1], files)
    ws.data.branch("files", "first", at=commits[0])
    if verb == "add":
        write(folder, {**files, **big(2, 3)})
        return ledger, commits[1], {"folder": str(folder)}
    if verb == "commit":
        write(folder, {**files, **big(2, 1)})
        ws.data.add([str(folder)])
        return ledger, commits[1], {"folder": str(folder)}
    if verb == "append":
        return ledger, commits[1], {"dataset": "rows", "batch": 1, "count": 90_000}
    if verb == "gc":
        write(folder, {**files, **big(3, 2)})
        ws.data.add([str(folder)])
        write(folder, files)
        ws.data.add([str(folder)])
        return ledger, commits[1], {}
    if verb == "push":
        return ledger, commits[1], {"dataset": "files", "to": str(disk / "there")}
    ws.data.checkout(str(folder), commits[0])
    write(folder, {})
    return ledger, commits[1], {"folder": str(folder), "ref": commits[0]}


def test_the_command_ends_with_code_7_and_says_what_to_do(small_disk: Path) -> None:
    with Workspace.create(small_disk / "ws") as ws:
        write(ws.folder.parent / "files", big(1, 4))
    filler = fill(small_disk, MIB)
    ended = subprocess.run(
        [sys.executable, "-m", "fettle", "data", "add", "files"],
        cwd=small_disk / "ws",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == Unavailable.exit_code == 7, ended.stderr
    assert "The disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr
    filler.unlink()
