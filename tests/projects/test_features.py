"""A project that uses features: they are computed alike for training and for each request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fettle.core.config import Settings
from fettle.core.errors import Denied, NotFound
from fettle.data.clean.fitted import decoded
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import CLEANING_FILE
from fettle.projects.records import project_of
from fettle.projects.run import run
from tests.conftest import new_workspace

PROJECT = """
[project]
name = "shape"
[data]
source = "shape.csv"
target = "kind"
[train]
trials = 2
algorithms = ["logistic", "extra_trees"]
[features]
use = ["ratio", "bulk"]
functions = ["shape_features"]
"""
FEATURES = """
import polars as pl
from fettle.features import feature

@feature("bulk", inputs={"w": "number", "h": "number"}, type="number")
def bulk(frame):
    return frame["w"] * frame["h"]
"""


@pytest.fixture
def shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    chance = np.random.default_rng(3)
    w, h = chance.uniform(1, 9, size=(2, 500))
    kind = np.where(w / h > 1.2, "wide", "tall")
    pl.DataFrame({"w": w, "h": h, "noise": chance.normal(size=500), "kind": kind}).write_csv(
        tmp_path / "shape.csv"
    )
    (tmp_path / "fettle.toml").write_text(PROJECT)
    (tmp_path / "shape_features.py").write_text(FEATURES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with new_workspace(tmp_path) as ws:
        ws.features.define({"name": "ratio", "expression": "w / h", "inputs": {"w": "number", "h": "number"}})
        ws.features.load(tmp_path / "shape_features.py")
        yield ws, tmp_path


def test_features_travel_with_the_model_and_requests_bring_only_raw_columns(shape, monkeypatch, tmp_path):
    ws, folder = shape
    project = project_of(Settings.read(folder), folder)
    solution = run(ws, project, folder)
    version = ws.registry.show(project.model, solution.version)
    bundle = fetch(ws.blobs, version.bundle, ws.folder / "cache")
    assert {each.operation.column for each in decoded(bundle.read(CLEANING_FILE)).steps} == {"ratio", "bulk"}
    predictor = Predictor(bundle)
    assert set(predictor.columns) <= {"w", "h", "noise"}
    assert [
        each["prediction"]
        for each in predictor.predict(
            [{"w": 9.0, "h": 1.0, "noise": 0.0}, {"w": 1.0, "h": 9.0, "noise": 0.0}]
        )
    ] == ["wide", "tall"]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(Denied, match="may not be called"):
        Predictor(bundle).predict([{"w": 9.0, "h": 1.0, "noise": 0.0}])


def test_an_unknown_feature_is_said_before_anything_is_learned(shape):
    ws, folder = shape
    (folder / "fettle.toml").write_text(PROJECT.replace("ratio", "ration"))
    with pytest.raises(NotFound, match="ratio"):
        run(ws, project_of(Settings.read(folder), folder), folder)
