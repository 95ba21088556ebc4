"""Full disks: a clear error for the training, nothing lost that was acknowledged, and going on once there is room."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fettle.core.errors import Unavailable
from fettle.tracking import outbox as boxes
from fettle.tracking.outbox import Outbox
from fettle.workspace import Workspace
from tests.faults.test_storage_disks import fill, small_disk

__all__ = ["small_disk"]


def log_until_full(box: Outbox, begin: int) -> int:
    """Log until it is refused; the first step that was not taken."""
    step = begin
    with pytest.raises(Unavailable, match="The disk is full"):
        while True:
            box.add(step, {"loss": float(step)})
            step += 1
    return step


def test_a_training_on_a_full_disk(
    workspace: Workspace, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "_PAUSE_S", 1000)
    workspace.folder = small_disk
    run = workspace.tracking.start("churn").id
    box = Outbox(workspace, run)
    box.add(0, {"loss": 0.0})
    filler = fill(small_disk)
    step = log_until_full(box, 1)
    assert step > 1000, "space that was reserved is usable on a full disk"
    box.flush()
    assert workspace.tracking.history(run, "loss").arrays()[0].tolist() == list(range(step))
    with pytest.raises(Unavailable, match="The disk is full"):
        box.add(step, {"another": 1.0})
    filler.unlink()
    for more in range(step, step + 500):
        box.add(more, {"loss": float(more)})
    assert box.close("finished")
    box.leave(discarded=True)
    assert workspace.tracking.history(run, "loss").arrays()[0].tolist() == list(range(step + 500))
    assert not list(small_disk.glob("tracking/*"))


def test_a_workspace_on_a_full_disk(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal waits while the database has no room."""
    monkeypatch.setattr(boxes, "_PAUSE_S", 1000)
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    with Workspace.create(small_disk) as ws:
        ws.folder = tmp_path
        run = ws.tracking.start("churn").id
        box = Outbox(ws, run)
        for step in range(200_000):
            box.add(step, {"loss": step * 0.37 % 1, "noise": os.urandom(1)[0] / 7})
        filler = fill(small_disk)
        with pytest.raises(Unavailable, match="full"):
            box.flush()
        for step in range(200_000, 200_100):
            box.add(step, {"loss": 0.5, "noise": 0.5})
        filler.unlink()
        box.flush()
        for key in ("loss", "noise"):
            assert ws.tracking.history(run, key).arrays()[0].tolist() == list(range(200_100))
        box.close("finished")
        box.leave(discarded=True)
