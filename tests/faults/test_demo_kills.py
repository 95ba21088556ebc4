"""The demonstration goes on when its processes are killed at random instants, and nothing is lost or done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from fettle.projects.services import Roll
from fettle.projects.worker import pid_file
from fettle.serving import log
from fettle.serving.records import Prediction
from fettle.workspace import Workspace

KILLS_OF_EACH = 10
KINDS = ("endpoint", "keeper", "worker")


def victims(folder: Path) -> dict[str, int]:
    """The ids of the processes that may be killed now, by kind."""
    found: dict[str, int] = {}
    try:
        found |= msgspec.json.decode((folder / "services.json").read_bytes(), type=Roll).services
        found["worker"] = int((folder / "worker.pid").read_text())
    except (OSError, ValueError, msgspec.DecodeError):
        pass
    return found


def is_ours(pid: int) -> bool:
    try:
        return b"fettle" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.timeout(400)
def test_ten_kills_of_each_process_lose_nothing(tmp_path: Path):
    chance = random.Random(20261121)
    folder = tmp_path / "demo"
    with (tmp_path / "errors").open("wb") as errors:
        demo = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "fettle",
                "demo",
                "--fast",
                "--json",
                "--no-pages",
                "--folder",
                str(folder),
            ],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        killed: Counter[str] = Counter()
        while demo.poll() is None:
            time.sleep(chance.uniform(0.05, 0.45))
            for kind, pid in victims(folder / ".fettle").items():
                wanted = kind in KINDS and killed[kind] < KILLS_OF_EACH and chance.random() < 0.2
                if wanted and is_ours(pid):
                    os.kill(pid, signal.SIGKILL)
                    killed[kind] += 1
        report = json.loads(demo.communicate()[0] or b"{}")
    assert demo.returncode == 0, (tmp_path / "errors").read_text()[-3000:]
    assert report["failures"] == 0
    assert killed == dict.fromkeys(KINDS, KILLS_OF_EACH)
    with Workspace.open(str(folder)) as ws:
        assert_all_logged_once(ws, report)
        assert_no_step_done_twice(ws)
        assert ws.governance.verify().whole
    assert not is_ours(int(pid_file(ws).read_text()))


def assert_all_logged_once(ws: Workspace, report: dict) -> None:
    records = [record for _, _, record in log.read(ws.folder / "serving" / "electricity", {})]
    answered = {record.id for record in records if isinstance(record, Prediction) and record.status == 200}
    assert len(answered) == report["requests"]
    rows = sum(window.rows for window in ws.monitoring.windows("electricity") if window.status == "closed")
    assert rows > 0


def assert_no_step_done_twice(ws: Workspace) -> None:
    for flow in ws.pipelines.runs(limit=500):
        keys = [step.key for step in ws.pipelines.show(flow.id).steps if step.status == "finished"]
        assert len(keys) == len(set(keys)), f"{flow.id} ran a step twice"
    versions = ws.registry.versions("electricity")
    assert len({each.bundle for each in versions}) == len(versions)
