"""What a run records by itself."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fettle
from fettle import tracking
from fettle.core.errors import Invalid
from fettle.storage.objects import get_object
from fettle.tracking.capture import (
    arguments,
    capturing,
    environment,
    git,
    gpus,
    masks,
    secrets,
    seeds,
    system,
)
from fettle.tracking.capture import console as console_of
from fettle.workspace import Workspace


def text(workspace: Workspace, run: str, path: str) -> str:
    found = {each.path: each.digest for each in workspace.tracking.show(run).artifacts}
    return get_object(workspace.blobs, found[path]).decode()


def console(workspace: Workspace, run: str) -> str:
    paths = [each.path for each in workspace.tracking.show(run).artifacts if "captured/console" in each.path]
    return "".join(text(workspace, run, path) for path in sorted(paths))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "code"
    place.mkdir()
    for words in (
        ["init", "-q", "-b", "trunk"],
        ["config", "user.email", "a@b.c"],
        ["config", "user.name", "a"],
        ["remote", "add", "origin", "https://ada:hunter2@example.org/x.git?token=abc"],
    ):
        subprocess.run(["git", "-C", str(place), *words], check=True)
    (place / "train.py").write_text("lr = 0.1\n")
    (place / ".env").write_text("KEY=one\n")
    subprocess.run(["git", "-C", str(place), "add", "-f", "."], check=True)
    subprocess.run(["git", "-C", str(place), "commit", "-q", "-m", "one"], check=True)
    return place


def test_a_run_with_everything_captured(
    workspace: Workspace, repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(repository)
    (repository / "train.py").write_text("lr = 0.2\npassword = 'correct horse'\n")
    (repository / ".env").write_text("KEY=two\n")
    (repository / "new file.py").write_text("")
    with tracking.run(workspace, "churn", capture=True) as run:
        print("hello", file=sys.stdout)
        print("careful", file=sys.stderr)
        run.log(loss=1.0)
    shown = workspace.tracking.show(run.id)
    assert len(shown.tags["git.commit"]) == 40 and shown.tags["git.branch"] == "trunk"
    assert "hunter2" not in str(shown.tags) and "abc" not in shown.tags["git.remote"]
    assert shown.tags["git.dirty"] == "3 files"
    assert shown.tags["python.version"] == sys.version.split()[0]
    assert shown.tags["host.name"] and "capture.failed" not in shown.tags
    diff = text(workspace, run.id, "captured/changes.diff")
    assert "+lr = 0.2" in diff and "horse" not in diff and "two" not in diff
    states = {
        each["path"]: each["state"]
        for each in json.loads(text(workspace, run.id, "captured/git.json"))["dirty"]
    }
    assert states == {"train.py": "M", ".env": "M", "new file.py": "??"}
    packages = json.loads(text(workspace, run.id, "captured/environment.json"))["packages"]
    assert packages["numpy"] == np.__version__
    assert f"numpy=={np.__version__}\n" in text(workspace, run.id, "captured/requirements.txt")
    assert {"system/memory", "system/disk", "loss"} <= {each.key for each in shown.summaries}
    assert sorted(console(workspace, run.id).splitlines()) == ["careful", "hello"]
    assert "hello" in capfd.readouterr().out


def test_parts_can_be_chosen(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.run(workspace, "churn", capture=["seeds", "code"]) as run:
        pass
    assert {key.partition(".")[0] for key in workspace.tracking.show(run.id).tags} <= {"seed", "code"}
    monkeypatch.setenv("FETTLE_TRACK_CAPTURE", "none")
    with tracking.run(workspace, "churn", capture=True) as run:
        pass
    assert workspace.tracking.show(run.id).tags == {}
    with pytest.raises(Invalid, match="Did you mean 'console'"):
        capturing.checked(["consol"])


def test_the_short_word_captures_and_parts_of_a_run_do_not(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETTLE_TRACK_CAPTURE", "code")
    with fettle.run("churn", workspace=workspace) as run, fettle.run("churn", workspace=workspace) as part:
        pass
    assert "code.command" in workspace.tracking.show(run.id).tags
    assert workspace.tracking.show(part.id).tags == {}


def test_what_cannot_be_captured_breaks_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("strange machine")

    monkeypatch.setattr(seeds, "found", broken)
    monkeypatch.setattr(environment, "found", broken)
    with tracking.run(workspace, "churn", capture=["seeds", "environment", "code"]) as run:
        run.log(loss=1.0)
    shown = workspace.tracking.show(run.id)
    assert shown.status == "finished" and "code.command" in shown.tags
    assert "seeds: ZeroDivisionError: strange machine" in shown.tags["capture.failed"]


PRINTING = """
import os, subprocess, sys, time
from fettle import tracking
from fettle.workspace import Workspace
run = tracking.run(Workspace.create(sys.argv[1]), "e", run_id="one", capture=["console"])
print("from python")
sys.stdout.flush()
subprocess.run(["echo", "from a child"])
os.write(1, b"from the descriptor\\n")
print("to error", file=sys.stderr, flush=True)
{ending}
"""


@pytest.mark.parametrize("ending", ["", "os.kill(os.getpid(), 9)"])
def test_what_was_printed_is_kept_also_by_children_and_before_a_kill(
    workspace: Workspace, tmp_path: Path, ending: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTING.format(ending=ending), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    deadline = time.monotonic() + 20
    logs = list(workspace.folder.glob("tracking/one/*/console.log"))
    while logs and b"to error" not in logs[0].read_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)
    tracking.recover(workspace)
    lines = ["from a child", "from python", "from the descriptor", "to error"]
    assert sorted(console(workspace, "one").splitlines()) == lines
    assert sorted((done.stdout + done.stderr).splitlines()) == lines
    assert workspace.tracking.show("one").status == ("killed" if ending else "finished")


def test_a_child_that_prints_on_after_the_run_is_not_broken(workspace: Workspace, tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; from fettle import tracking; from fettle.workspace import Workspace\n"
        "with tracking.run(Workspace.create(sys.argv[1]), 'e', capture=['console']):\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(2.5); print(\"late\")'])\n"
        "print('after')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["after", "late"] and done.stderr == ""


def test_long_output_becomes_pieces_that_join(workspace: Workspace, capsys: Any) -> None:
    with tracking.run(workspace, "e", capture=["console"]) as run:
        for number in range(120):
            print(number, "ü" * 10_000)
    found = console(workspace, run.id).splitlines()
    assert [line.split()[0] for line in found] == [str(number) for number in range(120)]
    assert {len(line.split()[1]) for line in found} == {10_000}
    pieces = [each for each in workspace.tracking.show(run.id).artifacts if "console" in each.path]
    assert len(pieces) >= 2


def test_two_captured_runs_at_once_let_go_in_any_order(workspace: Workspace, capsys: Any) -> None:
    before = (sys.stdout.write, sys.stderr.write)
    first = tracking.run(workspace, "e", capture=["console"])
    second = tracking.run(workspace, "e", capture=["console"])
    print("both")
    first.finish()
    print("second")
    second.finish()
    print("none")
    assert console(workspace, first.id) == "both\n"
    assert console(workspace, second.id) == "both\nsecond\n"
    assert (sys.stdout.write, sys.stderr.write) == before


def test_seeds_that_are_set_and_seeds_that_are_found(workspace: Workspace) -> None:
    np.random.seed(1234)
    assert seeds.found()["seed.numpy"] == "1234"
    np.random.random()
    with tracking.run(workspace, "e") as run:
        assert fettle.seed(7) == 7
        drawn = (random.random(), np.random.random())
    assert workspace.tracking.show(run.id).tags["seed.random"] == "7"
    fettle.seed(7)
    assert (random.random(), np.random.random()) == drawn
    assert seeds.found()["seed.random"] == "7"


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        (["train.py", "--password", "hunter2", "--lr", "0.1"], "train.py --password ••• --lr 0.1"),
        (["--api-key=abcdef", "--depth=3"], "--api-key=••• --depth=3"),
        (["WANDB_API_KEY=abcdef123", "x"], "WANDB_API_KEY=••• x"),
        (["postgresql://ada:secret@host/db"], "postgresql://ada:•••@host/db"),
        (["--tokenizer", "bert", "--authors", "ada"], None),
        (["ghp_" + "a" * 36], "•••"),
        (["--dry-run", "file.csv"], "--dry-run file.csv"),
    ],
)
def test_secrets_of_a_command_line_are_hidden(given: list[str], safe: str | None) -> None:
    found = " ".join(arguments.told(given)[0])
    assert safe is None or found == safe


def test_secrets_in_a_text_are_hidden_fast() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"
    safe = secrets.masked(
        f'{key}\n+ "aws_secret_access_key": "abcd/efgh"\n+ token = os.environ["T"]\nlearning_rate = 0.1'
    )
    assert "MIIabc" not in safe and "abcd/efgh" not in safe and "learning_rate = 0.1" in safe
    long = "a" * 300_000 + "token" * 50_000
    assert secrets.masked(f"{long}\nlr = 1") == "•••\nlr = 1"
    assert secrets.masked("a" * 3_000_000) == "a" * 3_000_000  # no runaway backtracking


TELLING = """password = "hunter22x"
API_KEY: str = "hunter22x"
token: Optional[str] = "hunter22x"
client(token=hunter22x)
headers={"Authorization": "Bearer hunter22x"}
headers = [f"Basic hunter22x"]
os.environ["PASSWORD"] = "hunter22x"
set_password("hunter22x")
secret = f"hunter22x"
password="a\\"b hunter22x"
db_password = (
    "hunter22x"
)
tokens:
  - hunter22x
auth:
  basic: hunter22x
api-key: |
  hunter22x
Pwd=hunter22x;
'"""


@pytest.mark.parametrize("patch", [False, True])
def test_secrets_are_hidden_however_they_are_written(patch: bool) -> None:
    text = (
        TELLING if not patch else "diff --git a b\n" + "".join(f"+{line}\n" for line in TELLING.splitlines())
    )
    safe = secrets.masked(text + "learning_rate = 0.1\n")
    assert "hunter22x" not in safe
    assert "learning_rate = 0.1" in safe
    assert "hunter22x" not in " ".join(arguments.told(["--header", "Authorization: Bearer hunter22x"])[0])


def test_what_is_no_secret_is_left() -> None:
    plain = (
        "def login(token):\n    return check(token)\n"
        "if password:\n    connect()\n"
        "commit 3f786850e387550fdab836ed7e6dc881de23001b\n"
        "from averylongpackage.withmanymodules import SomethingWithALongName\n"
        "x = model(tokens == 3)\n"
    )
    assert secrets.masked(plain) == plain
    assert "zQ3vX9kLmP0aRt7YcB2nWd8E" not in secrets.masked("x = 'zQ3vX9kLmP0aRt7YcB2nWd8E'")


@pytest.mark.parametrize(
    "name",
    [
        ".envrc",
        "secrets/db.yaml",
        "store.kdbx",
        ".docker/config.json",
        ".env",
        "a/.env.local",
        "keys/server.pem",
        ".aws/credentials",
        "id_rsa",
        "my_secret.yaml",
    ],
)
def test_files_that_hold_secrets(name: str) -> None:
    assert secrets.secret_file(name)
    assert not secrets.secret_file("src/train.py")


def test_no_repository_and_no_commit(tmp_path: Path) -> None:
    assert git.found(tmp_path, masks.Mask(True)) == ({}, {})
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    (tmp_path / "a.py").write_text("")
    tags, files = git.found(tmp_path, masks.Mask(True))
    assert "git.commit" not in tags and tags["git.dirty"] == "1 file"
    assert list(files) == ["captured/git.json"]


def test_a_large_diff_is_cut(repository: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * 400_000)
    _, files = git.found(repository, masks.Mask(True))
    assert len(files["captured/changes.diff"]) < git.MOST_DIFF_BYTES + 100
    assert "cut here" in files["captured/changes.diff"]


def test_cards_as_the_driver_tells_them() -> None:
    cards = gpus.parsed(
        "NVIDIA A100-SXM4-80GB, 37, 20480, 81920, 51, 250.5\nTesla T4, [N/A], 0, 0, 40, [N/A]\n"
    )
    assert cards[0] == gpus.Card("NVIDIA A100-SXM4-80GB", 37, 25, 20480 << 20, 51, 250.5)
    assert np.isnan(cards[1].busy) and np.isnan(cards[1].used)
    assert gpus.parsed("No devices were found") == []


def test_the_processors_share_of_time_is_a_share() -> None:
    said: list[dict[str, float]] = []

    class Run:
        def sample(self, values: dict[str, float], step: int) -> None:
            said.append(values | {"step": step})

    sampler = system.Sampler(Run())  # type: ignore[arg-type]  # all that it asks of a run
    deadline = time.monotonic() + 10
    while not any("system/cpu" in each for each in said) and time.monotonic() < deadline:
        sampler.sample()
    assert all(0 <= each["system/cpu"] <= 100 for each in said if "system/cpu" in each)
    assert [each["step"] for each in said] == list(range(len(said))) and "system/cpu" in said[-1]


def test_load_without_psutil_is_near_that_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/meminfo").exists():
        pytest.skip("another system")
    with_library = system._memory()
    monkeypatch.setattr(system.importlib.util, "find_spec", lambda name: None)
    without = system._memory()
    assert abs(with_library["system/memory"] - without["system/memory"]) < 10
    idle, whole = system._times()
    assert 0 < idle < whole


def test_a_forked_child_prints_and_leaves_the_capture_to_its_parent(
    workspace: Workspace, capsys: Any
) -> None:
    with tracking.run(workspace, "e", capture=["console"]) as run:
        child = os.fork()
        if not child:
            print("child")
            run.finish()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        print("parent")
    assert console(workspace, run.id) == "child\nparent\n"


def test_a_stream_whose_write_is_put_back_after_each_cell() -> None:
    said: list[str] = []
    stream = io.StringIO()
    beside = console_of._Beside(stream, said.append)
    print("one", file=beside)
    kept = beside.write
    beside.write = lambda text: kept(text.upper())  # as IPython does for a cell
    print("two", file=beside)
    beside.write = kept
    beside.writelines(["three"])
    assert stream.getvalue() == "".join(said) == "one\nTWO\nthree"
    assert beside.closed is False


KILLED_RELAY = """
import os, signal, subprocess, sys, time
import psutil
from fettle import tracking
from fettle.workspace import Workspace
ws = Workspace.create(sys.argv[1])
with tracking.run(ws, "e", run_id="one", capture=["console"]) as run:
    print("before", flush=True)
    for number in range(3):
        until = time.monotonic() + 20  # what it has read and not passed on is lost with it: it is killed when idle
        while open(sys.argv[1] + "/out").read().count("from a child") < number and time.monotonic() < until:
            time.sleep(0.01)
        for each in psutil.Process().children():
            if any("relay.py" in part for part in each.cmdline()):
                os.kill(each.pid, signal.SIGKILL)
        time.sleep(0.1)
        print("x" * 200_000, flush=True)
        os.system("echo from a child")
    print("after", flush=True)
"""


def test_printing_goes_on_when_the_relay_is_killed(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(KILLED_RELAY)
    with (tmp_path / "out").open("wb") as out:
        command = [sys.executable, str(script), str(tmp_path)]
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False, timeout=60)
    printed = (tmp_path / "out").read_text()
    assert done.returncode == 0, printed[-2000:]
    assert printed.startswith("before") and "after" in printed
    assert printed.count("from a child") == 3
    assert workspace.tracking.show("one").status == "finished"


def test_who_prints_for_nobody_learns_it(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        KILLED_RELAY.replace("range(3)", "range(0)")
        + "    for _ in range(500): print('y' * 9999, flush=True)\n"
    )
    command = f"{sys.executable} {script} {tmp_path} 2>/dev/null | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=60, check=False
    )
    assert done.stdout.startswith(b"before") and done.returncode != 0
