"""The Open Inference Protocol, version 2, as JSON: KServe's, Triton's and MLServer's clients speak it.

Source: `open_inference_rest.yaml` of the repository kserve/open-inference-protocol. A model's columns are its inputs,
each a tensor of shape [n] or [n, 1]; one input of shape [n, number of columns] is read as whole rows. The outputs are
`prediction` [n] and, of classifiers, `probabilities` [n, classes] with the classes in `parameters.labels`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import msgspec

from fettle.core.errors import FettleError, Invalid
from fettle.serving.forms import (
    Answer,
    Asked,
    Malformed,
    Row,
    Served,
    check_count,
    check_rows,
    parse,
    pick_id,
    write,
)

OUTPUTS = ("prediction", "probabilities")
MATRIX = 2
INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
FLOATS = ("FP64", "FP32", "FP16", "BF16")
_KINDS: dict[str, tuple[type, ...]] = {
    "BOOL": (bool, int),
    "BYTES": (str,),
    **dict.fromkeys(INTEGERS, (int,)),
    **dict.fromkeys(FLOATS, (float, int)),
}


class Tensor(msgspec.Struct, omit_defaults=True):
    """An input or output with its values, flat or nested, in row-major order."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] | None = None


class Wanted(msgspec.Struct):
    """An output that the client asks for."""

    name: str
    parameters: dict[str, Any] | None = None


class Inference(msgspec.Struct):
    """The body of `POST /v2/models/{model}/infer`."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Wanted] | None = None
    parameters: dict[str, Any] | None = None


class Inferred(msgspec.Struct):
    """The reply."""

    model_name: str
    model_version: str
    id: str
    outputs: list[Tensor]


class OpenInference:
    """The form of `/v2/models/{model}/infer`.

    Args:
        columns: Tells the live model's input columns, in order.
    """

    def __init__(self, columns: Callable[[], Sequence[str]]) -> None:
        self._columns = columns
        self._decode = msgspec.json.Decoder(Inference).decode

    def read(self, body: bytes, request_id: str) -> Asked:
        try:
            request = self._decode(body)
        except msgspec.ValidationError as error:
            raise Malformed("The body is not an inference request.", found=str(error)) from None
        except (msgspec.DecodeError, RecursionError) as error:
            parse(body)  # says it better
            raise Malformed("The body is not valid JSON.", found=str(error)) from None
        wanted = [each.name for each in request.outputs] if request.outputs else list(OUTPUTS)
        if unknown := [name for name in wanted if name not in OUTPUTS]:
            raise Invalid(f"There is no output {unknown[0]!r}.", found="outputs: " + ", ".join(OUTPUTS))
        return Asked(pick_id(request.id or None, request_id), self._rows(request.inputs), wanted)

    def reply(self, asked: Asked, answers: list[Answer], served: Served) -> bytes:
        outputs = [_prediction(answers)] if "prediction" in asked.more else []
        if "probabilities" in asked.more and answers[0].get("probabilities") is not None:
            outputs.append(_probabilities(answers))
        return write(Inferred(served.model, str(served.version), asked.id, outputs))

    def refuse(self, error: FettleError) -> bytes:
        return write({"error": str(error)})

    def _rows(self, inputs: list[Tensor]) -> list[Row]:
        if not inputs:
            raise Invalid("There are no inputs.", found="an empty list at $.inputs")
        count = inputs[0].shape[0] if inputs[0].shape else 0
        check_count(count)
        values = {each.name: _values(each, count, index) for index, each in enumerate(inputs)}
        if len(values) < len(inputs):
            raise Invalid(
                "Two inputs have the same name.", found=", ".join(each.name for each in inputs)[:200]
            )
        first = inputs[0]
        columns = list(self._columns())
        if len(inputs) == 1 and len(first.shape) == MATRIX and first.shape[1] == len(columns) > 1:
            width, flat = len(columns), values[first.name]
            parts = (flat[at : at + width] for at in range(0, len(flat), width))
            return check_rows([dict(zip(columns, part, strict=True)) for part in parts], "$.inputs[0]")
        for index, each in enumerate(inputs):
            if len(values[each.name]) != count:
                found = f"shape {each.shape} at $.inputs[{index}]"
                raise Invalid(
                    f"The input {each.name!r} must have the shape [{count}] or [{count}, 1].", found=found
                )
        return check_rows(
            [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)], "$.inputs"
        )


def datatype_of(role: str) -> str:
    """The protocol's datatype for a column by its role in the model; categories and times travel as text."""
    return {"number": "FP64", "boolean": "BOOL"}.get(role, "BYTES")


def datatype_for(value: Any) -> str:
    """The protocol's datatype for a predicted value."""
    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64"
        case float():
            return "FP64"
        case _:
            return "BYTES"


def _values(tensor: Tensor, count: int, index: int) -> list[Any]:
    where = f"$.inputs[{index}]"
    kinds = _KINDS.get(tensor.datatype)
    if kinds is None:
        raise Invalid(
            f"There is no datatype {tensor.datatype!r}.", found=f"{where}; known: {', '.join(_KINDS)}"
        )
    if not tensor.shape or min(tensor.shape) < 0 or tensor.shape[0] != count:
        raise Invalid(
            "All inputs must have the same first dimension.", found=f"shape {tensor.shape} at {where}"
        )
    flat = tensor.data
    for _ in tensor.shape[1:]:
        if flat and isinstance(flat[0], list):
            flat = [value for part in flat for value in (part if isinstance(part, list) else [part])]
    if len(flat) != prod(tensor.shape):
        found = f"{len(flat)} for {tensor.shape} at {where}"
        raise Invalid("The number of values does not fit the shape.", found=found)
    for at, value in enumerate(flat):
        if value is not None and not isinstance(value, kinds):
            raise Invalid(
                f"A value is not a {tensor.datatype}.", found=f"{value!r:.80} at {where}.data[{at}]"
            )
    return flat


def _prediction(answers: list[Answer]) -> Tensor:
    values = [answer["prediction"] for answer in answers]
    return Tensor("prediction", [len(values)], datatype_for(values[0]), values)


def _probabilities(answers: list[Answer]) -> Tensor:
    labels = list(answers[0]["probabilities"])
    values = [answer["probabilities"][label] for answer in answers for label in labels]
    return Tensor("probabilities", [len(answers), len(labels)], "FP64", values, {"labels": labels})
