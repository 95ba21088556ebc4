"""`fettle up` for tables of every kind, and the day after it: ask, run again, status, roll back, stop, serve."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.projects import up as story
from fettle.workspace import Workspace
from tests.journeys.tables import classes, signal_of, table, with_target, write_csv
from tests.journeys.typed import Said, process


def targets() -> dict[str, pl.Series]:
    """Targets of every kind, all made of the same signal."""
    signal = signal_of(table())
    high, gaps = signal > 0, np.random.default_rng(5).random(len(signal)) < 0.15
    return {
        "texts": classes(table()),
        "ten classes": "k" + (signal * 3).round().clip(-5, 4).cast(pl.Int64).cast(pl.String),
        "zero and one": high.cast(pl.Int64),
        "zero and one as floats": high.cast(pl.Float64),
        "booleans": high,
        "a class of one row": pl.Series(["rare", *classes(table())[1:]]),
        "classes with gaps": classes(table()).set(pl.Series(gaps), None),
        "numbers": signal * 10 + 50,
        "whole numbers": (signal * 100).round().cast(pl.Int64),
        "numbers with gaps": (signal * 10).set(pl.Series(gaps), None),
    }


def solved(folder: Path, source: str, target: str, **flags: Any) -> tuple[story.UpReport, Predictor]:
    """What `up` makes of a source, and the model as it was packed."""
    given = {"train.trials": 3} | {key.replace("_", "."): value for key, value in flags.items()}
    planned = story.plan(folder, source, target, flags=given)
    with Workspace.create(folder) as ws:
        report = story.up(ws, folder, planned, serve=False)
        version = ws.call("registry.alias", model=report.model)
        return report, Predictor(fetch(ws.blobs, version.bundle, ws.folder / "cache"))


@pytest.mark.parametrize("kind", targets())
def test_every_kind_of_target(tmp_path: Path, kind: str):
    values = targets()[kind]
    source = tmp_path / "some data (1).csv"
    with_target("ziel: größer?", values).write_csv(source)
    report, model = solved(tmp_path / "project", str(source), "ziel: größer?")
    answer = model.predict([report.example])[0]
    if "numbers" in kind:
        assert report.metric == "rmse"
        assert report.value < float(np.std(values.drop_nulls().to_numpy())), "better than the mean"
        assert isinstance(answer["prediction"], float)
    else:
        known = (
            {True, False}
            if kind == "booleans"
            else set(values.drop_nulls().cast(pl.String).str.replace(r"\.0$", ""))
        )
        assert report.metric == "accuracy"
        assert {str(each).lower() for each in known} >= {each.lower() for each in answer["probabilities"]}
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert type(answer["prediction"]) is {"booleans": bool}.get(kind, int if "zero" in kind else str)
    assert not {"constant", "nothing", "customer id", "note"} & set(model.columns), "they tell nothing"
    assert {"größe (cm)", "is member?"} <= set(model.columns)


def sources(folder: Path) -> dict[str, str]:
    """One table, in every form that is read."""
    frame = with_target("class label", classes(table()))
    frame.write_csv(folder / "a.csv")
    frame.write_csv(folder / "a.tsv", separator="\t")
    frame.write_csv(folder / "semicolons.csv", separator=";")
    frame.write_parquet(folder / "a.parquet")
    frame.write_ndjson(folder / "a.jsonl")
    frame.write_json(folder / "a.json")
    frame.write_excel(folder / "a.xlsx")
    named = {
        each: str(folder / each) for each in ("a.csv", "a.tsv", "semicolons.csv", "a.parquet", "a.jsonl")
    }
    query = f"SELECT * EXCLUDE (note) FROM '{folder / 'a.parquet'}' WHERE \"年齢\" > 18"
    return {**named, "a.json": str(folder / "a.json"), "a.xlsx": str(folder / "a.xlsx"), "query": query}


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return sources(tmp_path_factory.mktemp("forms"))


@pytest.mark.parametrize(
    "form", ["a.csv", "a.tsv", "semicolons.csv", "a.parquet", "a.jsonl", "a.json", "a.xlsx", "query"]
)
def test_every_form_of_source(tmp_path: Path, forms: dict[str, str], form: str):
    report, model = solved(tmp_path, forms[form], "class label", data_time="seen at", train_trials=1)
    assert report.value > 0.7
    assert model.predict([report.example])[0]["prediction"] in ("yes, sure", "no")
    assert "seen at" not in model.columns, "what orders the rows need not be sent"


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M",
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%m/%d/%Y %H:%M",
        "%Y/%m/%d",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_time_written_as_text(tmp_path: Path, form: str, suffix: str):
    frame = with_target("class label", classes(table())).with_columns(pl.col("seen at").dt.strftime(form))
    source = tmp_path / f"a.{suffix}"
    frame.write_csv(source) if suffix == "csv" else frame.write_parquet(source)
    planned = story.plan(tmp_path / "project", str(source), "class label", flags={"data.time": "seen at"})
    assert planned.project.time == "seen at"


def test_rows_that_occur_twice_and_just_enough_rows(tmp_path: Path):
    frame = with_target("class label", classes(table()))
    pl.concat([frame, frame]).write_csv(tmp_path / "twice.csv")
    report, _ = solved(tmp_path / "a", str(tmp_path / "twice.csv"), "class label")
    assert report.version == 1
    signal = signal_of(table(50))
    with_target("number", signal, table(50)).write_csv(tmp_path / "fifty.csv")
    report, _ = solved(tmp_path / "b", str(tmp_path / "fifty.csv"), "number")
    assert report.version == 1


def test_other_content_behind_the_same_query_is_another_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", 200)
    query = "SELECT * FROM 'a.csv'"
    report, _ = solved(tmp_path, query, "class label")
    write_csv(tmp_path / "a.csv", 300)
    solved(tmp_path, query, "class label")
    with Workspace.open(str(tmp_path)) as ws:
        assert [each.rows for each in ws.data.log(report.project)] == [300, 200]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a table in which `fettle up` may leave things running; they are stopped afterwards."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FETTLE_UI_PORT", "0")
    write_csv(tmp_path / "o'brien's table.csv")
    yield tmp_path
    process("down", folder=tmp_path)


def pasted(line: str) -> dict[str, Any]:
    """The answer to a `curl` line pasted into a shell; read word by word where there is no curl."""
    if shutil.which("curl"):
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)
    words = shlex.split(line)
    body, header = words[words.index("-d") + 1], words[words.index("-H") + 1].partition(": ")
    asked = urllib.request.Request(words[2], body.encode(), {header[0]: header[2]})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def test_the_day_after(home: Path):
    def typed(*words: str, code: int = 0) -> Said:
        said = process(*words, folder=home)
        assert said.code == code, said
        assert "Traceback" not in said.err
        return said

    words = ("up", "o'brien's table.csv", "--target", "class label", "--trials", "3", "--port", "0")
    line = next(each for each in typed(*words).out.splitlines() if each.startswith("curl "))
    answer = pasted(line)
    assert (answer["model"], answer["version"]) == ("o-brien-s-table", 1)
    assert answer["predictions"][0]["prediction"] in ("yes, sure", "no")

    # The same model in this process, with no endpoint, gives the same answer.
    row = json.loads(shlex.split(line)[-1])["rows"][0]
    told = typed("predict", json.dumps(row), "--json").json()["predictions"][0]
    assert told["prediction"] == answer["predictions"][0]["prediction"]
    assert len(typed("predict", "o'brien's table.csv", "--json").json()["predictions"]) == 300

    # Nothing is done twice, and it is served once.
    assert re.search(r"^(\d+) of \1 steps were unchanged", typed("run").out, re.MULTILINE)
    again = typed(*words, "--json").json()
    assert again["version"] == 1 and again["url"] in line
    status = typed("status", "--json").json()
    assert status["endpoints"][0]["url"] == again["url"] and status["endpoints"][0]["version"] == 1
    assert "no version to roll champion" in typed("rollback", code=6).err

    # New data makes a second version, which the running endpoint follows; one command brings the first back.
    write_csv(home / "o'brien's table.csv", 400)
    assert typed(*words, "--json").json()["version"] == 2
    typed("rollback", "--reason", "to see whether it works")
    assert typed("status", "--json").json()["endpoints"][0]["version"] == 1

    typed("down")
    assert typed("status", "--json").json()["services"] == {}
    typed("down", code=3)
    url = typed("serve", "--detach", "--json").json()["endpoint"]
    assert pasted(line.replace(again["url"], url))["version"] == 1
    assert "already" in typed("serve", code=6).err
