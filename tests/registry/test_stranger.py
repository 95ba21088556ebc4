"""`fettle.load` in the hands of somebody who has never seen the model: every mistake is told, none is a traceback."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fettle
from fettle.core.errors import FettleError, NotFound, Unavailable
from fettle.packaging.predictor import Predictor
from fettle.remote import wire
from fettle.server import create_app
from fettle.workspace import Workspace
from tests.conftest import new_workspace
from tests.listening import listening
from tests.serving.models import register_version

ROW = {"price": 1.0, "demand (MW)": -1.0, "région": "nord", "holiday": False}
FRAME = pd.DataFrame([ROW])


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with new_workspace(tmp_path_factory.mktemp("market")) as ws:
        for seed in (1, 2):
            register_version(ws, seed)
        ws.registry.promote("market", 1)
        yield ws


@pytest.fixture(scope="module")
def model(market: Workspace) -> Predictor:
    return fettle.load("market@champion", workspace=market)


@pytest.mark.parametrize(
    "rows",
    [
        [ROW], (ROW,), FRAME, FRAME.convert_dtypes(), FRAME.astype({"région": "category"}),
        FRAME.set_index(pd.Index(["x"])), FRAME[["holiday", "price", "région", "demand (MW)"]],
        FRAME.assign(more=1), pl.DataFrame([ROW]), pl.DataFrame([ROW]).cast({"région": pl.Categorical}),
        pl.DataFrame([ROW]).cast({"price": pl.Int64}), pa.Table.from_pylist([ROW]), pa.RecordBatch.from_pylist([ROW]),
        [{**ROW, "price": np.float64(1), "demand (MW)": np.int64(-1), "région": np.str_("nord")}],
        [{**ROW, "holiday": 0}],
    ],
    ids=range(15),
)  # fmt: skip
def test_rows_of_every_kind_get_the_same_answer(model: Predictor, rows: Any) -> None:
    assert model.predict(rows) == model.predict([ROW])


def test_missing_values_are_missing_however_they_are_written(model: Predictor) -> None:
    (bare,) = model.predict([{**ROW, "price": None, "région": None}])
    rows = [ROW, {**ROW, "price": None, "région": None}]
    frames: list[Any] = [
        pd.DataFrame(rows),
        pl.DataFrame(rows, schema_overrides={"price": pl.Float64}),
        pa.Table.from_pylist(rows),
    ]
    assert [model.predict(each)[1] for each in frames] == [bare] * 3
    assert model.predict([{**ROW, "price": float("nan"), "région": None}]) == [bare]
    assert model.predict(
        [{key: value for key, value in ROW.items() if key != "région"} | {"price": None}]
    ) == [bare]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ROW, "Rows are a list"), ("abc", "Rows are a list"), (3, "Rows are a list"), (None, "Rows are a list"),
        (np.array([[1.0, 2.0, 3.0, 0.0]]), "wrong type in column 'région'"),
        (np.array([[1.0, 2.0]]), "names no columns"),
        ({"price": [1.0]}, "no column 'demand"), ({"price": [1.0], "région": ["nord", None]}, "same number of values"),
        ({"price": [1.0], "région": "nord"}, "Rows are a list"), (np.array([1.0]), "Rows are a list"),
        ([[1, 2, 3, 4]], "Row 0 is no mapping"), ([ROW, None], "Row 1 is no mapping"),
        (FRAME.rename(columns={"price": "Price"}), "Row 0 has no column 'price'"),
        (FRAME.drop(columns="price"), "Row 0 has no column 'price'"),
        ([{**ROW, "price": "1.0"}], "wrong type in column 'price'"),
        ([{**ROW, "price": True}], "wrong type in column 'price'"),
        ([ROW, {**ROW, "price": decimal.Decimal(1)}], "Row 1 has a value of the wrong type"),
        ([{**ROW, "price": datetime.datetime(2024, 1, 1)}], "wrong type in column 'price'"),
        ([{**ROW, "price": {"a": 1}}], "wrong type in column 'price'"),
        ([{**ROW, "région": 3}], "wrong type in column 'région'"),
        ([{**ROW, "région": b"nord"}], "wrong type in column 'région'"),
        ([{**ROW, "holiday": "yes"}], "wrong type in column 'holiday'"),
        ([{**ROW, "holiday": 2}], "wrong type in column 'holiday'"),
    ],
    ids=range(23),
)  # fmt: skip
def test_what_does_not_fit_is_named(model: Predictor, rows: Any, said: str) -> None:
    with pytest.raises(FettleError, match=said) as refused:
        model.predict(rows)
    assert refused.value.found and refused.value.hint


@pytest.mark.parametrize(
    "ref", ["Market", "market@champ", "market@99", "market@@2", "", "a" * 9, "0" * 64, None, 3]
)
def test_a_reference_to_nothing_is_told(market: Workspace, ref: Any) -> None:
    with pytest.raises(FettleError) as refused:
        fettle.load(ref, workspace=market)
    assert refused.value.hint


def test_behind_a_server_and_without_it(
    market: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    monkeypatch.setattr(wire, "_TRIES", 1)
    with contextlib.ExitStack() as stack:
        with listening(create_app(market)) as address:
            far = stack.enter_context(Workspace.open(address))
            model = fettle.load("market@champion", workspace=far)
            assert model.predict([ROW]) == fettle.load("market", workspace=market).predict([ROW])
            assert fettle.load(f"market@{model.digest}", workspace=address).digest == model.digest
            with pytest.raises(NotFound, match="champ"):
                fettle.load("market@champ", workspace=far)
            second = market.registry.show("market", 2).bundle
        for ref in ("market@champion", "market@2", second, model.digest[:12]):
            with pytest.raises(Unavailable) as away:
                fettle.load(ref, workspace=far)
            assert "whole digest" in away.value.hint
        for ref in (model.digest, f"market@{model.digest}"):
            assert fettle.load(ref, workspace=far).predict([ROW]) == model.predict([ROW])
        graph = next(far.folder.rglob("model.onnx"))
        graph.write_bytes(graph.read_bytes()[:-1])
        with pytest.raises(Unavailable):
            fettle.load(model.digest, workspace=far)


@pytest.mark.parametrize("kind", ["lazy", "structured", "flag"])
def test_more_kinds_of_rows_get_the_same_answer(model: Predictor, kind: str) -> None:
    names = [("price", "f8"), ("demand (MW)", "f8"), ("région", "U10"), ("holiday", "?")]
    rows: dict[str, Any] = {
        "lazy": pl.LazyFrame([ROW]),
        "structured": np.array([tuple(ROW.values())], dtype=names),
        "flag": [{**ROW, "holiday": np.False_}],
    }
    assert model.predict(rows[kind]) == model.predict([ROW])


@pytest.mark.parametrize("kind", ["series", "levels", "half"])
def test_more_that_does_not_fit_is_named(model: Predictor, kind: str) -> None:
    rows: dict[str, Any] = {
        "series": pd.Series(ROW),
        "levels": FRAME.set_axis(pd.MultiIndex.from_tuples([(each, "x") for each in ROW]), axis=1),
        "half": [{**ROW, "région": "\ud800"}],
    }
    with pytest.raises(FettleError):
        model.predict(rows[kind])
