"""The fast lane: the same words as on the ordinary way, and hands off whatever is not plain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fettle.cli import quick
from tests.conftest import new_workspace


@pytest.mark.parametrize(
    ("verb", "words", "expected"),
    [
        ("status", [], ([], {})),
        ("status", ["a", "--check", "--json"], (["a"], {"check": True, "json": True})),
        ("status", ["a", "b"], None),
        ("status", ["--help"], None),
        ("status", ["-h"], None),
        ("status", ["--remote"], None),
        ("status", ["--check=yes"], None),
        ("status", ["-w", "elsewhere"], None),
        ("add", [], None),
        ("add", ["a", "b", "--dataset", "x"], (["a", "b"], {"dataset": "x"})),
        ("add", ["a", "--dataset=x"], (["a"], {"dataset": "x"})),
        ("add", ["a", "--dataset"], None),
        ("add", ["a", "--dataset", "--json"], None),
        ("add", ["--", "-a"], None),
        ("checkout", ["a", "main", "--path", "x", "--path", "y"], (["a", "main"], {"path": ["x", "y"]})),
        ("commit", ["-m", "why"], ([], {"message": "why"})),
        ("commit", ["-m", "a", "--message", "b"], None),
        ("commit", ["-x"], None),
    ],
)
def test_plain_words_are_read_and_others_left(verb: str, words: list[str], expected: object) -> None:
    assert quick.read_words(verb, words) == expected


def test_other_commands_go_the_ordinary_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert quick.try_run([]) is None
    assert quick.try_run(["data", "log", "x"]) is None
    assert quick.try_run(["status"]) is None
    assert quick.try_run(["data", "status"]) is None  # no workspace here
    new_workspace(tmp_path).close()
    monkeypatch.setenv("FETTLE_WORKSPACE", "https://example.org")
    assert quick.try_run(["data", "status"]) is None
    monkeypatch.delenv("FETTLE_WORKSPACE")
    (tmp_path / "fettle.toml").write_text('workspace = "elsewhere"\n')
    assert quick.try_run(["data", "status"]) is None


def test_what_is_printed_and_the_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    new_workspace(tmp_path).close()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a").write_text("a")
    assert quick.try_run(["data", "add", "images"]) == 0
    assert "1 new · images@main" in capsys.readouterr().out
    assert quick.try_run(["data", "status", "--check"]) == 5
    assert "uncommitted changes" in capsys.readouterr().err
    assert quick.try_run(["data", "commit", "-m", "first"]) == 0
    assert quick.try_run(["data", "status", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index('{"clean"') :])["clean"] is True
    assert quick.try_run(["data", "add", "nothing"]) == 3
    assert "no folder or file nothing" in capsys.readouterr().err
    assert quick.try_run(["data", "add", "nothing", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not-found"
    (tmp_path / "images" / "a").unlink()
    assert quick.try_run(["data", "checkout", "images", "main"]) == 0
    assert (tmp_path / "images" / "a").read_text() == "a"


def test_a_status_imports_nothing_heavy(tmp_path: Path) -> None:
    new_workspace(tmp_path).close()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a").write_text("a")
    program = (
        "import sys; from fettle.cli.quick import try_run; try_run(['data', 'add', 'images']);"
        "try_run(['data', 'commit'])"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    program = (
        "import sys; from fettle.cli.quick import try_run; assert try_run(['data', 'status']) == 0;"
        "heavy = {'msgspec', 'sqlalchemy', 'polars', 'numpy', 'cyclopts', 'rich', 'pathlib', 'inspect', 'json'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
