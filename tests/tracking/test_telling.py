"""Operations of a run's journal, told many at a time, on both databases; what a small change of a large run costs."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from fettle import tracking
from fettle.core.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from fettle.storage.objects import object_key, put_object
from fettle.tracking import contents, telling
from fettle.tracking.deferred import Deferred
from fettle.tracking.refused import refused_folder
from fettle.tracking.store import runs as store
from fettle.tracking.synced import sync
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.tracking.away import Line


@pytest.fixture(params=["sqlite", "postgresql"])
def ws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    if request.param == "sqlite":
        opened = new_workspace(tmp_path)
    else:
        opened = Workspace.open(request.getfixturevalue("team_url"))
    with opened as workspace:
        yield workspace  # type: ignore[misc]  # opened in process


def tell(ws: Workspace, run: str, *operations: dict[str, Any], first: int = 0) -> dict[int, str]:
    told = [{"number": first + place, **each} for place, each in enumerate(operations)]
    return {each.number: each.why for each in ws.call("tracking.tell", run=run, journal="j", operations=told)}


# --- the act


def test_operations_are_done_in_their_order_and_once(ws: Workspace) -> None:
    run = ws.call("tracking.start", experiment="e", params={"lr": 0.1}, inputs=["a@1"]).id
    one, two = put_object(ws.blobs, b"one"), put_object(ws.blobs, b"second")
    said: list[dict[str, Any]] = [
        {"params": {"lr": 0.1, "depth": None}, "tags": {"stage": "one"}},
        {"notes": "first"},
        {"path": "a.txt", "digest": one},
        {"inputs": ["b@1", "a@1"]},
        {"tags": {"stage": "two"}},
        {"path": "a.txt", "digest": two},
        {"notes": ""},
    ]
    assert tell(ws, run, *said[:3]) == {}
    assert tell(ws, run, *said) == {}
    ws.call("tracking.set", run=run, tags={"stage": "three"})
    assert tell(ws, run, *said) == {}
    shown = ws.call("tracking.show", run=run)
    assert (shown.params, shown.tags, shown.notes) == ({"lr": 0.1, "depth": None}, {"stage": "three"}, "")
    assert shown.inputs == ["a@1", "b@1"]
    assert [(each.path, each.digest, each.size_bytes) for each in shown.artifacts] == [("a.txt", two, 6)]
    assert ws.call("tracking.told", journal="j", operations=list(range(9))) == list(range(7))


def test_what_is_refused_changes_nothing_and_does_not_hold_up_the_rest(ws: Workspace) -> None:
    run = ws.call("tracking.start", experiment="e", params={"lr": 0.1}).id
    refused = tell(
        ws,
        run,
        {"params": {"depth": 3}},
        {"params": {"fresh": 1, "lr": 0.2}, "tags": {"not": "this"}},
        {"params": {"depth": 4}},
        {"tags": {"": "no name"}},
        {"path": "../up", "digest": "0" * 64},
        {"tags": {"done": "yes"}},
    )
    assert sorted(refused) == [1, 2, 3, 4] and "'lr'" in refused[1] and "'depth'" in refused[2]
    shown = ws.call("tracking.show", run=run)
    assert (shown.params, shown.tags, shown.artifacts) == ({"lr": 0.1, "depth": 3}, {"done": "yes"}, [])
    assert ws.call("tracking.told", journal="j", operations=list(range(6))) == [0, 5]


def test_a_content_that_is_not_there_leaves_all_undone(ws: Workspace) -> None:
    run = ws.call("tracking.start", experiment="e").id
    with pytest.raises(Unavailable, match="has not arrived"):
        tell(ws, run, {"tags": {"a": "b"}}, {"path": "a.txt", "digest": "0" * 64})
    assert ws.call("tracking.show", run=run).tags == {}
    with pytest.raises(NotFound):
        tell(ws, "nobody", {"tags": {"a": "b"}})
    with pytest.raises(Invalid, match="too many"):
        tell(ws, run, *[{"notes": ""}] * 5001)


def test_a_quota_counts_each_file_of_a_batch(workspace: Workspace) -> None:
    run = workspace.call("tracking.start", experiment="e").id
    workspace.call("tracking.set_quota", experiment="e", size_bytes=10)
    five, seven = put_object(workspace.blobs, b"12345"), put_object(workspace.blobs, b"1234567")
    files = [("a", five), ("a", seven), ("a", five), ("b", five), ("c", seven)]
    refused = tell(workspace, run, *({"path": path, "digest": each} for path, each in files))
    assert list(refused) == [4] and "quota" in refused[4]
    assert [each.path for each in workspace.call("tracking.show", run=run).artifacts] == ["a", "b"]


def test_parameters_go_in_pieces_whole_or_not_at_all(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PIECE", 3)
    run = ws.call("tracking.start", experiment="e").id
    values = {f"p{number:02}": number for number in range(20)}
    for _ in range(2):
        ws.call("tracking.set", run=run, params=values, tags={key: "x" for key in values})
    with pytest.raises(Conflict, match="'p19'"):
        ws.call("tracking.set", run=run, params={**values, "fresh": 1, "p19": 0})
    with pytest.raises(Conflict, match="Changing"):
        ws.call("tracking.record", run=run, params={**values, "fresh": 1, "p19": 0})
    shown = ws.call("tracking.show", run=run)
    assert shown.params == values and list(shown.tags) == list(values)


KEYS = st.sampled_from("abc")
SAID = st.one_of(
    st.builds(lambda key, value: {"params": {key: value}}, KEYS, st.sampled_from([0, 1, "x", None])),
    st.builds(lambda key, value: {"tags": {key: value}}, KEYS, st.sampled_from(["x", "y"])),
    st.builds(lambda text: {"notes": text}, st.sampled_from(["", "n"])),
    st.builds(lambda some: {"inputs": some}, st.lists(st.sampled_from(["d@1", "d@2", "e@1"]))),
)
ACTS = {"params": "tracking.set", "tags": "tracking.set", "notes": "tracking.note", "inputs": "tracking.use"}


@settings(max_examples=15, deadline=None)
@given(st.lists(SAID, max_size=12), st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=5))
def test_told_in_any_pieces_and_again_it_comes_to_the_same_as_one_by_one(
    said: list[dict[str, Any]], pieces: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, new_workspace(Path(folder)) as ws:
        alone, together = (ws.call("tracking.start", experiment="e").id for _ in range(2))
        for each in said:
            with contextlib.suppress(Conflict):
                ws.call(ACTS[next(iter(each))], run=alone, **each)
        reached = 0
        for back, length in pieces:
            start = max(0, reached - back)
            tell(ws, together, *said[start : start + length], first=start)
            reached = max(reached, min(start + length, len(said)))
        tell(ws, together, *said[reached:], first=reached)
        found = [ws.call("tracking.show", run=each) for each in (alone, together)]
        kept = [(each.params, each.tags, each.notes, each.inputs) for each in found]
        assert kept[0] == kept[1]


# --- who tells


class Counted:
    """A workspace that counts what it is asked; `refuses` raises for some of it."""

    def __init__(self, inner: Workspace, refuses: Callable[[str], None] = lambda act: None) -> None:
        self.inner, self.refuses = inner, refuses
        self.folder, self.clock, self.url, self.blobs = inner.folder, inner.clock, inner.url, inner.blobs
        self.asked: list[str] = []

    def call(self, name: str, /, **arguments: Any) -> Any:
        self.asked.append(name)
        self.refuses(name)
        return self.inner.call(name, **arguments)


def said_to(ws: Any, folder: Path, *operations: tuple[str, dict[str, Any]]) -> Deferred:
    made = Deferred(ws, lambda: folder, quiet=True)
    for act, arguments in operations:
        made.say(act, **arguments)
    return made


def test_many_small_operations_are_few_requests(workspace: Workspace, tmp_path: Path) -> None:
    ws: Any = Counted(workspace)
    run = workspace.call("tracking.start", experiment="e").id
    said = Deferred(ws, lambda: tmp_path / "j", quiet=True)
    for number in range(250):
        file, size_bytes = said.keep(b"%d" % number)
        path = f"{number}.txt"
        said.say("tracking.artifact", file=file, run=run, path=path, digest=file, size_bytes=size_bytes)
        said.say("tracking.set", run=run, tags={f"t{number}": "x"})
    said.flush()
    said.close()
    assert ws.asked == ["tracking.tell"] * 3  # a hundred files each
    shown = workspace.call("tracking.show", run=run)
    assert len(shown.artifacts) == len(shown.tags) == 250
    assert list((tmp_path / "j" / "files").iterdir()) == []
    assert all(workspace.blobs.info(object_key(each.digest)) for each in shown.artifacts)


def test_contents_go_also_where_no_thread_can_be_begun(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ending(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

    said = Deferred(workspace, lambda: tmp_path / "j", quiet=True)
    kept = [said.keep(b"%d" % number)[0] for number in range(5)]
    monkeypatch.setattr(contents.threading, "Thread", Ending)
    wanted = [(number, each, {"path": each}) for number, each in enumerate([*kept, "0" * 64])]
    assert list(contents.give(workspace, tmp_path / "j", wanted)) == [5]
    assert all(workspace.blobs.info(object_key(each)) for each in kept)


def test_a_workspace_that_goes_away_is_not_asked_for_each_content(
    workspace: Workspace, tmp_path: Path
) -> None:
    line: Any = Line(workspace, away=True)
    asked: list[int] = []
    line.require = lambda: asked.append(1) or Line.require(line)
    wanted = [(number, f"{number:064}", {}) for number in range(100)]
    with pytest.raises(Unavailable):
        contents.give(line, tmp_path, wanted)
    assert len(asked) < 20


def test_what_cannot_be_told_together_keeps_its_place(workspace: Workspace, tmp_path: Path) -> None:
    ws: Any = Counted(workspace)

    def tag(run: str, text: str) -> tuple[str, dict[str, Any]]:
        return "tracking.set", {"run": run, "tags": {"t": text}}

    start = ("tracking.start", {"experiment": "e", "run_id": "one"})
    finish = ("tracking.finish", {"run": "one", "status": "failed"})  # as journals of before say it
    other = workspace.call("tracking.start", experiment="e").id
    said = said_to(ws, tmp_path, start, tag("one", "1"), tag("one", "2"), tag(other, "3"), finish)
    said.flush()
    said.close()
    tell, alone = "tracking.tell", ["tracking.start", "tracking.finish"]
    assert ws.asked == [alone[0], tell, tell, alone[1]]
    shown = workspace.call("tracking.show", run="one")
    assert (shown.tags, shown.status) == ({"t": "2"}, "failed")


def test_an_operation_that_cannot_be_read_stands_apart_alone(workspace: Workspace, tmp_path: Path) -> None:
    run = workspace.call("tracking.start", experiment="e").id
    tags = [{"t0": "a"}, {"t1": "b"}, {"t2": "\0"}, {"t3": "d"}]
    said = said_to(
        workspace, tmp_path / "j", *(("tracking.set", {"run": run, "tags": each}) for each in tags)
    )
    with pytest.warns(UserWarning, match="Not recorded"):
        said.flush()
    said.close()
    assert workspace.call("tracking.show", run=run).tags == {"t0": "a", "t1": "b", "t3": "d"}
    assert [each.name for each in refused_folder(workspace).iterdir()] == ["j-000002.op"]
    (tmp_path / "j" / "told").unlink()
    assert [number for number, _ in telling.tell(workspace, tmp_path / "j")] == [4]


def test_who_may_not_write_is_told_so_once(workspace: Workspace, tmp_path: Path) -> None:
    def refuses(act: str) -> None:
        raise Denied("It takes an editor.")

    ws: Any = Counted(workspace, refuses)
    run = workspace.call("tracking.start", experiment="e").id
    said = said_to(ws, tmp_path / "j", *[("tracking.note", {"run": run, "notes": "n"})] * 5)
    with pytest.warns(UserWarning, match="an editor"):
        said.flush()
    said.close()
    assert ws.asked == ["tracking.tell"] and len(list(refused_folder(workspace).iterdir())) == 5
    assert sync(workspace).refused == [] and workspace.call("tracking.show", run=run).notes == "n"


# --- what it costs


@contextlib.contextmanager
def steps_of_sqlite() -> Iterator[list[int]]:
    """How many instructions SQLite's machine runs meanwhile: rows that are passed over or read count, time does not."""
    taken = [0]
    watched: dict[int, sqlite3.Connection] = {}

    def step() -> None:
        taken[0] += 1

    def watch(_: Any, cursor: sqlite3.Cursor, *__: Any) -> None:
        watched[id(cursor.connection)] = cursor.connection
        cursor.connection.set_progress_handler(step, 1)

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        yield taken
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
        for each in watched.values():
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile
                each.set_progress_handler(None, 0)


def filled(ws: Workspace, many: int) -> str:
    run = ws.call(
        "tracking.start", experiment="e", params={f"p{number}": number for number in range(many)}
    ).id
    ws.call("tracking.set", run=run, tags={f"t{number}": "x" for number in range(many)})
    columns = [
        {"key": f"m{number}", "steps": bytes(8), "at_us": bytes(8), "values": bytes(8)}
        for number in range(many)
    ]
    ws.call("tracking.append", run=run, journal="j", first=0, records=1, columns=columns)
    return run


def small_changes(ws: Workspace, run: str, digest: str) -> None:
    tell(ws, run, {"params": {"new": 1, "p0": 0}}, {"tags": {"t0": "y"}}, {"path": "a", "digest": digest})
    ws.call("tracking.artifact", run=run, path="b", digest=digest, size_bytes=3)
    ws.call("tracking.record", run=run, params={"more": 1}, tags={"t1": "y"})
    point = {"key": "m0", "steps": bytes(8), "at_us": bytes(8), "values": bytes(8)}
    ws.call("tracking.append", run=run, journal="j", first=1, records=1, columns=[point])
    ws.call("tracking.received", run=run, journal="j")
    ws.call("tracking.origin", run=run)
    ws.call("tracking.end", run=run, status="failed")


def test_a_small_change_costs_the_same_however_much_the_run_holds(workspace: Workspace) -> None:
    digest = put_object(workspace.blobs, b"abc")
    costs = []
    for many in (2, 2000):
        run = filled(workspace, many)
        with steps_of_sqlite() as taken:
            small_changes(workspace, run, digest)
        costs.append(taken[0])
    assert 0 < costs[1] < 1.5 * costs[0], costs


def test_a_run_that_is_logged_to_is_never_read_whole(workspace: Workspace) -> None:
    ws: Any = Counted(workspace)
    with tracking.run(ws, "e", params={"lr": 0.1}) as run:
        run.log(loss=0.1)
        run.config["depth"] = 3
        run.tag(stage="one")
        run.note("n")
        run.log_text("a.txt", "a")
        run.flush()
    assert set(ws.asked) <= {"tracking.start", "tracking.tell", "tracking.append", "tracking.received"} | {
        "tracking.origin",
        "tracking.told",
        "tracking.end",
    }
    assert workspace.call("tracking.show", run=run.id).status == "finished"


def test_ending_unless_ended_leaves_an_end_as_it_is(workspace: Workspace) -> None:
    run = workspace.call("tracking.start", experiment="e").id
    workspace.call("tracking.end", run=run, unless_ended=True)
    workspace.call("tracking.end", run=run, status="killed", unless_ended=True)
    assert workspace.call("tracking.show", run=run).status == "finished"
    assert workspace.call("tracking.finish", run=run, status="failed").status == "failed"
