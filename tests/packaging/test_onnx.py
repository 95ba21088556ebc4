"""The graph itself: what goes in and out, and the ways of going wrong that are known."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.packaging.onnx import convert, rounded_down
from fettle.packaging.predictor import open_session
from fettle.training.features import encode
from tests.packaging.models import HELD_OUT, model


def test_the_inputs_are_the_raw_columns() -> None:
    fitted = model("bought", "logistic")
    session = open_session(convert(fitted))
    kinds = {each.name: each.type for each in session.get_inputs()}
    assert kinds["price €"] == "tensor(float)"
    assert kinds["größe"] == "tensor(string)"
    assert set(kinds) == set(encode(fitted.plan, HELD_OUT).columns)
    assert [each.name for each in session.get_outputs()] == ["label", "probabilities"]


@pytest.mark.parametrize("algorithm", ["extra_trees", "hist_gradient_boosting", "logistic"])
def test_the_same_model_gives_the_same_bytes_and_a_valid_graph(algorithm: str) -> None:
    graph = convert(model("grade", algorithm))
    assert graph == convert(model("grade", algorithm))
    onnx.checker.check_model(onnx.load_from_string(graph))


def test_a_regression_answers_in_the_targets_own_scale() -> None:
    fitted = model("score", "ridge")
    session = open_session(convert(fitted))
    inputs = encode(fitted.plan, HELD_OUT)
    feeds = {
        each.name: np.array(
            each.to_list(), dtype=object if str(each.dtype) == "String" else np.float32
        ).reshape(-1, 1)
        for each in inputs.iter_columns()
    }
    answers = np.asarray(session.run(["prediction"], feeds)[0])
    assert answers.dtype == np.float64
    assert answers[:, 0] == pytest.approx(fitted.predict(HELD_OUT).values, rel=1e-6)


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20), st.floats(-(2.0**99), 2.0**99, width=32))
def test_thresholds_rounded_down_split_every_32_bit_value_alike(
    thresholds: list[float], value: float
) -> None:
    exact = np.array(thresholds)
    assert np.array_equal(value <= exact, np.float32(value) <= rounded_down(exact).astype(np.float32))
