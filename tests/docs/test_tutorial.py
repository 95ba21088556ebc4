"""The tutorial is true: its commands are run word for word, and print what the page says."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from fettle.cli.app import run
from fettle.data import splits, versions
from fettle.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "tutorials" / "raw-to-ready.md").read_text("utf-8")
EXAMPLES = DOCS / "examples"
RULES = ("privacy.toml", "rules.py", "clean.toml", "checks.toml")
CHANGING = (
    (r"\b[0-9a-f]{12}\b", "COMMIT"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
    (r"tok_[a-z2-7]+", "TOKEN"),
    (r"user:\S+", "WHO"),
    (r"[\d.]+ (B|[KM]iB)\b", "SIZE"),
)
"""What is another in each run."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.S | re.M)


def sessions() -> Iterator[tuple[list[str], list[str]]]:
    """Each `$ fettle …` of the page, with the lines below it."""
    for block in blocks("console"):
        for told in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.M)[1:]:
            command, *output = told.splitlines()
            yield shlex.split(command), [each for each in output if each.strip()]


def plain(line: str) -> str:
    for pattern, word in CHANGING:
        line = re.sub(pattern, word, line)
    return " ".join(re.sub("─+", "─", line).split())


@pytest.fixture(scope="module")
def example() -> Iterator[Callable[[str], ModuleType]]:
    """Loads an example by its name."""
    before = list(sys.path)
    sys.path.insert(0, str(EXAMPLES))

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.path[:] = before
    sys.modules.pop("messy", None)


def test_the_page_shows_the_files_of_the_example():
    shown = "\n".join(blocks("toml") + blocks("python"))
    for name in RULES:
        assert (EXAMPLES / "riders" / name).read_text("utf-8").strip() in shown, name


def test_ten_commands_lead_from_raw_to_ready(tmp_path, monkeypatch, capsys, example):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    messy = example("messy")
    for name in RULES:
        (tmp_path / name).write_bytes((EXAMPLES / "riders" / name).read_bytes())
    found = list(sessions())
    assert found[0][0][:2] == ["python", "messy.py"]
    messy.make(tmp_path / "riders.csv")
    commands = found[1:]
    assert [each[0][0] for each in commands] == ["fettle"] * len(commands)
    numbered = re.findall(r"^## (\d+)\. ", PAGE, re.M)
    assert numbered == [str(number) for number in range(1, 11)]
    for words, told in commands:
        code = run(words[1:])
        captured = capsys.readouterr()
        real = iter([plain(line) for line in (captured.out + captured.err).splitlines()])
        assert code == 0, (words, captured.err)
        for line in told:
            if line.strip() != "…":
                assert plain(line) in real, (words, line, captured.out + captured.err)
    with Workspace.open(tmp_path / ".fettle") as ws:
        ready_is_ready(ws, messy.TODAY)


def test_python_makes_the_same_version(tmp_path, example):
    messy = example("messy")
    sys.modules["messy"] = messy
    made = example("raw_to_ready").main(tmp_path)
    with Workspace.open(tmp_path / ".fettle") as ws:
        assert versions.resolve(ws, "riders-ready").ref == made
        ready_is_ready(ws, messy.TODAY)


def ready_is_ready(ws: Workspace, today) -> None:
    """None of the faults is left, and nothing personal is anywhere."""
    ready = versions.load(ws, "riders-ready")
    assert ready.height == 455
    assert set(ready["city"]) == {"Zürich", "Genève", "Bern", "St. Gallen", "Chur"}
    assert set(ready["plan"]) == {"basic", "plus", "family", "other"}
    assert set(ready["leaves"]) == {"leave", "stay"}
    assert ready["rider"].n_unique() == ready.height
    assert (ready["joined"].dtype, ready["km_a_week"].dtype) == (pl.Date, pl.Float64)
    assert ready["joined"].drop_nulls().is_between(pl.date(2020, 1, 1), today).all()
    assert ready.select((pl.col("age").is_between(14, 110) & (pl.col("spend") < 10_000)).all()).item()
    assert ready.drop("joined").null_count().sum_horizontal().item() == 0
    assert not {"country", "exit survey", "Name", "phone", "note"} & set(ready.columns)
    for dataset in ("riders", "riders-labels", "riders-ready"):
        every = versions.load(ws, dataset).select(pl.col(pl.String).str.contains("@|555 ").any())
        assert not any(every.row(0)), dataset
    sides = {side: splits.rows(ws, "riders-ready", side) for side in ("train", "valid", "test")}
    before = {side: splits.rows(ws, "riders-labels", side) for side in sides}
    assert sum(each.height for each in sides.values()) == ready.height
    for side, rows in sides.items():
        assert set(rows["rider"]) == set(before[side]["rider id"])
    assert ws.data.leakage("riders-ready", target="leaves").of("error") == []


def test_there_are_twenty_faults_and_the_raw_file_has_them(tmp_path, example):
    messy = example("messy")
    raw = tmp_path / "riders.csv"
    lines = messy.make(raw)
    data = raw.read_bytes()
    again = tmp_path / "again.csv"
    messy.make(again)
    assert again.read_bytes() == data
    assert len(messy.FAULTS) == 20
    assert lines == data.count(b"\r\n")
    for fault in messy.FAULTS.values():
        assert fault.split(":")[0].rstrip(".") in PAGE.replace("\n", " "), fault
    for sign in (
        b"Z\xfcrich",
        "Zu\u0308rich".encode(),
        b"St.\xa0Gallen",
        b"-999",
        b" mi;",
        b"BASIC",
        b"n/a",
        b"Zuerich",
    ):
        assert sign in data, sign
