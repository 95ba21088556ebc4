from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.execution import InlineExecutor, ProcessExecutor
from fettle.execution.ports import WorkKilled, WorkTimedOut


def double(value: int) -> int:
    return value * 2


def fail() -> None:
    raise NotFound("There is no model 'x'.", hint="Look again.")


def pid() -> int:
    return os.getpid()


def wait(path: str) -> None:
    Path(path).touch()
    time.sleep(600)


def end() -> None:
    os._exit(3)


class Stubborn(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_stubbornly() -> None:
    raise Stubborn(1, 2)


def until(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)


def test_work_runs_in_another_process_and_answers() -> None:
    with ProcessExecutor(workers=2) as executor:
        tasks = [executor.submit(double, number) for number in range(3)]
        elsewhere = executor.submit(pid)
        assert [task.result() for task in tasks] == [0, 2, 4]
        assert elsewhere.result() != os.getpid()
        assert elsewhere.done()


def test_its_error_is_raised_here_with_the_childs_traceback() -> None:
    with ProcessExecutor(workers=1) as executor:
        with pytest.raises(NotFound, match="no model") as refused:
            executor.submit(fail).result()
        assert refused.value.hint == "Look again."
        assert "in fail" in refused.value.__notes__[0]
        with pytest.raises(RuntimeError, match="Stubborn: 1 and 2"):
            executor.submit(fail_stubbornly).result()


def test_work_that_takes_too_long_is_stopped() -> None:
    with ProcessExecutor(workers=1) as executor, pytest.raises(WorkTimedOut, match="was stopped"):
        executor.submit(time.sleep, 600, timeout_s=1.0).result()


def test_waiting_too_briefly_does_not_stop_the_work(tmp_path: Path) -> None:
    with ProcessExecutor(workers=1) as executor:
        task = executor.submit(wait, str(tmp_path / "began"))
        with pytest.raises(WorkTimedOut, match="goes on"):
            task.result(timeout_s=0.01)
        assert not task.done()


def test_killed_and_crashed_work_is_told_apart_from_an_answer(tmp_path: Path) -> None:
    with ProcessExecutor(workers=2) as executor:
        killed = executor.submit(wait, str(tmp_path / "began"))
        until(tmp_path / "began")
        assert killed.pid is not None
        os.kill(killed.pid, signal.SIGKILL)
        with pytest.raises(WorkKilled) as gone:
            killed.result()
        assert "SIGKILL" in gone.value.found
        with pytest.raises(WorkKilled) as ended:
            executor.submit(end).result()
        assert "exit code 3" in ended.value.found


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    executor = ProcessExecutor(workers=1)
    task = executor.submit(wait, str(tmp_path / "began"))
    executor.close()
    assert task.done()
    with pytest.raises(Unavailable, match="closed"):
        executor.submit(double, 1)


def test_what_cannot_be_sent_is_refused_before_a_process_starts() -> None:
    with ProcessExecutor(workers=1) as executor, pytest.raises(Invalid, match="cannot be sent"):
        executor.submit(lambda: 1)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, sys, time\n"
        "from fettle.execution import ProcessExecutor\n"
        "def work(path):\n"
        "    open(path + '.tmp', 'w').write(str(os.getpid()))\n"
        "    os.replace(path + '.tmp', path)\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    ProcessExecutor(workers=1).submit(work, sys.argv[1]).result()\n"
    )
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path / "pid")])
    until(tmp_path / "pid")
    child = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while _runs(child):
        assert time.monotonic() < deadline, "the child goes on without its parent"
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def test_inline_work_is_done_at_once_and_keeps_its_error() -> None:
    with InlineExecutor() as executor:
        task = executor.submit(double, 4)
        assert task.done()
        assert task.result() == 8
        failed = executor.submit(fail)
        with pytest.raises(NotFound):
            failed.result()
