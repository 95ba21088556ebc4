"""Whatever goes wrong in between: nothing of the user's is lost, and the same command goes on from there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fettle.core.errors import Conflict, Unavailable
from fettle.data.copies.places import all_copies
from fettle.data.engine import bulk
from fettle.data.engine.writer import Writer
from fettle.data.errands.copies import add, checkout, commit, restore, status
from fettle.workspace import Workspace
from tests.data.copies.conftest import content, fill

RUN = "import sys\nfrom fettle.cli.quick import try_run\nsys.exit(try_run(sys.argv[1:]))"
SMALL_FILES = (
    "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
    "from fettle.cli.quick import try_run\nsys.exit(try_run(sys.argv[2:]))"
)


def killed_at(moment_s: float, *words: str) -> bool:
    """Run a command, kill it after so many seconds; whether it was still at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(moment_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


def many(folder: Path, seed: int, count: int = 200) -> None:
    random_ = random.Random(seed)
    fill(folder, {f"{number % 7}/{number}.txt": str(random_.random()) * 20 for number in range(count)})


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment_the_same_command_goes_on(project: Path, seed: int) -> None:
    random_ = random.Random(seed)
    folder = project / "files"
    with Workspace.create(project) as ws:
        many(folder, seed)
        add(ws, ["files"])
        first = commit(ws)
        before = content(folder)
        many(folder, seed + 100)
        (folder / "1" / "1.txt").unlink()
        after = content(folder)
        killed_at(random_.uniform(0.05, 0.5), "data", "add", "files")
        (done,) = add(ws, ["files"])
        assert done.files == len(after)
        killed_at(random_.uniform(0.05, 0.6), "data", "commit", "files", "-m", "second")
        if status(ws, "files").copies[0].staged:
            commit(ws, "files")
        second = status(ws, "files").copies[0].commit
        assert second != first.commit
        assert status(ws).clean
        killed_at(random_.uniform(0.05, 0.6), "data", "checkout", "files", first.commit)
        halfway = {path: each for path, each in content(folder).items() if ".fettle-part-" not in path}
        assert all(each in (before.get(path), after.get(path)) for path, each in halfway.items())
        checkout(ws, "files", first.commit)
        assert content(folder) == before
        assert status(ws).clean
        killed_at(random_.uniform(0.05, 0.6), "data", "checkout", "files", second)
        checkout(ws, "files", second)
        assert content(folder) == after
        assert not list(folder.rglob(".fettle-part-*"))


def test_a_checkout_that_could_not_finish_is_known_and_goes_on(project: Path) -> None:
    folder = project / "files"
    with Workspace.create(project) as ws:
        fill(folder, {"a": "a", "b": "b"})
        add(ws, ["files"])
        first = commit(ws)
        fill(folder, {"a": "A", "c/big": "x" * 3_000_000, "d": "d"})
        add(ws, ["files"])
        second = commit(ws)
        checkout(ws, "files", first.commit)
        failed = subprocess.run(
            [sys.executable, "-c", SMALL_FILES, "1000000", "data", "checkout", "files", second.commit],
            capture_output=True,
            text=True,
            check=False,
        )
        assert failed.returncode == Unavailable.exit_code, failed.stderr
        assert "disk is full" in failed.stderr
        (found,) = status(ws).copies
        assert found.interrupted
        for refused in (lambda: add(ws, ["files"]), lambda: commit(ws), lambda: restore(ws, ["files"])):
            with pytest.raises(Conflict, match="interrupted"):
                refused()
        fill(folder, {"b": "mine"})
        checkout(ws, "files", second.commit)
        assert content(folder) == {
            "a": (0, b"A"),
            "b": (0, b"mine"),
            "c/big": (0, b"x" * 3_000_000),
            "d": (0, b"d"),
        }
        assert status(ws).copies[0].modified == ["b"]


def test_a_full_disk_stages_nothing_and_the_same_add_works_later(project: Path) -> None:
    folder = project / "files"
    folder.mkdir()
    (folder / "noise").write_bytes(random.Random(1).randbytes(3_000_000))
    with Workspace.create(project) as ws:
        failed = subprocess.run(
            [sys.executable, "-c", SMALL_FILES, "500000", "data", "add", "files"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert failed.returncode == Unavailable.exit_code, failed.stderr
        assert "disk is full" in failed.stderr
        assert list(all_copies(str(ws.folder))) == []
        add(ws, ["files"])
        commit(ws)
        assert status(ws).clean


def test_two_adds_at_once_in_one_folder(project: Path) -> None:
    folder = project / "files"
    many(folder, 1)
    Workspace.create(project).close()
    command = [sys.executable, "-c", RUN, "data", "add"]
    both = [
        subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL) for words in (["files"], ["files"])
    ]
    assert [each.wait() for each in both] == [0, 0]
    with Workspace.create(project) as ws:
        assert len(status(ws).copies[0].staged) == 200
        assert commit(ws).files == 200
        assert status(ws).clean


def test_a_file_that_never_stands_still_is_named(
    ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "files" / "growing"
    fill(project / "files", {"growing": "x", "still": "y"})

    def while_it_grows(real: Callable[..., Any]) -> Callable[..., Any]:
        def grown(*given: Any) -> Any:
            done = real(*given)
            with file.open("a") as more:
                more.write("x")
            return done

        return grown

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_read_at", while_it_grows(bulk._read_at))
        patch.setattr(Writer, "put_file", while_it_grows(Writer.put_file))
        with pytest.raises(Conflict, match="growing keeps changing"):
            add(ws, ["files"])
    add(ws, ["files"])
    commit(ws)
    assert status(ws).clean


def test_a_change_while_it_is_read_is_read_again(
    ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes once, right after it was read: what is staged is what lies there then."""
    file = project / "files" / "a"
    fill(project / "files", {"a": "before"})
    real = bulk._read_at

    def changed(*given: Any) -> int:
        monkeypatch.setattr(bulk, "_read_at", real)
        done = real(*given)
        file.write_text("after!")
        return done

    monkeypatch.setattr(bulk, "_read_at", changed)
    add(ws, ["files"])
    commit(ws)
    file.unlink()
    checkout(ws, "files")
    assert file.read_text() == "after!"


def test_changes_within_one_tick_of_the_clock_are_seen(ws: Workspace, project: Path) -> None:
    """The same size, the same time: only because such files are read again is the change seen."""
    file = project / "files" / "a"
    fill(project / "files", {"a": "0000"})
    for number in range(1, 30):
        add(ws, ["files"])
        times = os.stat(file)
        with open(file, "r+") as same:
            same.write(f"{number:04d}")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert status(ws).copies[0].modified == (["a"] if number > 0 else [])


def test_files_from_the_future_are_read_again(ws: Workspace, project: Path) -> None:
    fill(project / "files", {"a": "aaaa"})
    ahead = time.time_ns() + 10**18
    os.utime(project / "files" / "a", ns=(ahead, ahead))
    add(ws, ["files"])
    commit(ws)
    assert status(ws).clean
    (project / "files" / "a").write_text("bbbb")
    os.utime(project / "files" / "a", ns=(ahead, ahead))
    assert status(ws).copies[0].modified == ["a"]


def test_any_file_name_goes_there_and_back(ws: Workspace, project: Path) -> None:
    folder = project / "files"
    folder.mkdir()
    twins = ["cafe\u0301".encode(), "caf\u00e9".encode()]
    names = [b"caf\xe9", b"new\nline", b"x" * 255, b"-rf", b" blank ", b"quote'\"", b"tab\t", b"*", *twins]
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(name)
    (folder / "link").symlink_to(os.fsdecode(b"caf\xe9"))
    before = content(folder)
    add(ws, ["files"])
    assert all(line.isprintable() for line in status(ws).lines())
    commit(ws)
    for path in folder.iterdir():
        path.unlink()
    checkout(ws, "files")
    assert content(folder) == before
    assert sorted(os.listdir(os.fsencode(folder))) == sorted([*names, b"link"])


@pytest.mark.parametrize("damage", ["gone", "torn", "flipped", "another tree"])
def test_an_index_can_be_lost(ws: Workspace, images: Path, damage: str) -> None:
    add(ws, ["images"])
    commit(ws)
    (copy,) = all_copies(str(ws.folder))
    index = Path(copy.index_file)
    data = index.read_bytes()
    fill(images, {"labels.csv": "changed"})
    add(ws, ["images"])
    (images / "cats" / "1.png").unlink()
    fill(images, {"cats/2.png": "CAT 2"})
    other = bytearray(index.read_bytes())
    other[-100] ^= 1
    damaged = {"gone": b"", "torn": data[:-7], "flipped": bytes(other), "another tree": data}
    index.write_bytes(damaged[damage])
    (found,) = status(ws).copies
    assert found.staged == [("labels.csv", "modified")]
    assert (found.modified, found.new, found.deleted) == (["cats/2.png"], [], ["cats/1.png"])
    add(ws, ["images"])
    assert commit(ws).files == 24
    assert status(ws).clean


def test_a_damaged_state_is_named(ws: Workspace, images: Path) -> None:
    add(ws, ["images"])
    (copy,) = all_copies(str(ws.folder))
    (Path(copy.folder) / "state").write_bytes(b"\0\0\0")
    with pytest.raises(Unavailable, match="cannot be read"):
        status(ws)


def test_damaged_bytes_are_not_checked_out(ws: Workspace, project: Path) -> None:
    folder = project / "files"
    folder.mkdir()
    (folder / "a").write_bytes(random.Random(2).randbytes(100_000))
    add(ws, ["files"])
    commit(ws)
    (folder / "a").unlink()
    for pack in (ws.folder / "blobs" / "data").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        if len(data) > 100_000:
            data[50_000] ^= 1
            pack.write_bytes(data)
    with pytest.raises(Unavailable, match="damaged"):
        checkout(ws, "files")
    assert not (folder / "a").exists()


def test_a_tree_cannot_lead_out_of_its_folder(ws: Workspace, project: Path) -> None:
    """A link where a folder is needed is not followed, whoever made it."""
    fill(project / "files", {"sub/a": "a", "b": "b"})
    add(ws, ["files"])
    commit(ws)
    outside = project / "outside"
    outside.mkdir()
    for path in (project / "files" / "sub" / "a",):
        path.unlink()
    (project / "files" / "sub").rmdir()
    (project / "files" / "sub").symlink_to(outside)
    with pytest.raises(Conflict):
        checkout(ws, "files")
    assert list(outside.iterdir()) == []
    checkout(ws, "files", force=True)
    assert list(outside.iterdir()) == []
    assert (project / "files" / "sub" / "a").read_text() == "a"
    assert status(ws).clean
