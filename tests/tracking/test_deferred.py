from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fettle import tracking
from fettle.core.errors import Conflict, Unavailable
from fettle.storage.objects import get_object
from fettle.tracking import deferred, telling
from fettle.tracking.outbox import runs_folder
from fettle.tracking.refused import refused_folder
from fettle.tracking.synced import sync
from fettle.workspace import Workspace
from tests.tracking.away import Line

pytestmark = pytest.mark.filterwarnings("ignore:The workspace is away")


def train(line: Any, **given: Any) -> tracking.ActiveRun:
    with tracking.run(line, "churn", name="far", params={"lr": 0.1}, **given) as run:
        run.log(loss=1.0)
        run.config["depth"] = 3
        run.tag(stage="one")
        run.log_text("hello", "notes/a.md")
        run.tag(stage="two")
        run.log(loss=2.0)
    return run


def test_a_training_begins_runs_and_ends_without_a_workspace(workspace: Workspace) -> None:
    line: Any = Line(workspace, away=True)
    run = train(line)
    assert workspace.tracking.runs() == []
    with pytest.raises(Unavailable):
        sync(line)
    line.away = False
    assert sync(line).sent == [run.id]
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.name, shown.params, shown.tags) == (
        "finished",
        "far",
        {"lr": 0.1, "depth": 3},
        {"stage": "two"},
    )
    assert shown.summaries[0].count == 2
    assert shown.started_at == run.record.started_at and shown.ended_at is not None
    assert get_object(workspace.blobs, shown.artifacts[0].digest) == b"hello"
    assert sync(line).sent == []
    assert list(runs_folder(workspace).iterdir()) == []


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_line_that_breaks_anywhere_loses_and_doubles_nothing(workspace: Workspace, calls: int) -> None:
    line: Any = Line(workspace)
    line.calls = calls
    run = train(line)
    line.calls, line.away = None, False
    sync(line)
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.tags, shown.params) == ("finished", {"stage": "two"}, {"lr": 0.1, "depth": 3})
    assert shown.summaries[0].count == 2
    assert [each.path for each in shown.artifacts] == ["notes/a.md"]


def test_an_answer_that_was_lost_does_not_do_it_twice(workspace: Workspace, tmp_path: Path) -> None:
    run = tracking.run(workspace, "churn")
    said = deferred.Deferred(workspace, lambda: tmp_path, quiet=True)
    said.say("tracking.set", run=run.id, tags={"stage": "one"})
    said.say("tracking.set", run=run.id, tags={"stage": "two"})
    said.flush()
    (tmp_path / "told").unlink()  # as after a kill between the answer and its note
    workspace.call("tracking.set", run=run.id, tags={"stage": "three"})
    assert [number for number, _ in telling.tell(workspace, tmp_path)] == [2]
    assert workspace.tracking.show(run.id).tags == {"stage": "three"}
    said.close()
    run.finish()


def test_what_the_workspace_refuses_is_said_and_the_rest_goes_on(workspace: Workspace) -> None:
    run = tracking.run(workspace, "churn")
    workspace.call("tracking.set", run=run.id, params={"lr": 0.2})
    run.log_params(lr=0.1)  # another process was faster
    run.tag(done="yes")
    with pytest.warns(UserWarning, match="Not recorded with the run"):
        run.finish()
    shown = workspace.tracking.show(run.id)
    assert (shown.params, shown.tags, shown.status) == ({"lr": 0.2}, {"done": "yes"}, "finished")


def test_a_run_in_the_bin_takes_nothing_and_nothing_is_lost(workspace: Workspace) -> None:
    first = tracking.run(workspace, "churn", run_id="one")
    first.finish()
    workspace.call("tracking.delete", run="one")
    with pytest.raises(Conflict, match="in the bin"):
        tracking.run(workspace, "churn", run_id="one")


def test_what_a_run_in_the_bin_was_told_is_kept_and_told_again(workspace: Workspace) -> None:
    line: Any = Line(workspace)
    run = tracking.run(line, "churn", run_id="one")
    run.flush()
    line.away = True
    run.tag(stage="two")
    run.log_text("hello", "notes/a.md")
    run.finish()
    line.away = False
    workspace.call("tracking.delete", run="one")
    with pytest.warns(UserWarning, match="Not recorded"):
        told = sync(line)
    assert len(told.refused) == 2 and "in the bin" in str(told)
    workspace.call("tracking.restore", run="one")
    assert sync(line).refused == []
    shown = workspace.tracking.show("one")
    assert shown.tags == {"stage": "two"}
    assert get_object(workspace.blobs, shown.artifacts[0].digest) == b"hello"
    assert list(refused_folder(workspace).iterdir()) == []


TRAINING = """
import os, sys
from fettle import tracking
from fettle.workspace import Workspace
ws = Workspace.create(sys.argv[1])
run = tracking.run(ws, "killed", run_id="victim")
said = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for step in range(100_000):
    run.tag({f"tag{step % 7}": step})
    run.log_text(str(step), f"texts/{step % 5}.txt")
    os.write(said, b"%d\\n" % step)
"""


@pytest.mark.parametrize("wait_s", [0.0, 0.4])
def test_a_kill_right_after_it_was_said_loses_nothing(
    workspace: Workspace, tmp_path: Path, wait_s: float
) -> None:
    script, said = tmp_path / "train.py", tmp_path / "said"
    script.write_text(TRAINING)
    training = subprocess.Popen([sys.executable, str(script), str(tmp_path), str(said)])
    deadline = time.monotonic() + 60
    while not said.exists() or said.stat().st_size < 40:
        assert time.monotonic() < deadline and training.poll() is None
        time.sleep(0.01)
    time.sleep(wait_s)
    os.kill(training.pid, signal.SIGKILL)
    training.wait()
    last = int(said.read_bytes().split(b"\n")[-2])
    tracking.recover(workspace)
    shown = workspace.tracking.show("victim")
    told = max(int(text) for text in shown.tags.values())
    assert shown.status == "killed" and told in (last, last + 1)
    assert {key: int(text) for key, text in shown.tags.items()} == {
        f"tag{step % 7}": step for step in range(told - 6, told + 1)
    }
    for each in shown.artifacts:
        step = int(get_object(workspace.blobs, each.digest))
        assert f"texts/{step % 5}.txt" == each.path and last - 5 < step <= told


def test_large_files_are_sent_at_once_and_kept_here_while_away(workspace: Workspace, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(5 << 20))
    line: Any = Line(workspace)
    run = tracking.run(line, "churn")
    near = run.log_artifact(big)
    assert not (run._deferred.folder / "files").exists()
    line.away = True
    with big.open("ab") as file:
        file.write(b"more")
    far = run.log_artifact(big, "later/big.bin")
    big.write_bytes(b"changed after it was logged")
    run.finish()
    line.away = False
    sync(line)
    shown = {each.path: each for each in workspace.tracking.show(run.id).artifacts}
    assert shown["big.bin"].digest == near.digest
    assert get_object(workspace.blobs, far.digest).endswith(b"more")
    assert shown["later/big.bin"].size_bytes == (5 << 20) + 4


def test_a_file_that_changes_while_it_is_read_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "log.bin"
    path.write_bytes(b"first")
    pieces = deferred._unchanged(path, "0" * 64)
    with pytest.raises(Conflict, match="changed while"):
        workspace.blobs.put("objects/00/" + "0" * 64, pieces)
    assert workspace.blobs.info("objects/00/" + "0" * 64) is None
