"""A server whose database is put back to a backup: journals on the clients' machines tell again what they hold.

`FETTLE_SEED` repeats a random history.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fettle import tracking
from fettle.core.errors import NotFound, Unavailable
from fettle.storage.objects import get_object, object_key
from fettle.tracking import deferred, outbox, restored
from fettle.tracking.active import ActiveRun
from fettle.tracking.synced import sync
from fettle.workspace import Workspace
from tests.conftest import new_workspace

SEED = int(os.environ.get("FETTLE_SEED", str(time.time_ns() % 1_000_000)))


class Objects:
    """The objects of a far workspace."""

    def __init__(self, far: Far) -> None:
        self._far = far

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given, **named: self._far.ask(
            lambda: getattr(self._far.inner.blobs, name)(*given, **named)
        )


class Far:
    """A workspace in another place, as a client sees it: a folder of its own, and a line that may be cut."""

    def __init__(self, place: Path) -> None:
        self.place = place / "server"
        self.inner = new_workspace(self.place)
        self.folder, self.clock, self.url = place / "client", self.inner.clock, "far"
        self.away = False
        self._line = threading.RLock()

    @property
    def blobs(self) -> Any:
        return Objects(self)

    def ask(self, work: Callable[[], Any]) -> Any:
        """Have the server do something: not while it is away, and not while it is put back."""
        if self.away:
            raise Unavailable("The server does not answer.")
        with self._line:
            return work()

    def call(self, name: str, /, **arguments: Any) -> Any:
        return self.ask(lambda: self.inner.call(name, **arguments))

    def back_up(self) -> None:
        with (
            contextlib.closing(sqlite3.connect(self.place / ".fettle" / "workspace.db")) as source,
            contextlib.closing(sqlite3.connect(self.place / "backup.db")) as target,
        ):
            target.execute("PRAGMA journal_mode=DELETE")
            source.backup(target)

    def restore(self) -> None:
        with self._line:
            self.inner.close()
            database = self.place / ".fettle" / "workspace.db"
            for each in database.parent.glob("workspace.db-*"):
                each.unlink()
            database.write_bytes((self.place / "backup.db").read_bytes())
            self.inner = Workspace.create(self.place)

    def begin(self, **given: Any) -> ActiveRun:
        far: Any = self
        return tracking.run(far, "churn", **given)

    def sync(self) -> Any:
        far: Any = self
        return sync(far)


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    monkeypatch.setattr(deferred, "_TRUSTED_S", -1.0)  # look back each time, not only after seconds
    monkeypatch.setattr(outbox, "_PAUSE_S", 0.02)
    made = Far(tmp_path)
    yield made
    made.inner.close()


@contextlib.contextmanager
def told(words: str) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    assert any(words in str(each.message) for each in heard), [str(each.message) for each in heard]


def steps(far: Far, run: str) -> list[int]:
    return far.call("tracking.history", run=run, key="loss").arrays()[0].tolist()


def leave(run: ActiveRun) -> None:
    """End a run as `kill -9` does: nothing more is sent, the journal stays."""
    run._outbox._stop.set()
    run._deferred._stop.set()
    run._deferred._wake.set()
    for thread in (run._outbox._thread, run._deferred._thread):
        if thread.is_alive():
            thread.join()
    run._deferred.close()
    if run._outbox._journal is not None:
        run._outbox._journal.close()
    run._outbox.leave(discarded=False)
    run.ended = True


@pytest.mark.parametrize("lives", [True, False], ids=["living", "killed"])
def test_what_was_told_after_the_backup_is_told_again(far: Far, lives: bool) -> None:
    run = far.begin(params={"lr": 0.1})
    run.log(loss=0.0)
    run.tag(stage="one")
    run.flush()
    far.back_up()
    for step in range(1, 50):
        run.log(loss=float(step))
    run.tag(stage="two")
    run.config["depth"] = 3
    run.log_text("hello", "notes/a.md")
    run.flush()
    assert steps(far, run.id) == list(range(50))
    far.restore()
    assert steps(far, run.id) == [0] and far.call("tracking.show", run=run.id).tags == {"stage": "one"}
    if lives:
        run.finish()
    else:
        leave(run)
        assert far.sync().sent == [run.id]
    shown = far.call("tracking.show", run=run.id)
    assert steps(far, run.id) == list(range(50))
    assert (shown.tags, shown.params) == ({"stage": "two"}, {"lr": 0.1, "depth": 3})
    assert get_object(far.blobs, shown.artifacts[0].digest) == b"hello"
    assert shown.status == ("finished" if lives else "killed")
    assert far.sync().refused == [] and not list((far.folder / "tracking").iterdir())


def test_a_run_begun_after_the_backup_is_begun_anew(far: Far) -> None:
    far.call("tracking.start", experiment="other")
    far.back_up()
    run = far.begin(name="late", params={"lr": 0.1}, tags={"a": "b"})
    run.log(loss=0.0)
    until((run._outbox.folder / "origin").exists)
    run.log_text("kept", "a.txt")
    run.flush()
    far.restore()
    with pytest.raises(NotFound):
        far.call("tracking.show", run=run.id)
    run.log(loss=1.0)
    with told("begun anew"):
        run.finish()
    shown = far.call("tracking.show", run=run.id)
    assert (shown.name, shown.params, shown.tags, shown.status) == (
        "late", {"lr": 0.1}, {"a": "b"}, "finished",
    )  # fmt: skip
    assert shown.started_at == run.record.started_at
    assert steps(far, run.id) == [0, 1] and [each.path for each in shown.artifacts] == ["a.txt"]


def test_a_run_is_not_begun_in_another_workspace_at_the_same_address(far: Far, tmp_path: Path) -> None:
    run = far.begin()
    run.log(loss=0.0)
    until((run._outbox.folder / "origin").exists)
    run.tag(a="b")
    run.flush()
    leave(run)
    far.inner.close()
    far.inner = new_workspace(tmp_path / "another")
    far.call("tracking.start", experiment="another")
    said = far.sync()
    assert (said.sent, said.waiting) == ([], [run.id]) and run.id in said.why
    with pytest.raises(NotFound):
        far.call("tracking.show", run=run.id)


def test_a_run_that_was_removed_for_good_does_not_come_back(far: Far) -> None:
    run = far.begin()
    run.log(loss=0.0)
    until((run._outbox.folder / "origin").exists)
    run.flush()
    leave(run)
    far.call("tracking.delete", run=run.id)
    far.inner.tracking.gc(older_than="0s", dry_run=False)
    said = far.sync()
    assert said.sent == [] and run.id in said.why
    with pytest.raises(NotFound):
        far.call("tracking.show", run=run.id)


def test_records_that_are_held_no_more_are_reported_once(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_SEGMENT_BYTES", 64 << 10)
    run = far.begin()
    run.log(loss=0.0)
    run.flush()
    far.back_up()
    for step in range(1, 10_000):
        run.log(loss=float(step))
        if step % 2_000 == 0:
            run.flush()
    run.flush()
    assert steps(far, run.id) == list(range(10_000))
    leave(run)
    far.restore()
    with told("for good"):
        said = far.sync()
    (lost,) = said.lost
    assert run.id in lost and "lost with the workspace's newer copy" in str(said)
    there = steps(far, run.id)
    gap = next(at for at, step in enumerate(there) if step != at)
    assert there == [*range(gap), *range(there[gap], 10_000)] and gap == 1
    (tag,) = (
        text for key, text in far.call("tracking.show", run=run.id).tags.items() if restored.LOST in key
    )
    assert f"{there[gap] - 1:,} records" in tag
    assert (far.sync().lost, far.sync().sent) == ([], [])


def test_a_living_run_goes_on_after_a_gap(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_SEGMENT_BYTES", 64 << 10)
    run = far.begin()
    far.back_up()
    for step in range(6_000):
        run.log(loss=float(step))
        if step % 2_000 == 0:
            run.flush()
    run.flush()
    far.restore()
    run.log(loss=0.5, step=6_000)
    with told("for good"):
        run.flush()
    run.log(loss=0.5, step=6_001)
    run.finish()
    there = steps(far, run.id)
    assert there == list(range(there[0], 6_002)) and there[0] > 0


def test_contents_that_are_lost_hold_nothing_up(far: Far) -> None:
    run = far.begin()
    run.tag(a="b")
    run.flush()
    far.back_up()
    digest = run.log_text("lost", "a.txt").digest
    run.tag(stage="two")
    run.flush()
    leave(run)
    far.restore()
    far.inner.blobs.delete(object_key(digest))
    with told("Not recorded with the run"):
        said = far.sync()
    assert said.sent == [run.id] and len(said.refused) == 1 and "a.txt is lost" in said.refused[0]
    assert far.call("tracking.show", run=run.id).tags == {"a": "b", "stage": "two"}
    again = far.sync()
    assert (again.refused, again.sent) == (said.refused, [])
    far.inner.blobs.put(object_key(digest), b"lost")  # found again
    assert far.sync().refused == [] and not list((far.folder / "tracking.refused").iterdir())
    assert [each.path for each in far.call("tracking.show", run=run.id).artifacts] == ["a.txt"]


def test_pieces_of_the_console_come_from_the_log_again(far: Far) -> None:
    run = far.begin()
    far.back_up()
    (run._outbox.folder / "console.log").write_bytes(b"printed\n")
    digest = run.artifact("captured/console/000000000000.txt", b"printed\n").digest
    run.flush()
    leave(run)
    (run._outbox.folder / "console.sent").write_text("8")
    far.restore()
    far.inner.blobs.delete(object_key(digest))
    assert far.sync().refused == []
    assert get_object(far.blobs, digest) == b"printed\n"


def test_refusals_from_before_are_not_told_twice(far: Far) -> None:
    run = far.begin()
    run.flush()
    far.call("tracking.set", run=run.id, params={"lr": 0.2})
    with told("Not recorded with the run"):
        run.log_params(lr=0.1)
        run.flush()
    far.back_up()
    run.tag(stage="two")
    run.flush()
    far.restore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.finish()
    assert far.call("tracking.show", run=run.id).tags == {"stage": "two"}
    assert len(far.sync().refused) == 1


def test_no_journal_holds_up_another(far: Far) -> None:
    runs = [far.begin(run_id=f"run-{number}") for number in range(4)]
    far.back_up()
    for run in runs:
        run.log(loss=1.0)
        run.tag(a="b")
        run.flush()
        leave(run)
    far.restore()
    next((far.folder / "tracking" / "run-1").iterdir()).joinpath("arrived").write_bytes(b"damaged")
    said = far.sync()
    assert said.sent == ["run-0", "run-2", "run-3"] and set(said.why) == {"run-1"}
    assert all(steps(far, each) == [0] for each in said.sent)


@pytest.mark.parametrize("turn", range(3))
def test_a_random_history_with_restores_loses_and_doubles_nothing(far: Far, turn: int) -> None:
    chance = random.Random(f"{SEED}-{turn}")
    print("FETTLE_SEED", SEED)
    run = far.begin(run_id="victim")
    far.back_up()
    logged, tags = 0, {}
    for _ in range(60):
        done = chance.choice(
            ["log", "log", "tag", "file", "flush", "back up", "restore", "cut", "mend", "kill"]
        )
        if done == "log":
            for _ in range(chance.randrange(1, 40)):
                run.log(loss=float(logged), step=logged)
                logged += 1
        elif done == "tag":
            tags[f"t{len(tags)}"] = str(logged)
            run.tag(**{f"t{len(tags) - 1}": str(logged)})
        elif done == "file":
            tags[f"f{len(tags)}"] = ""
            run.log_text(str(logged), f"f{len(tags) - 1}")
        elif done == "flush" and not far.away:
            run.flush()
        elif done == "back up":
            far.back_up()
        elif done == "restore":
            far.restore()
        elif done in ("cut", "mend"):
            far.away = done == "cut"
        elif done == "kill":
            leave(run)
            far.away = False
            far.sync()
            run = far.begin(run_id="victim")
            far.back_up()  # what nobody holds any more is not lost
    far.away = False
    run.finish()
    far.sync()
    assert steps(far, "victim") == list(range(logged))
    shown = far.call("tracking.show", run="victim")
    assert {**shown.tags, **{each.path: "" for each in shown.artifacts}} == tags
    assert shown.status == "finished"


def until(ready: Any, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
