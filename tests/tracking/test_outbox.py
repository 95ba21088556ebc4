"""The journal of a run: forks, guests, carriers that cross, and what need not be kept."""

from __future__ import annotations

import multiprocessing
import os
import struct
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fettle import tracking
from fettle.core.clock import FrozenClock
from fettle.core.errors import Unavailable
from fettle.storage.frames import segments
from fettle.tracking import carrier as carriers
from fettle.tracking import outbox as boxes
from fettle.tracking.carrier import Carrier
from fettle.tracking.outbox import Outbox, runs_folder
from fettle.workspace import Workspace


@pytest.fixture
def run(workspace: Workspace) -> str:
    return workspace.tracking.start("churn").id


@pytest.fixture
def box(workspace: Workspace, run: str, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """An outbox that carries only when it is told to."""
    monkeypatch.setattr(boxes, "_PAUSE_S", 1000)
    return Outbox(workspace, run)


def steps(workspace: Workspace, run: str, key: str = "loss") -> list[int]:
    return workspace.tracking.history(run, key).arrays()[0].tolist()


def forked(work: Any) -> int:
    """Run `work` in a forked child that then ends at once; its exit code."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_logs_into_a_journal_of_its_own(workspace: Workspace, box: Outbox, run: str) -> None:
    for step in range(100):
        box.add(step, {"loss": 0.5})
    mine = box.folder

    def work() -> None:
        assert box.inherited and box.folder != mine
        for step in range(100, 200):
            box.add(step, {"loss": 0.5})
        box.flush()

    assert [forked(work) for _ in range(3)] == [0, 0, 0]
    for step in range(200, 300):
        box.add(step, {"loss": 0.5})
    assert len(list(mine.parent.iterdir())) == 4
    assert box.close("finished")
    box.leave(discarded=True)
    assert steps(workspace, run) == sorted([*range(100), *[*range(100, 200)] * 3, *range(200, 300)])
    assert not list(runs_folder(workspace).iterdir())


def test_a_child_that_logs_nothing_leaves_nothing(box: Outbox) -> None:
    box.add(0, {"loss": 0.5})
    assert forked(lambda: None) == 0
    assert forked(box.leave_quietly) == 0
    assert len(list(box.folder.parent.iterdir())) == 1
    box.close("finished")
    box.leave(discarded=True)


def test_children_whose_parent_was_killed_are_recovered(workspace: Workspace, run: str) -> None:
    def parent() -> None:
        box = Outbox(workspace, run)
        box.add(0, {"loss": 0.5})
        forked(lambda: box.add(1, {"loss": 0.5}))
        forked(lambda: forked(lambda: box.add(2, {"loss": 0.5})))
        os.kill(os.getpid(), 9)

    assert forked(parent) == -9
    assert tracking.recover(workspace) == [run]
    assert steps(workspace, run) == [0, 1, 2]
    assert workspace.tracking.show(run).status == "killed"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_pool_log_to_one_run(workspace: Workspace, method: str) -> None:
    with tracking.run(workspace, "churn") as active:
        context: Any = multiprocessing.get_context(method)  # its Process is unknown to the type
        workers = [context.Process(target=_work, args=(active, number)) for number in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert workspace.tracking.show(active.id).status == "running"
        active.log(loss=0.1, step=1000)
    tracking.recover(workspace)
    assert steps(workspace, active.id) == [*range(30), 1000]
    assert workspace.tracking.show(active.id).status == "finished"


def _work(active: tracking.ActiveRun, number: int) -> None:
    for step in range(10):
        active.log(loss=0.5, step=10 * number + step)
    active.flush()


def test_a_guest_does_not_end_the_run(workspace: Workspace, run: str) -> None:
    def work() -> None:
        Outbox(workspace, run, guest=True).add(0, {"loss": 0.5})
        os.kill(os.getpid(), 9)

    assert forked(work) == -9
    tracking.recover(workspace)
    assert steps(workspace, run) == [0]
    assert workspace.tracking.show(run).status == "running"


def test_many_threads_and_forms(workspace: Workspace, box: Outbox, run: str) -> None:
    def work(number: int) -> None:
        for step in range(300):
            box.add(step, {f"own {number % 5}": float(number), "all": 0.5} if step % 2 else {"all": 0.5})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.flush()
    assert steps(workspace, run, "all") == sorted([*range(300)] * 8)
    assert len(steps(workspace, run, "own 1")) == 300
    box.close("finished")
    box.leave(discarded=True)


def test_two_writers_of_one_run(workspace: Workspace, box: Outbox, run: str) -> None:
    other = Outbox(workspace, run)
    for step in range(500):
        (box if step % 2 else other).add(step, {"loss": 0.5})
    box.flush()
    other.flush()
    assert steps(workspace, run) == list(range(500))
    for each in (box, other):
        each.close("finished")
        each.leave(discarded=True)


def test_segments_that_arrived_are_thrown_away_and_the_rest_goes_on(
    workspace: Workspace, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "_PAUSE_S", 1000)
    monkeypatch.setattr(boxes, "_SEGMENT_BYTES", 8 << 10)
    box = Outbox(workspace, run)
    folder = box.folder / "records"
    for step in range(1000):
        box.add(step, {"loss": 0.5})
    before = segments(folder)
    first, second = Carrier(workspace, run, box.folder), Carrier(workspace, run, box.folder)
    assert first.carry() == 1001
    assert len(before) > 3 and segments(folder) == before[-1:]
    for step in range(1000, 1500):
        box.add(step, {"loss": 0.5})
    assert second.carry() == 1501, "a carrier that never saw the first segments goes on behind them"
    for step in range(1500, 2000):
        box.add(step, {"loss": 0.5})
    assert first.carry() == 2001
    assert steps(workspace, run) == list(range(2000))
    box.close("finished")
    box.leave(discarded=True)


class Forgetful:
    """A workspace whose answers get lost after the work was done: every second call."""

    def __init__(self, workspace: Workspace) -> None:
        self.inner, self.calls = workspace, 0
        self.folder, self.clock = workspace.folder, workspace.clock

    def call(self, name: str, /, **arguments: Any) -> Any:
        answer = self.inner.call(name, **arguments)
        self.calls += 1
        if self.calls % 2:
            raise Unavailable("The answer was lost.")
        return answer


def test_lost_answers_double_nothing(workspace: Workspace, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_PAUSE_S", 1000)
    line: Any = Forgetful(workspace)
    box = Outbox(line, run)
    for begin in range(0, 500, 100):
        for step in range(begin, begin + 100):
            box.add(step, {"loss": 0.5, "accuracy": 0.5} if step % 3 else {"loss": 0.5})
        for _ in range(3):
            try:
                box.flush()
            except Unavailable:
                continue
    assert steps(workspace, run) == list(range(500))
    box.leave(discarded=True)


def test_very_many_names_are_sent_in_requests_of_limited_size(
    workspace: Workspace, box: Outbox, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "_MOST_BYTES", 20_000)
    asked: list[int] = []

    def call(name: str, /, **arguments: Any) -> Any:
        asked.append(sum(len(each["key"]) for each in arguments.get("columns", ())))
        return workspace.call(name, **arguments)

    monkeypatch.setattr(box._carrier, "_ws", SimpleNamespace(call=call))
    for step in range(3):
        for number in range(400):
            box.add(step, {f"{number:0200}": 0.5})
    box.flush()
    assert len(asked) > 12 and max(asked) < 20_000
    assert {each.count for each in workspace.tracking.show(run).summaries} == {3}
    assert len(workspace.tracking.show(run).summaries) == 400
    box.close("finished")
    box.leave(discarded=True)


def test_a_batch_that_arrived_in_part_goes_on_from_there(workspace: Workspace, box: Outbox, run: str) -> None:
    for step in range(100):
        box.add(step, {"loss": float(step)})
    declared = 1
    column = {
        "key": "loss",
        "steps": packed("q", 0, 1),
        "at_us": packed("q", 0, 0),
        "values": packed("d", 0, 1),
    }
    assert workspace.tracking.append(run, box.folder.name, 0, declared + 2, [column]) == declared + 2
    box.flush()
    assert steps(workspace, run) == list(range(100))
    box.close("finished")
    box.leave(discarded=True)


def packed(kind: str, *numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}{kind}", *numbers)


def test_times_are_the_workspaces(tmp_path: Path) -> None:
    clock = FrozenClock(datetime(1996, 5, 7, tzinfo=UTC))
    with Workspace.create(tmp_path, clock=clock) as ws, tracking.run(ws, "churn") as active:
        active.log(loss=1.0)
        clock.advance(-3600)
        active.log(loss=2.0)
        active.flush()
        found = ws.tracking.series(active.id, "loss")
        assert [(each.at.hour, each.value) for each in found if each.at] == [(0, 1.0), (23, 2.0)]
        assert ws.tracking.show(active.id).metrics == {"loss": 2.0}


def test_a_workspace_that_is_known_to_be_away_is_not_asked(
    workspace: Workspace, run: str, box: Outbox
) -> None:
    box.add(0, {"loss": 0.5})
    box._carrier.carry = lambda **_: pytest.fail("it was asked")  # type: ignore[method-assign]  # nothing may be sent
    assert not box.close("finished", ask=False)
    assert (box.folder / "status").read_text() == "finished"
    box.leave(discarded=False)
    assert tracking.recover(workspace) == [run]
    assert steps(workspace, run) == [0] and workspace.tracking.show(run).status == "finished"


def test_where_nothing_waits_nobody_needs_to_be_asked(workspace: Workspace, run: str, box: Outbox) -> None:
    assert box.close("finished", ask=False)
    box.leave(discarded=True)


def test_a_forked_childs_records_wait_when_nobody_is_asked(
    workspace: Workspace, run: str, box: Outbox
) -> None:
    assert forked(lambda: box.add(1, {"loss": 0.5})) == 0
    assert not box.close("finished", ask=False)
    box.leave(discarded=False)
    assert tracking.recover(workspace) == [run]
    assert steps(workspace, run) == [1]
