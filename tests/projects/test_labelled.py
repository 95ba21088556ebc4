"""A project that learns from a labelled version: what came with the label is no feature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fettle.core.config import Settings
from fettle.core.errors import NotFound
from fettle.data import versions
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.projects.labelled import told_with_label
from fettle.projects.records import project_of
from fettle.projects.run import run
from fettle.projects.teller import Silence
from tests.conftest import new_workspace

PROJECT = """
[project]
name = "shape"
[data]
source = "data://shapes-ready"
target = "kind"
[train]
trials = 2
algorithms = ["logistic", "extra_trees"]
"""
MARKED = '["kind","kind_confidence","kind_annotators","kind_source"]'


class Told(Silence):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def shapes(tmp_path: Path):
    chance = np.random.default_rng(3)
    w, h = chance.uniform(1, 9, size=(2, 400))
    kind = np.where(w / h > 1.2, "wide", "tall")
    rows = pl.DataFrame(
        {
            "w": w,
            "h": h,
            "kind": kind,
            "kind_confidence": np.where(kind == "wide", 0.9, 0.6),
            "kind_annotators": np.where(kind == "wide", 3, 1),
            "kind_source": np.where(kind == "wide", "person", "functions"),
        }
    )
    with new_workspace(tmp_path) as ws:
        marked = versions.commit_frame(ws, "shapes", rows, metadata={"label_columns": MARKED})
        versions.commit_frame(
            ws, "shapes-ready", rows.with_columns(area=pl.col("w") * 2), metadata={"made_from": marked.ref}
        )
        yield ws, tmp_path


def test_what_came_with_the_label_is_found_through_what_a_version_was_made_from(shapes):
    ws, _ = shapes
    extra = ["kind_confidence", "kind_annotators", "kind_source"]
    assert told_with_label(ws, "shapes", "kind") == extra
    assert told_with_label(ws, "shapes-ready", "kind") == extra
    assert told_with_label(ws, "shapes-ready", "kind_source") == [
        "kind",
        "kind_confidence",
        "kind_annotators",
    ]
    versions.commit_frame(ws, "shapes-ready", versions.load(ws, "shapes-ready").head(3), append=True)
    assert told_with_label(ws, "shapes-ready", "kind") == extra
    versions.commit_frame(ws, "plain", pl.DataFrame({"x": [1]}), metadata={"label_columns": "kind"})
    assert told_with_label(ws, "plain", "x") == []


def test_a_model_learns_from_a_version_without_the_answers_and_says_so(shapes, monkeypatch):
    ws, folder = shapes
    (folder / "fettle.toml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    teller = Told()
    project = project_of(Settings.read(folder), folder)
    solution = run(ws, project, folder, teller=teller)
    bundle = fetch(ws.blobs, ws.registry.show("shape", solution.version).bundle, ws.folder / "cache")
    assert set(Predictor(bundle).columns) <= {"w", "h", "area"}
    assert any(
        "came with the label: kind_confidence, kind_annotators, kind_source" in line for line in teller.lines
    )
    commit = ws.data.show(solution.commit)
    assert commit.dataset == "shape"
    assert commit.metadata["made_from"] == ws.data.show("shapes-ready").ref
    assert run(ws, project, folder).commit == solution.commit


def test_a_source_that_is_no_version_is_named(shapes, monkeypatch):
    ws, folder = shapes
    (folder / "fettle.toml").write_text(PROJECT.replace("shapes-ready", "shapes-raedy"))
    with pytest.raises(NotFound, match="shapes-ready"):
        run(ws, project_of(Settings.read(folder), folder), folder)
