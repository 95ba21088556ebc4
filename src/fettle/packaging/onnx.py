"""Convert a fitted model to one ONNX graph that takes the raw inputs: floats and strings, one tensor per column.

Known ways of going wrong, and what is done about them (measured in tests/packaging/test_onnx.py): ONNX's scaler
multiplies by 1/σ where scikit-learn divides, so division is asked for; a tree's 64-bit threshold is rounded *down* to
32 bits, so that a 32-bit value falls on the same side; the converter hands numpy booleans to ONNX, which refuses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common._registration import get_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import StandardScaler

from fettle.training.fitting import Fitted

OPSET = {"": 18, "ai.onnx.ml": 3}
PROBABILITIES = "probabilities"
PREDICTION = "prediction"


def convert(fitted: Fitted) -> bytes:
    """Convert a model; the same model gives the same bytes.

    Returns:
        A serialized graph. Inputs: one tensor of shape (rows, 1) per `Feature.inputs`, strings for categories, else
        32-bit floats. Outputs: `label` (strings) and `probabilities` (rows, classes), or 64-bit `prediction` (rows, 1).
    """
    inputs = [
        (name, StringTensorType([None, 1]) if each.role == "category" else FloatTensorType([None, 1]))
        for each in fitted.plan.features
        for name in each.inputs
    ]
    neutral = [(f"input_{place}", kind) for place, (_, kind) in enumerate(inputs)]
    options: dict[Any, dict[str, Any]] = {StandardScaler: {"div": "div"}}
    if fitted.plan.task != "regression":
        options[id(fitted.pipeline)] = {"zipmap": False}
    model: Any = convert_sklearn(
        fitted.pipeline,
        name="fettle",
        initial_types=neutral,
        options=options,
        target_opset=OPSET,
        custom_conversion_functions={
            HistGradientBoostingClassifier: _convert_boosting,
            HistGradientBoostingRegressor: _convert_boosting,
        },
    )
    if fitted.plan.task == "regression":
        _restore_scale(model, fitted.scale, fitted.offset)
    _rename(model, {safe: name for (safe, _), (name, _) in zip(neutral, inputs, strict=True)})
    return model.SerializeToString(deterministic=True)


class _Cleaning:
    """The converter's container, but tree nodes get plain integers and thresholds that are rounded down."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> Any:
        if op_type.startswith("TreeEnsemble"):
            attributes = {name: _plain(name, value) for name, value in attributes.items()}
        return self._container.add_node(op_type, inputs, outputs, **attributes)


def _convert_boosting(scope: Any, operator: Any, container: Any) -> None:
    get_converter(operator.type)(scope, operator, _Cleaning(container))


def _plain(name: str, value: Any) -> Any:
    if name == "nodes_values":
        return rounded_down(np.asarray(value, dtype=np.float64)).tolist()
    if isinstance(value, list) and value and isinstance(value[0], bool | np.bool_ | np.integer | int):
        return [int(each) for each in value]
    return value


def rounded_down(values: np.ndarray) -> np.ndarray:
    """The largest 32-bit floats that are not above 64-bit values; then `x <= v` keeps its truth for every 32-bit x.

    Example:
        >>> float(rounded_down(np.array([0.1]))[0]) <= 0.1 < float(np.float32(0.1))
        True
    """
    single = values.astype(np.float32)
    return np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)


def _restore_scale(model: onnx.ModelProto, scale: float, offset: float) -> None:
    """Append what brings a standardized answer back to the target's own scale, in 64 bits."""
    graph = model.graph
    raw = graph.output[0].name
    del graph.output[:]
    graph.initializer.append(helper.make_tensor("fettle_scale", TensorProto.DOUBLE, [], [scale]))
    graph.initializer.append(helper.make_tensor("fettle_offset", TensorProto.DOUBLE, [], [offset]))
    graph.node.append(helper.make_node("Cast", [raw], ["fettle_standardized"], to=TensorProto.DOUBLE))
    graph.node.append(helper.make_node("Mul", ["fettle_standardized", "fettle_scale"], ["fettle_scaled"]))
    graph.node.append(helper.make_node("Add", ["fettle_scaled", "fettle_offset"], [PREDICTION]))
    graph.output.append(helper.make_tensor_value_info(PREDICTION, TensorProto.DOUBLE, [None, 1]))


def _rename(model: onnx.ModelProto, inputs: Mapping[str, str]) -> None:
    """Give the inputs their columns' own names, whatever these are; a tensor inside with such a name makes way."""
    taken = set(inputs.values())
    tensors = {name for node in model.graph.node for name in (*node.input, *node.output) if name}
    names = {name: _free(name, taken) for name in tensors - set(inputs) if name in taken} | dict(inputs)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for each in (*model.graph.input, *model.graph.output, *model.graph.initializer, *model.graph.value_info):
        each.name = names.get(each.name, each.name)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name}_"
    return name
