"""Row-wise parity, for every algorithm and task, on easy and hard rows; and its refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import onnx
import polars as pl
import pytest
from onnx import numpy_helper

from fettle.core.errors import exit_code_of
from fettle.packaging.assembly import build
from fettle.packaging.bundle import Bundle, listing
from fettle.packaging.parity import TOLERANCE, check
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import MODEL_FILE, ParityFailed
from fettle.packaging.rows import json_rows
from fettle.training.features import plan
from fettle.training.fitting import fit
from fettle.training.records import Trial
from tests.packaging.models import EVERY, HELD_OUT, model

BOOSTING: dict[str, Any] = {
    "learning_rate": 0.3,
    "max_iter": 60,
    "max_leaf_nodes": 48,
    "min_samples_leaf": 5,
    "l2_regularization": 1e-4,
}


@pytest.mark.parametrize(("target", "algorithm"), EVERY)
def test_every_algorithm_answers_as_the_original(target: str, algorithm: str) -> None:
    fitted = model(target, algorithm)
    report = check(fitted, Predictor(build(fitted, HELD_OUT)), HELD_OUT)
    assert report.passed
    assert report.worst <= TOLERANCE
    assert set(report.cases) == {"held out", "missing", "unseen", "extreme"}
    assert report.rows > 200


def test_columns_may_have_any_name() -> None:
    names = [
        "a b",
        "a_b",
        "a€b",
        "label",
        "probabilities",
        "variable",
        "größe",
        "input_3",
        "1st",
        " ",
        "x:year",
        "日本",
    ]
    random = np.random.default_rng(0)
    frame = pl.DataFrame({name: random.normal(size=200) for name in names})
    frame = frame.with_columns(
        pl.Series("c 1", random.choice(["u", "v"], 200)), pl.Series("c_1", random.choice(["v", "u"], 200))
    )
    for target in (frame["a b"] + 2 * frame["a_b"] - 3 * frame["a€b"] > 0, frame["label"] - 2 * frame[" "]):
        known = frame.with_columns(target.alias("prediction"))
        made = plan(known, "prediction")
        recipe = Trial(0, "hist_gradient_boosting", BOOSTING, "complete")
        assert set(made.columns) == set(frame.columns)
        predictor = Predictor(build(fit(known, made, recipe), known))
        assert {each.name for each in predictor.schema.columns} == set(frame.columns)


def tampered(bundle: Bundle, change: float) -> Bundle:
    """The same bundle with every constant of the graph moved a little."""
    graph = onnx.load_from_string(bundle.read(MODEL_FILE))
    for constant in graph.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype.kind == "f":
            constant.CopyFrom(
                numpy_helper.from_array(values * np.asarray(1 + change, values.dtype), constant.name)
            )
    files = {**bundle.files, MODEL_FILE: graph.SerializeToString()}
    return Bundle(msgspec.structs.replace(bundle.manifest, files=listing(files)), files)


@pytest.mark.parametrize("target", ["bought", "score"])
def test_a_graph_that_answers_otherwise_is_refused(target: str) -> None:
    fitted = model(target, "logistic" if target == "bought" else "ridge")
    honest = build(fitted, HELD_OUT)
    check(fitted, Predictor(tampered(honest, 0.0)), HELD_OUT)
    with pytest.raises(ParityFailed, match="does not answer as the original") as caught:
        check(fitted, Predictor(tampered(honest, 1e-2)), HELD_OUT)
    assert exit_code_of(caught.value) == 5
    assert "held out" in caught.value.found


def test_another_fit_is_refused() -> None:
    one = model("bought", "extra_trees")
    other = fit(HELD_OUT, one.plan, Trial(0, "extra_trees", dict(one.params), "complete"), seed=9)
    with pytest.raises(ParityFailed):
        check(other, Predictor(build(one, HELD_OUT)), HELD_OUT)


def test_values_on_both_sides_of_a_split_in_32_bits_do_not_break_parity() -> None:
    """Neighbouring 32-bit numbers, told apart by trees whose thresholds lie between them in 64 bits."""
    steps = np.arange(400)
    value = np.float32(0.1)
    values = [value]
    for _ in steps[1:]:
        value = np.nextafter(value, np.float32(1))
        values.append(value)
    frame = pl.DataFrame({"x": np.array(values, dtype=np.float64), "y": (steps // 7) % 2})
    made = plan(frame, "y")
    for algorithm, params in (
        ("extra_trees", {"max_depth": 18, "min_samples_leaf": 1, "max_features": 1.0}),
        ("hist_gradient_boosting", BOOSTING),
    ):
        fitted = fit(frame, made, Trial(0, algorithm, params, "complete"))
        assert check(fitted, Predictor(build(fitted, frame)), frame).flips == 0


def test_rows_as_clients_send_them_lose_nothing() -> None:
    fitted = model("bought", "extra_trees")
    rows = json_rows(HELD_OUT, fitted.plan.columns)
    assert {type(value) for row in rows for value in row.values()} <= {int, float, str, bool, type(None)}
    assert any(row["age"] is None for row in rows)
