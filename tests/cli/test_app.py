"""The tree of commands, how mistakes in calling are answered, and how the process ends."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fettle as package
from fettle.cli import app
from fettle.workspace.rooms import ROOMS


def test_bare_fettle_shows_the_commands(fettle):
    said = fettle()
    assert said.code == 0
    for name, _ in (*app.DAY, *app.HOUSE):
        assert name in said.out
    for room in ROOMS:
        assert room in said.out


def test_every_hand_written_command_has_help(fettle):
    for name, text in (*app.DAY, *app.HOUSE):
        said = fettle(name, "--help")
        assert said.code == 0, said.err
        assert f"fettle {name}" in said.out, text


def test_version_flag(fettle):
    assert fettle("--version").out.strip() == package.__version__


def test_an_unknown_command_offers_the_nearest(fettle):
    said = fettle("stauts")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error[invalid]: fettle has no command 'stauts'.\n")
    assert "hint: Did you mean `fettle status`?" in said.err


def test_an_unknown_option_offers_the_nearest(fettle):
    said = fettle("config", "show", "--orgin")
    assert said.code == 2
    assert "--orgin" in said.err and "Did you mean --origin?" in said.err


def test_a_missing_argument_is_named(fettle):
    said = fettle("registry", "promote", "fraud")
    assert said.code == 2
    assert "VERSION" in said.err.upper()
    assert "hint: `fettle registry promote --help`" in said.err


def test_an_error_is_an_object_for_a_program(fettle):
    said = fettle("registry", "show", "fraud", "1", "--json")
    assert said.code == 3
    assert said.json()["error"]["code"] == "not-found"
    assert said.err.startswith("error[not-found]:")


def test_no_workspace_says_how_to_make_one(fettle, tmp_path: Path):
    said = fettle("registry", "models", "-C", str(tmp_path))
    assert said.code == 3
    assert "fettle init" in said.err


def test_no_escape_codes_where_nobody_looks(fettle):
    for words in (["--help"], ["config", "show"], ["nonsense"]):
        said = fettle(*words)
        assert "\033" not in said.out + said.err


@contextlib.contextmanager
def started(*words: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`fettle` as a process of its own, gone at the end."""
    command = [sys.executable, "-m", "fettle", *words]
    with subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_reader_that_has_seen_enough_is_no_error(home: Path):
    with started("config", "show", folder=home) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_ctrl_c_stops_the_pages_without_a_traceback(home: Path):
    with started("ui", "--port", "0", "--no-browser", folder=home) as process:
        assert process.stderr is not None
        assert "Pages: http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
        assert "Traceback" not in process.stderr.read()


INTERRUPTED = """
import os, signal, sys
from fettle.cli import app, predict
predict.read_rows = lambda source: os.kill(os.getpid(), signal.SIGINT)
sys.exit(app.run(["predict", "-", "--model", "fraud"]))
"""


def test_ctrl_c_in_the_middle_of_a_command(home: Path):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=home, text=True, capture_output=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.strip().startswith("Interrupted.")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_error_of_the_house(fettle, home: Path):
    (home / "locked").mkdir(mode=0o500)
    said = fettle("init", "-C", str(home / "locked" / "project"))
    assert said.code == 7
    assert "Choose a folder you may write to" in said.err
