"""What a run keeps as files: images, figures, tables, models."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle import tracking
from fettle.core.errors import Invalid
from fettle.storage.objects import get_object, put_object
from fettle.tracking import figures, images, tables
from fettle.workspace import Workspace

PIL = pytest.importorskip("PIL.Image")


@pytest.fixture
def run(workspace: Workspace) -> Iterator[tracking.ActiveRun]:
    with tracking.run(workspace, "files") as opened:
        yield opened


def read(run: tracking.ActiveRun, path: str) -> bytes:
    run.flush()
    shown = run.workspace.call("tracking.show", run=run.id)
    return get_object(run.workspace.blobs, next(each.digest for each in shown.artifacts if each.path == path))


def pixels(data: bytes) -> Any:
    return np.asarray(PIL.open(io.BytesIO(data)))


@given(
    height=st.integers(1, 9), width=st.integers(1, 9), channels=st.sampled_from([0, 1, 3, 4]), seed=st.integers(0, 9)
)  # fmt: skip
def test_what_pillow_reads_is_what_was_written(height: int, width: int, channels: int, seed: int) -> None:
    shape = (height, width, channels) if channels else (height, width)
    array = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    found = pixels(images.png(array))
    assert (found == (array[:, :, 0] if channels == 1 else array)).all()


def test_floats_booleans_and_channels_first() -> None:
    assert pixels(images.png(np.array([[0.0, 0.5, 1.0, 2.0, np.nan]]))).tolist() == [[0, 128, 255, 255, 0]]
    assert pixels(images.png(np.array([[True, False]]))).tolist() == [[255, 0]]
    assert pixels(images.png(np.zeros((3, 5, 7)))).shape == (5, 7, 3)


@pytest.mark.parametrize(
    "image", [np.zeros(3), np.zeros((2, 2, 5)), np.zeros((0, 4)), "nowhere.png", b"no image", object()]
)
def test_what_is_no_image_is_refused(image: Any) -> None:
    with pytest.raises(Invalid):
        images.encoded(image)


def test_images_by_step(run: tracking.ActiveRun, tmp_path: Path) -> None:
    picture = PIL.new("CMYK", (4, 3))
    run.log_image(picture, "sample", step=7)
    jpeg = tmp_path / "a.jpg"
    PIL.new("RGB", (4, 3)).save(jpeg)
    run.log_image(jpeg, "photo")
    assert pixels(read(run, "images/sample/00000007.png")).shape == (3, 4, 3)
    assert read(run, "images/photo.jpg") == jpeg.read_bytes()


def test_figures_of_matplotlib(run: tracking.ActiveRun) -> None:
    figure_module = pytest.importorskip("matplotlib.figure")
    figure = figure_module.Figure()
    axes = figure.add_subplot()
    axes.plot([1, 2, 3])
    kept = run.log_figure(figure, "curve")
    run.log_figure(axes, "axes")
    assert [each.path for each in kept] == ["figures/curve.png", "figures/curve.svg"]
    assert pixels(read(run, "figures/curve.png")).ndim == 3
    assert b"<svg" in read(run, "figures/axes.svg")


def test_figures_of_plotly_and_vega(run: tracking.ActiveRun) -> None:
    plotly = pytest.importorskip("plotly.graph_objects")
    kept = run.log_figure(plotly.Figure(plotly.Scatter(y=[1, 2])), "p", html=True)
    assert [each.path for each in kept] == ["figures/p.plotly.json", "figures/p.html"]
    assert json.loads(read(run, "figures/p.plotly.json"))["data"][0]["type"] == "scatter"
    run.log_figure({"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "bar"}, "v")
    assert json.loads(read(run, "figures/v.vega.json"))["mark"] == "bar"
    with pytest.raises(Invalid, match="no figure"):
        list(figures.written(object()))


ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize(
    "frame",
    [ROWS, pl.DataFrame(ROWS), pl.LazyFrame(ROWS), pd.DataFrame(ROWS), pa.table({"a": [1, 2], "b": ["x", None]}),
     {"a": [1, 2], "b": ["x", None]}],
    ids=["list", "polars", "lazy", "pandas", "pyarrow", "columns"],
)  # fmt: skip
def test_tables_of_any_kind(run: tracking.ActiveRun, frame: Any) -> None:
    kept = run.log_table(frame, "rows")
    assert kept.path == "tables/rows.parquet"
    assert pl.read_parquet(io.BytesIO(read(run, kept.path))).to_dicts() == ROWS


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(Invalid, match="kept as a table"):
        tables.table(7)


def test_models_in_every_form(run: tracking.ActiveRun, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "weights").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "weights" / "w.bin").write_bytes(b"1")
    digest = put_object(run.workspace.blobs, b"a bundle")
    run.log_model(folder, "folder")
    run.log_model(folder / "config.json", "file")
    run.log_model(b"abc", "bytes")
    run.log_model(digest, "bundle")
    run.log_model(lambda place: (place / "m.txt").write_text("m"), "saved")
    manifest = json.loads(read(run, "models/folder/manifest.json"))
    assert [each["path"] for each in manifest["files"]] == ["config.json", "weights/w.bin"]
    assert json.loads(read(run, "models/bundle/manifest.json"))["bundle"] == digest
    assert read(run, "models/saved/m.txt") == b"m"
    assert read(run, "models/file/config.json") == b"{}"
    for model in (object(), lambda place: None):
        with pytest.raises(Invalid):
            run.log_model(model, "bad")


def test_a_folder_is_kept_whole(run: tracking.ActiveRun, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("a")
    (tmp_path / "in" / "deep" / "ü.txt").write_text("u")
    kept = run.log_artifacts(tmp_path / "in", prefix="out")
    assert [each.path for each in kept] == ["out/a.txt", "out/deep/ü.txt"]
    with pytest.raises(Invalid, match="no such folder"):
        run.log_artifacts(tmp_path / "nowhere")
