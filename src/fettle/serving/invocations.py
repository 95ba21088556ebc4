"""MLflow's `/invocations` as its clients send it: `dataframe_split`, `dataframe_records`, `instances`, `inputs`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fettle.core.errors import FettleError, Invalid
from fettle.serving.forms import (
    Answer,
    Asked,
    Malformed,
    Row,
    Served,
    check_count,
    check_rows,
    kind_of,
    parse,
    pick_id,
    write,
)

KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Invocations:
    """The form of MLflow's scoring server; the reply is `{"predictions": […]}` with the bare predictions.

    Args:
        columns: Tells the live model's input columns in order, for rows that come without names.
    """

    def __init__(self, columns: Callable[[], Sequence[str]]) -> None:
        self._columns = columns

    def read(self, body: bytes, request_id: str) -> Asked:
        content = parse(body)
        given = [key for key in KEYS if key in content] if isinstance(content, dict) else []
        if len(given) != 1:
            raise Malformed(
                "The body must be an object with exactly one of: " + ", ".join(KEYS) + ".",
                found=", ".join(given) if given else kind_of(content),
                hint='Send {"dataframe_records": [{"column": value, …}]}.',
            )
        rows = self._rows(given[0], content[given[0]])
        return Asked(pick_id(None, request_id), rows, content.get("params"))

    def reply(self, asked: Asked, answers: list[Answer], served: Served) -> bytes:
        return write({"predictions": [answer["prediction"] for answer in answers]})

    def refuse(self, error: FettleError) -> bytes:
        return write({"error": error.as_dict()})

    def _rows(self, key: str, value: Any) -> list[Row]:
        where = f"$.{key}"
        if key == "dataframe_split":
            return _split(value, list(self._columns()), where)
        if isinstance(value, dict):
            return columns_to_rows(value, where)
        if not isinstance(value, list):
            raise Invalid(f"{key} must be a list of rows.", found=f"{kind_of(value)} at {where}")
        if value and isinstance(value[0], list):
            return _name(value, list(self._columns()), where)
        return check_rows(value, where)


def columns_to_rows(columns: dict[str, Any], where: str) -> list[Row]:
    """Turn `{"a": [1, 2], "b": [3, 4]}` into rows; all columns must be lists of one length."""
    lengths = {name: len(values) if isinstance(values, list) else -1 for name, values in columns.items()}
    if not lengths or min(lengths.values()) < 0 or len(set(lengths.values())) > 1:
        shown = ", ".join(
            f"{name}: {length if length >= 0 else 'no list'}" for name, length in lengths.items()
        )
        raise Invalid(
            "Columns must be lists of one length.", found=(shown or "no columns")[:200] + f" at {where}"
        )
    check_count(next(iter(lengths.values())))
    names = list(columns)
    return check_rows(
        [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)], where
    )


def _split(value: Any, expected: list[str], where: str) -> list[Row]:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise Invalid(
            "dataframe_split must be an object with a list `data`.", found=f"{kind_of(value)} at {where}"
        )
    names = value.get("columns", expected)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Invalid("columns must be a list of names.", found=f"{kind_of(names)} at {where}.columns")
    return _name(value["data"], names, f"{where}.data")


def _name(rows: list[Any], names: list[str], where: str) -> list[Row]:
    check_count(len(rows))
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            found = f"{len(row)} values" if isinstance(row, list) else kind_of(row)
            raise Invalid(
                f"Each row must be a list of {len(names)} values.", found=f"{found} at {where}[{index}]"
            )
    return check_rows([dict(zip(names, row, strict=True)) for row in rows], where)
