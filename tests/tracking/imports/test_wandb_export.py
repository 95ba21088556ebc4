from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

from fettle.tracking.imports.choose import import_runs
from fettle.workspace import Workspace

ROWS = [
    {"_step": 0, "_timestamp": 1700000000.5, "loss": 1.0, "acc": None},
    {"_step": 2, "_timestamp": 1700000001.5, "loss": 0.5, "acc": 0.25},
]


def write(folder: Path, kind: str) -> None:
    if kind == "csv":
        pl.DataFrame(ROWS).write_csv(folder / "history.csv")
    elif kind == "parquet":
        pl.DataFrame(ROWS).write_parquet(folder / "history.parquet")
    elif kind == "jsonl":
        (folder / "history.jsonl").write_text("\n".join(json.dumps(each) for each in ROWS))
    elif kind == "records":
        (folder / "history.json").write_text(json.dumps(ROWS))
    else:
        columns = {key: {str(place): row[key] for place, row in enumerate(ROWS)} for key in ROWS[0]}
        (folder / "history.json").write_text(json.dumps(columns))


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "records", "columns"])
def test_runs_exported_by_the_public_api(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "out" / "x7k2"
    folder.mkdir(parents=True)
    write(folder, kind)
    (folder / "config.json").write_text(
        json.dumps({"lr": {"value": 0.1}, "net": {"value": {"n": 2}}, "_wandb": {}})
    )
    (folder / "summary.json").write_text(
        json.dumps({"loss": 0.5, "best": math.nan, "note": "good", "_step": 2})
    )
    about = {"id": "x7k2", "name": "first", "project": "churn", "state": "crashed", "tags": ["a"]}
    (folder / "metadata.json").write_text(json.dumps(about))
    told = import_runs(workspace, str(tmp_path / "out"))
    assert (told.runs, told.points) == (1, 4)
    run = workspace.tracking.show("wandb-x7k2")
    assert (run.name, run.experiment, run.status) == ("first", "churn", "killed")
    assert run.params == {"lr": 0.1, "net.n": 2}
    assert run.tags == {"source": "Weights & Biases", "tag.a": "", "summary.note": "good"}
    assert [(each.step, each.value) for each in workspace.tracking.series(run.id, "loss")] == [
        (0, 1.0),
        (2, 0.5),
    ]
    assert [each.step for each in workspace.tracking.series(run.id, "acc")] == [2]
    assert run.not_finite == {"best": "NaN"}
    again = import_runs(workspace, str(tmp_path / "out"))
    assert (again.runs, again.points) == (0, 0)


@pytest.mark.parametrize("name", ["history.parquet", "history.json", "history.csv", "config.json"])
def test_a_damaged_export_stops_no_other(workspace: Workspace, tmp_path: Path, name: str) -> None:
    for each in ("bad", "good"):
        (tmp_path / each).mkdir()
        (tmp_path / each / "config.json").write_text('{"lr": 0.1}')
        (tmp_path / each / "summary.json").write_text('{"loss": 1.5}')
    (tmp_path / "bad" / name).write_bytes(b"a,b\n1,2,3\n" if name.endswith("csv") else b"\xff\x00[")
    told = import_runs(workspace, str(tmp_path))
    assert told.runs == 1
    assert workspace.tracking.show("wandb-good").metrics == {"loss": 1.5}
