"""Hands for tests that kill: processes that work on versions, and what a store must be like after any of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3

from fettle.data.engine import fsck, trees
from fettle.data.engine.repository import Repository
from fettle.workspace import Workspace

WORKER = Path(__file__).with_name("data_worker.py")


class Outcome(NamedTuple):
    """What came of a job: what it returned and after how many seconds, if it came so far; what it said; its end."""

    done: Any
    seconds: float
    said: list[Any]
    failed: list[str]
    status: int

    @property
    def acknowledged(self) -> bool:
        return self.seconds > 0


class Crew:
    """Does jobs in processes of their own; see `data_worker`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
            cwd=Path(__file__).parents[2],
        )
        assert self._line()[1] == "ready"

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def work(
        self,
        *jobs: tuple[str, str, dict[str, Any]] | tuple[str, str, dict[str, Any], float],
        heard: Callable[[int, Any], None] | None = None,
    ) -> list[Outcome]:
        """Do jobs at once and wait for all.

        Args:
            jobs: Verb, workspace and arguments of each; and after how many seconds it is killed, if it is.
            heard: Called with the number of a job and what it says, at once.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps(jobs).encode() + b"\n")
        self._process.stdin.flush()
        done: dict[int, list[Any]] = {}
        said: dict[int, list[Any]] = {number: [] for number in range(len(jobs))}
        failed: dict[int, list[str]] = {}
        status: dict[int, int] = {}
        while len(status) < len(jobs):
            number, word, what = self._line()
            if word == "says":
                said[number].append(json.loads(what))
                if heard:
                    heard(number, said[number][-1])
            elif word == "done":
                done[number] = json.loads(what)
            elif word == "fails":
                failed[number] = json.loads(what)
            elif word == "ends":
                status[number] = int(what)
        return [
            Outcome(*done.get(each, [None, 0.0]), said[each], failed.get(each, []), status[each])
            for each in range(len(jobs))
        ]

    def do(self, verb: str, ws: Workspace, **arguments: Any) -> Outcome:
        """Do one job, which must succeed."""
        outcome = self.work((verb, str(ws.folder.parent), arguments))[0]
        assert outcome.status == 0, outcome
        return outcome

    def killed(self, verb: str, ws: Workspace, after_s: float, **arguments: Any) -> Outcome:
        """Do one job and kill it."""
        return self.work((verb, str(ws.folder.parent), arguments, after_s))[0]

    def _line(self) -> tuple[int, str, str]:
        assert self._process.stdout
        line = self._process.stdout.readline().decode()
        assert line, "the crew's process is gone"
        number, word, what = line.rstrip("\n").split(" ", 2)
        return int(number), word, what


@contextmanager
def crew() -> Iterator[Crew]:
    """A crew, dismissed afterwards."""
    made = Crew()
    try:
        yield made
    finally:
        made.close()


class Ledger:
    """What was acknowledged, remembered apart from the store: the digest of each file of each version."""

    def __init__(self, ws: Workspace, scratch: Path) -> None:
        self.ws, self.scratch, self._opened = ws, scratch, 0
        self.versions: dict[str, dict[str, str]] = {}
        self._read: set[str] = set()

    def note(self, commit: str, files: dict[str, bytes]) -> None:
        self.versions[commit] = {path: blake3(data).hexdigest() for path, data in files.items()}

    def note_table(self, commit: str) -> None:
        """Of a table, what the store has now counts; its rows are compared elsewhere."""
        tree = self.ws.data.show(f"{self._dataset(commit)}@{commit}").tree
        self.versions[commit] = {each.path: each.digest for each in trees.entries(tree, self.fresh().node)}

    def fresh(self) -> Repository:
        """The store as somebody sees it who has seen nothing of it before."""
        self._opened += 1
        return Repository(self.ws.blobs, self.scratch / str(self._opened))

    def check(self) -> None:
        """The store is sound, and every version that was acknowledged is whole."""
        checked = self.ws.data.fsck(full=True)
        left_by_kills = [each for each in checked.faults if each.kind == "index" and each.repaired]
        assert checked.faults == left_by_kills, checked.lines()
        repo = self.fresh()
        for commit, files in self.versions.items():
            shown = self.ws.data.show(f"{self._dataset(commit)}@{commit}")
            found = {each.path: each.digest for each in trees.entries(shown.tree, repo.node)}
            assert found == files, f"{commit} changed"
            for digest in set(files.values()):
                assert blake3(repo.read(digest)).hexdigest() == digest

    def _dataset(self, commit: str) -> str:
        from fettle.data.repositories import read_commit

        return read_commit(self.fresh().commit_bytes(commit)).dataset


def sound(repository: Repository, roots: list[str]) -> None:
    """A store without a database is sound."""
    faults = fsck.check(repository, roots, full=True)
    assert not [each for each in faults if not each.repaired], faults


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder have these files and no others."""
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        if str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def content(folder: Path) -> dict[str, bytes]:
    """What a folder holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def files_of(seed: int, moment: int, count: int = 40) -> dict[str, bytes]:
    """A folder at a moment: of forty files a third changes each time, one is large, one comes and one goes."""
    found = {}
    for number in range(moment % 3, count + moment % 3):
        chance = random.Random(f"{seed}/{number}/{(moment + number) // 3}")
        found[f"{number % 5}/{number}.bin"] = chance.randbytes(chance.randrange(1, 6000))
    large = random.Random(seed).randbytes(600_000)
    found["large.bin"] = large[: moment * 10_000] + str(moment).encode() + large[moment * 10_000 :]
    return found


def litter(folder: Path) -> list[str]:
    """What was being written when somebody was killed: names that are no data."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and (
            path.name.startswith((".fettle-part-", ".state.", ".index."))
            or path.parent.name == ".pending"
            or path.suffix in (".tmp", ".part")
        )
    )
