"""A project that cleans: an endpoint answers raw rows as the offline pipeline answers the cleaned table."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest

from fettle.core.config import Settings
from fettle.core.errors import Invalid
from fettle.data.clean.fitted import decoded
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import CLEANING_FILE, PARITY_FILE, RowInvalid
from fettle.packaging.rows import json_rows
from fettle.projects.records import Project, project_of
from fettle.projects.run import run
from fettle.serving.endpoint import open_server
from tests.conftest import new_workspace

CLEAN = """
[project]
name = "shop"
[data]
source = "shop.csv"
target = "way"
[train]
trials = 2
algorithms = ["logistic", "extra_trees"]

[[clean]]
do = "text"
columns = ["city"]
case = "title"
[[clean]]
do = "units"
columns = ["mass"]
to = "kg"
[[clean]]
do = "outliers"
columns = ["x"]
action = "clip"
factor = 3.0
[[clean]]
do = "impute"
columns = ["x", "mass"]
by = "knn"
indicator = true
[[clean]]
do = "derive"
column = "ratio"
formula = "x / mass"
[[clean]]
do = "rename"
columns = { city = "town" }
[[clean]]
do = "duplicates"
"""


def raw(rows: int = 400) -> pl.DataFrame:
    chance = np.random.default_rng(rows)
    x, mass = chance.normal(size=rows), chance.uniform(1, 9, size=rows)
    up = x + (mass - 5) / 4 + chance.normal(size=rows) * 0.3 > 0
    frame = pl.DataFrame(
        {
            "x": [None if chance.random() < 0.1 else float(each) for each in x],
            "mass": [f"{each:.2f} kg" if chance.random() < 0.7 else f"{each * 1000:.0f} g" for each in mass],
            "city": chance.choice(["bern", " Bern", "CHUR", "chur "], size=rows),
            "note": chance.choice(["a", "b"], size=rows),
            "way": np.where(up, "up", "down"),
        }
    )
    return pl.concat([frame, frame.head(20)])


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("shop")
    raw().write_csv(folder / "shop.csv")
    (folder / "fettle.toml").write_text(CLEAN)
    with new_workspace(folder / "ws") as workspace:
        project = project_of(Settings.read(folder), folder)
        solution = run(workspace, project, folder)
        yield workspace, solution, project


def test_the_cleaning_lies_in_the_bundle_and_its_parity_is_proven(solved) -> None:
    workspace, solution, _ = solved
    bundle = fetch(workspace.blobs, solution.bundle, workspace.folder / "cache")
    predictor = Predictor(bundle)

    assert set(predictor.columns) == {"x", "mass", "city", "note"}
    assert {each.name: each.role for each in predictor.schema.columns}["mass"] == "category"
    assert msgspec.json.decode(bundle.read(PARITY_FILE))["cases"]["cleaned"] == 0
    carried = decoded(bundle.read(CLEANING_FILE))
    assert not carried.drops_rows
    assert carried.rows < 300
    predictor.verify()


def test_the_endpoint_answers_raw_rows_as_the_offline_pipeline_does(solved) -> None:
    workspace, solution, _ = solved
    bundle = fetch(workspace.blobs, solution.bundle, workspace.folder / "cache")
    files = {name: data for name, data in bundle.files.items() if name != CLEANING_FILE}
    kept = tuple(each for each in bundle.manifest.files if each.name != CLEANING_FILE)
    plain = Predictor(type(bundle)(msgspec.structs.replace(bundle.manifest, files=kept), files))
    rows = raw(90).drop("way")
    offline = decoded(bundle.read(CLEANING_FILE)).apply(rows, rows="keep").frame
    expected = plain.predict(json_rows(offline, plain.columns))

    workspace.serving.deploy("shop", "shop")
    with open_server(workspace, "shop") as server, server.in_thread() as url:
        reply = httpx.post(f"{url}/predict", json={"rows": json_rows(rows)})
    assert reply.status_code == 200
    assert reply.json()["predictions"] == expected
    assert len({each["prediction"] for each in expected}) == 2


def test_a_row_that_cannot_be_cleaned_is_refused_by_name(solved) -> None:
    workspace, solution, _ = solved
    predictor = Predictor(fetch(workspace.blobs, solution.bundle, workspace.folder / "cache"))
    row = json_rows(raw(90).head(1), predictor.columns)[0]
    with pytest.raises(RowInvalid, match=r"Row 1.*'mass'"):
        predictor.predict([row, {**row, "mass": 12}])
    with pytest.raises(RowInvalid, match="no column 'city'"):
        predictor.predict([{name: value for name, value in row.items() if name != "city"}])
    assert predictor.predict(
        [{name: value for name, value in row.items() if name != "x"}]
    ) == predictor.predict([{**row, "x": None}])


@pytest.mark.parametrize("operation", [{"do": "text"}, {"do": "text", "columns": ["way"], "case": "upper"}])
def test_the_target_is_left_as_it_is(tmp_path: Path, operation: dict) -> None:
    raw(200).write_csv(tmp_path / "shop.csv")
    project = Project(
        "shop", "shop.csv", "shop", "way", trials=1, algorithms=("logistic",), clean=(operation,)
    )
    with new_workspace(tmp_path / "ws") as workspace:
        if "columns" not in operation:
            assert run(workspace, project, tmp_path).version == 1
            return
        with pytest.raises(Invalid, match=r"change 'way', which is the target"):
            run(workspace, project, tmp_path)
