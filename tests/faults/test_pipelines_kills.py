"""Kill a pipeline at random instants: it goes on where it died, and no finished step is run again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fettle.pipelines.records import FlowRun
from fettle.workspace import Workspace

STEPS = 40
KILLS = 10

PIPELINE = f"""
import os, sys, time
from pathlib import Path

from fettle.pipelines import Flow, step
from fettle.workspace import Workspace

said = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

@step
def link(value: bytes, place: int) -> bytes:
    return value[:-1] + bytes([place])

@step(name="tell", cache=True)
def tell(value: bytes, place: int, ws) -> int:
    os.write(int(os.environ["SAID"]), b"%d\\n" % place)
    time.sleep(0.01)
    return len(value)

os.environ.setdefault("SAID", str(said))
ws = Workspace.create(sys.argv[1])
with Flow(ws, "killed", run_id=sys.argv[3]) as flow:
    value = bytes(20_000)
    for place in range({STEPS}):
        value = flow.run(link, value, place)
        flow.run(tell, value, place)
"""


def begin(tmp_path: Path, flow: str) -> subprocess.Popen[bytes]:
    script = tmp_path / "pipeline.py"
    script.write_text(PIPELINE)
    # SAID is the number of an open file, the same in every process, so that it is no difference between them
    return subprocess.Popen([sys.executable, str(script), str(tmp_path), str(tmp_path / "said"), flow])


def told(tmp_path: Path) -> list[int]:
    path = tmp_path / "said"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def finished(shown: FlowRun) -> set[int]:
    return {each.seq for each in shown.steps if each.status == "finished"}


@pytest.mark.parametrize("same_run", [True, False], ids=["resumed", "begun again"])
def test_no_finished_step_is_run_again_after_kills(
    workspace: Workspace, tmp_path: Path, same_run: bool
) -> None:
    chance = random.Random(7 if same_run else 8)
    done: set[int] = set()
    count = 0
    for number in range(KILLS + 200):
        flow = "run" if same_run else f"run-{number}"
        before = len(told(tmp_path))
        process = begin(tmp_path, flow)
        if number < KILLS:
            wait_for_sign(process, tmp_path, before)
            time.sleep(chance.uniform(0.0, 0.15))
            process.kill()
        code = process.wait()
        again = [place for place in told(tmp_path)[before:] if 2 * place + 1 in done]
        assert not again, f"steps {again} had finished and were run again"
        shown = workspace.pipelines.show(flow)
        kept = done | finished(shown) if not same_run else finished(shown)
        assert done <= kept, "a finished step was forgotten"
        done = kept
        count += code == -signal.SIGKILL
        if code == 0:
            break
    assert code == 0
    assert count > 0
    assert shown.status == "finished"
    assert {each.status for each in shown.steps} <= {"finished", "reused"}
    assert len(shown.steps) == 2 * STEPS
    assert sorted(set(told(tmp_path))) == list(range(STEPS))
    twice = len(told(tmp_path)) - STEPS
    assert twice <= count, "only the step that was running at a kill may have begun twice"


def wait_for_sign(process: subprocess.Popen[bytes], tmp_path: Path, before: int) -> None:
    """Wait until the pipeline runs a step, or has ended."""
    deadline = time.monotonic() + 60
    while len(told(tmp_path)) == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_kills_leave_no_half_written_result(workspace: Workspace, tmp_path: Path) -> None:
    """Every result that is recorded has all its bytes, whenever the process died."""
    from fettle.pipelines import artifacts
    from fettle.storage.objects import get_object

    chance = random.Random(9)
    for number in range(3):
        before = len(told(tmp_path))
        process = begin(tmp_path, f"run-{number}")
        wait_for_sign(process, tmp_path, before)
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        process.wait()
    for number in range(3):
        for each in workspace.pipelines.show(f"run-{number}").steps:
            found = workspace.pipelines.find("killed", "none", each.name, each.key)
            for result in found.results:
                for digest in artifacts.objects(result.output):
                    assert get_object(workspace.blobs, digest)
