from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fettle import tracking
from fettle.core.errors import Unavailable
from fettle.tracking.carrier import Arrived
from fettle.tracking.entries import Reader
from fettle.tracking.outbox import runs_folder
from fettle.tracking.synced import sync
from fettle.workspace import Workspace

TRAINING = """
import os, sys
from pathlib import Path
from fettle import tracking
from fettle.workspace import Workspace

ws = Workspace.create(sys.argv[1])
run = tracking.run(ws, "killed", run_id=sys.argv[2])
said = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for step in range(10_000_000):
    run.log(loss=float(step), step=step)
    os.write(said, b"%d\\n" % step)
"""


def acknowledged(path: Path) -> int:
    """The last step whose `log` had returned, by the training's own word."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return int(lines[-1])


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_right_after_log_loses_nothing_and_doubles_nothing(
    workspace: Workspace, tmp_path: Path, seed: int
) -> None:
    script, said = tmp_path / "train.py", tmp_path / "said"
    script.write_text(TRAINING)
    training = subprocess.Popen([sys.executable, str(script), str(tmp_path), "victim", str(said)])
    deadline = time.monotonic() + 60
    while not said.exists() or said.stat().st_size < 100:
        assert time.monotonic() < deadline and training.poll() is None
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0.0, 1.2))
    os.kill(training.pid, signal.SIGKILL)
    training.wait()
    last = acknowledged(said)

    assert tracking.recover(workspace) == ["victim"]
    assert tracking.recover(workspace) == []
    shown = workspace.tracking.show("victim")
    assert shown.status == "killed"
    steps = [each.step for each in workspace.tracking.series("victim", "loss", most=0)]
    assert steps == list(range(len(steps)))
    assert len(steps) in (last + 1, last + 2), "at most the one that was being told may be there unsaid"
    assert not list(runs_folder(workspace).iterdir())


def test_the_next_run_recovers_what_a_killed_one_left(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING.replace("range(10_000_000)", "range(3)") + "os.kill(os.getpid(), 9)\n")
    subprocess.run(
        [sys.executable, str(script), str(tmp_path), "victim", str(tmp_path / "said")], check=False
    )
    tracking.run(workspace, "next").finish()
    assert workspace.tracking.show("victim").summaries[0].count == 3


def test_a_killed_run_that_logged_nothing_does_not_stay_running(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING.replace("range(10_000_000)", "range(0)") + "os.kill(os.getpid(), 9)\n")
    subprocess.run(
        [sys.executable, str(script), str(tmp_path), "victim", str(tmp_path / "said")], check=False
    )
    tracking.recover(workspace)
    assert workspace.tracking.show("victim").status == "killed"


def test_a_living_run_is_left_alone(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:
        run.log(loss=1.0)
        assert tracking.recover(workspace) == []
        run.log(loss=2.0)
    assert workspace.tracking.show(run.id).summaries[0].count == 2


class Away:
    """A workspace whose network is cut while `away` is set; everything else is the real one."""

    def __init__(self, workspace: Workspace) -> None:
        self.inner = workspace
        self.away = False
        self.folder, self.clock, self.blobs = workspace.folder, workspace.clock, workspace.blobs

    def call(self, name: str, /, **arguments: Any) -> Any:
        if self.away:
            raise Unavailable("The server does not answer.")
        return self.inner.call(name, **arguments)


def test_a_training_goes_on_while_the_workspace_is_away(workspace: Workspace) -> None:
    line: Any = Away(workspace)
    run = tracking.run(line, "churn")
    run.log(loss=1.0)
    run.flush()
    line.away = True
    run.log(loss=2.0)
    with pytest.raises(Unavailable):
        run.flush()
    with pytest.warns(UserWarning, match="kept in"):
        run.finish()
    assert workspace.tracking.show(run.id).status == "running"
    assert tracking.recover(line) == []
    line.away = False
    assert tracking.recover(line) == [run.id]
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.summaries[0].count) == ("finished", 2)


def test_a_resumed_run_counts_on(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn", run_id="same") as run:
        for _ in range(5):
            run.log(loss=1.0)
        run.sample({"system/cpu": 1.0}, 70)
    with tracking.run(workspace, "churn", run_id="same") as run:
        run.log(loss=9.0)
    points = workspace.tracking.series("same", "loss", most=0)
    assert [(each.step, each.value) for each in points][-2:] == [(4, 1.0), (5, 9.0)]


def test_one_journal_that_is_refused_holds_up_no_other(workspace: Workspace) -> None:
    line: Any = Away(workspace)
    line.away = True
    for name in ("a-refused", "b-good"):
        with pytest.warns(UserWarning):
            run = tracking.run(line, "churn", run_id=name, capture=False)
            run.log(loss=1.0)
            run.finish()
    journal = next((runs_folder(workspace) / "a-refused").iterdir())
    note = Arrived(1000, "000000000001-0", Reader().forms)
    (journal / "arrived").write_bytes(msgspec.json.encode(note))  # as after a backup was restored
    line.away = False
    failures: dict[str, str] = {}
    assert tracking.recover(line, failures=failures) == ["b-good"]
    assert "a-refused" in failures
    assert "a-refused" in str(sync(line))
