"""Every stored file with one bit flipped: never read wrongly, named by fsck, and repaired from where it was pushed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from blake3 import blake3

from fettle.core.errors import FettleError
from fettle.data import versions
from fettle.data.engine import fsck, trees
from fettle.data.engine.repository import Repository
from fettle.data.places import BarePlace
from fettle.storage import open_blobs
from fettle.workspace import Workspace
from tests.faults.data_crew import files_of, write
from tests.faults.data_worker import rows_of

SEED = int(os.environ.get("FETTLE_SEED", "20261121"))


class Stored:
    """A workspace with versions of files and of rows, pushed to a folder; and what each version holds."""

    def __init__(self, place: Path) -> None:
        self.home, self.there, self.place = place / "here", place / "there", place
        self.files: dict[str, dict[str, str]] = {}
        with Workspace.create(self.home) as ws:
            folder = self.home / "files"
            for moment in (1, 2):
                write(folder, files_of(SEED, moment, 12))
                ws.data.add([str(folder)])
                self._note(files_of(SEED, moment, 12), ws.data.commit(str(folder)).commit)
            for batch in (1, 2):
                versions.commit_frame(ws, "rows", rows_of(batch, 200), append=True)
            self.rows = versions.load(ws, "rows")
            ws.data.tag("files", "v1")
            write(folder, {"staged": b"staged, not committed"})
            ws.data.add([str(folder)])
            for dataset in ("files", "rows"):
                ws.data.push(dataset, to=str(self.there))
            self.known = ws.data.fsck(full=True)
        assert self.known.faults == []
        self.blobs = self.home / ".fettle" / "blobs"
        shutil.copytree(self.home, place / "kept")
        shutil.copytree(self.there, place / "kept-there")

    def _note(self, files: dict[str, bytes], commit: str) -> None:
        self.files[commit] = {path: blake3(data).hexdigest() for path, data in files.items()}

    def restore(self) -> None:
        for name, kept in ((self.home, "kept"), (self.there, "kept-there")):
            shutil.rmtree(name)
            shutil.copytree(self.place / kept, name)
        shutil.rmtree(self.home / ".fettle" / "cache", ignore_errors=True)

    def read_all(self, ws: Workspace) -> int:
        """Read every version; how many could not be read. What is read is right."""
        unread = 0
        for commit, wanted in self.files.items():
            try:
                unread += self._read(ws, commit, wanted)
            except FettleError:
                unread += 1
        try:
            assert versions.load(ws, "rows").equals(self.rows)
            assert versions.load(ws, "rows@main~1").equals(rows_of(1, 200))
        except FettleError:
            unread += 1
        return unread

    def _read(self, ws: Workspace, commit: str, wanted: dict[str, str]) -> int:
        repo = Repository(ws.blobs, self.place / "caches" / os.urandom(4).hex())
        unread, found = 0, {}
        for each in trees.entries(versions.resolve(ws, f"files@{commit}").tree, repo.node):
            found[each.path] = each.digest
            try:
                assert blake3(repo.read(each.digest)).hexdigest() == each.digest
            except FettleError:
                unread += 1
        assert found == wanted
        return unread


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return Stored(tmp_path_factory.mktemp("rot"))


def files_in(folder: Path) -> list[str]:
    """Stored files, by path."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    )


def flips(folder: Path, name: str) -> Iterator[tuple[int, int]]:
    """Which byte and bit: one of each file, three of each pack (its head, its objects, its copy of the index)."""
    size = (folder / name).stat().st_size
    chance = random.Random(f"{SEED} {name.rpartition('.')[2]} {size}")
    if name.endswith(".pack"):
        yield from ((3, 1), (size // 3, 5), (size - 9, 0))
    yield chance.randrange(size), chance.randrange(8)


def flip(path: Path, place: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def test_every_file_of_a_workspace(stored: Stored) -> None:
    for name in files_in(stored.blobs):
        for place, bit in flips(stored.blobs, name):
            where = f"{name}, byte {place}, bit {bit}; repeat with FETTLE_SEED={SEED}"
            flip(stored.blobs / name, place, bit)
            try:
                with Workspace.open(str(stored.home)) as ws:
                    stored.read_all(ws)
                    assert_named(ws, name, where)
                    if name.startswith("objects/"):
                        continue  # a profile or schema: it is not pushed, and can be made anew
                    if "/holds/" in name:
                        ws.data.commit(str(stored.home / "files"))
                    ws.data.fsck(full=True, repair_from=str(stored.there))
                    assert ws.data.fsck(full=True).fault == "", where
                    assert stored.read_all(ws) == 0, where
            except FettleError as error:
                assert "has a format that this fettle does not know" in error.message, where
            finally:
                stored.restore()


def assert_named(ws: Workspace, name: str, where: str) -> None:
    """The check says which file it is."""
    faults = ws.data.fsck(full=True).faults
    assert [each for each in faults if each.key == name], (where, faults)


def test_every_file_of_a_place_that_was_pushed_to(stored: Stored, tmp_path: Path) -> None:
    """Whoever pulls from it gets what was pushed, or an error; a check names the file."""
    for number, name in enumerate(files_in(stored.there)):
        for place, bit in flips(stored.there, name):
            where = f"{name}, byte {place}, bit {bit}; repeat with FETTLE_SEED={SEED}"
            flip(stored.there / name, place, bit)
            with Workspace.create(tmp_path / f"{number}-{place}") as ws:
                try:
                    for dataset in ("files", "rows"):
                        ws.data.pull(dataset, source=str(stored.there))
                    assert stored.read_all(ws) == 0, where
                except FettleError as error:
                    assert error.message, where
                assert ws.data.fsck(full=True).faults == [], where
            if "/refs/" not in name:
                assert_named_there(stored, name, where)
            stored.restore()


def assert_named_there(stored: Stored, name: str, where: str) -> None:
    with Workspace.open(str(stored.home)) as ws:
        kept = ws.call("data.roots")
    place = BarePlace(open_blobs(str(stored.there)), stored.place / "caches" / os.urandom(4).hex())
    commits = [each.rpartition("/")[2] for each in files_in(stored.there) if "/commits/" in each]
    faults = fsck.check(
        place.repository,
        kept.trees,
        full=True,
        commits=commits,
        check_commit=lambda commit, data: "" if blake3(data).hexdigest() == commit else "other bytes",
    )
    faults += place.damaged()
    assert [each for each in faults if each.key == name], (where, faults)


def test_every_file_of_the_local_caches(stored: Stored) -> None:
    """Caches are checked too, or made anew."""
    with Workspace.open(str(stored.home)) as ws:
        assert stored.read_all(ws) == 0
    cache = stored.home / ".fettle" / "cache"
    names = [name for name in files_in(cache)]
    assert any(name.endswith(".parquet") for name in names)
    for name in names:
        path = cache / name
        if not path.exists():
            continue
        kept = path.read_bytes()
        for damaged in (kept[: len(kept) // 2], b"", bytes(len(kept)), flipped(kept)):
            path.write_bytes(damaged)
            with Workspace.open(str(stored.home)) as ws:
                assert stored.read_all(ws) == 0, (name, len(damaged))
                assert ws.data.fsck(full=True).faults == []
    stored.restore()


def flipped(data: bytes) -> bytes:
    place = random.Random(SEED).randrange(len(data))
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def test_a_damaged_table_is_repaired_and_loads(stored: Stored) -> None:
    for name in files_in(stored.blobs):
        if name.endswith(".pack"):
            flip(stored.blobs / name, 40, 3)
    with Workspace.open(str(stored.home)) as ws:
        checked = ws.data.fsck(full=True)
        assert any(path.startswith("table/") for each in checked.faults for path in each.paths)
        assert "fault(s)" in checked.fault
        ws.data.fsck(full=True, repair_from=str(stored.there))
        assert stored.read_all(ws) == 0
        assert isinstance(versions.load(ws, "rows"), pl.DataFrame)
    stored.restore()
