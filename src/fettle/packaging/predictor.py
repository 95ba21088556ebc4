"""Answer rows with a packaged model: JSON rows in, JSON answers out. Needs ONNX Runtime, numpy and msgspec only.

A row is checked as it is read. The common case, every number a number and every category a text, costs a few
microseconds; only when something else is seen is each value looked at, to be converted or refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fettle.core.canonical import decode
from fettle.core.errors import Invalid, Unavailable, nearest
from fettle.data.clean.fitted import FittedCleaning, decoded
from fettle.data.records.versions import Type
from fettle.packaging.bundle import Bundle
from fettle.packaging.records import (
    CLEANING_FILE,
    EXAMPLES_FILE,
    MODEL_FILE,
    SCHEMA_FILE,
    Answer,
    Example,
    Row,
    RowInvalid,
    Schema,
)
from fettle.training.records import Feature, MomentPart, Role

_NUMBERS = frozenset({float, int})
_TEXTS = frozenset({str})
_NAN = float("nan")
VERIFY_TOLERANCE = 1e-4


class Predictor:
    """A loaded model. Safe to use from many threads.

    Args:
        bundle: The bundle, as `bundle.fetch` gives it.
        threads: Threads per prediction; one is best where requests come side by side.

    Attributes:
        schema: What rows must look like; where the bundle cleans them, before that.
        digest: The bundle's.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        inner: Schema = decode(bundle.read(SCHEMA_FILE), Schema)
        self._cleaning = decoded(bundle.read(CLEANING_FILE)) if CLEANING_FILE in bundle.files else None
        self.schema: Schema = inner if self._cleaning is None else asked_schema(inner, self._cleaning)
        self._inner = inner
        self._examples: list[Example] = decode(bundle.read(EXAMPLES_FILE), list[Example])
        self.digest = bundle.digest
        self._session = open_session(bundle.read(MODEL_FILE), threads=threads)
        self._output = [self._session.get_outputs()[-1].name]
        self._numbers = [each for each in inner.columns if each.role in ("number", "boolean")]
        self._plain = [each.name for each in self._numbers if each.role == "number"]
        self._only_plain = len(self._plain) == len(self._numbers)
        self._number_names = [each.name for each in self._numbers]
        self._categories = [each for each in inner.columns if each.role == "category"]
        self._moments = [each for each in inner.columns if each.role == "moment"]
        self._texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in inner.labels]

    @property
    def columns(self) -> list[str]:
        """The columns a row must have, but those that are nullable."""
        return self.schema.names

    @property
    def examples(self) -> list[Row]:
        """Rows that were held out when the bundle was made; it answers them as it did then."""
        return [each.row for each in self._examples]

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Answer rows.

        Args:
            rows: Column → value; columns the model does not know are not looked at. A frame counts as its rows.

        Returns:
            One answer per row, see `records.Answer`.

        Raises:
            RowInvalid: A row lacks a column or has a value of the wrong type; the message names row and column.
            Invalid: These are no rows.
        """
        if type(rows) is not list:
            rows = _listed(rows)
        if not rows:
            return []
        return self.answers(self.outputs(rows))

    def outputs(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
        """The raw output for rows: probabilities (rows, classes), or numbers (rows, 1); errors as `predict`."""
        outputs: list[Any] = list(self._session.run(self._output, self.feeds(rows)))
        return outputs[0]

    def answers(self, outputs: NDArray[Any]) -> list[Answer]:
        """Put raw outputs into words."""
        if not self._texts:
            return [{"prediction": value} for value in outputs[:, 0].tolist()]
        labels, texts = self.schema.labels, self._texts
        leading = outputs.argmax(axis=1).tolist()
        return [
            {"prediction": labels[code], "probabilities": dict(zip(texts, row, strict=True))}
            for code, row in zip(leading, outputs.tolist(), strict=True)
        ]

    def feeds(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
        """The model's input tensors for rows; errors as `predict`."""
        if self._cleaning is not None:
            rows = [self._cleaned(row, at, self._cleaning) for at, row in enumerate(rows)]
        feeds: dict[str, NDArray[Any]] = {}
        if self._numbers:
            matrix = self._matrix(rows)
            for place, name in enumerate(self._number_names):
                feeds[name] = matrix[place]
        for feature in self._categories:
            feeds[feature.name] = self._strings(feature, rows)
        for feature in self._moments:
            told = [
                _moment(feature, _value(row, feature, at, self._inner), at) for at, row in enumerate(rows)
            ]
            parts = np.array([moment_parts(each, feature.parts) for each in told], dtype=np.float32)
            for place, name in enumerate(feature.inputs):
                feeds[name] = np.ascontiguousarray(parts[:, place : place + 1])
        return feeds

    def verify(self) -> None:
        """Answer the bundle's own examples and compare; the first answers are slow, so this also warms up.

        Raises:
            Unavailable: An answer differs from the one given when the bundle was made.
        """
        answers = self.predict([each.row for each in self._examples])
        for example, answer in zip(self._examples, answers, strict=True):
            if not _alike(example.answer, answer):
                raise Unavailable(
                    "This machine does not answer the bundle's own example as the machine that made it did.",
                    found=f"{answer} instead of {example.answer}",
                    hint="Compare the versions in environment.json with `pip list`; onnxruntime matters most.",
                )

    def _cleaned(self, row: Mapping[str, Any], at: int, cleaning: FittedCleaning) -> dict[str, Any]:
        given = {each.name: _value(row, each, at, self.schema) for each in self.schema.columns}
        try:
            return cleaning.apply_row(given)
        except Invalid as error:
            raise RowInvalid(
                f"Row {at}: {error.message}", found=error.found, hint=error.hint, subject=error.subject
            ) from None

    def _matrix(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        try:
            values = [row[name] for name in self._number_names for row in rows]
        except (KeyError, TypeError, IndexError):
            values = None
        if values is None or not self._only_plain or not _NUMBERS.issuperset(map(type, values)):
            values = [
                _number(feature, _value(row, feature, at, self._inner), at)
                for feature in self._numbers
                for at, row in enumerate(rows)
            ]
        with np.errstate(over="ignore"):
            try:
                matrix = np.array(values, dtype=np.float32)
            except OverflowError:
                matrix = np.array([min(max(each, -1e300), 1e300) for each in values], dtype=np.float32)
        if np.isinf(matrix).any():
            matrix[np.isinf(matrix)] = np.nan
        return matrix.reshape(len(self._number_names), len(rows), 1)

    def _strings(self, feature: Feature, rows: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
        name = feature.name
        try:
            values = [row[name] for row in rows]
        except (KeyError, TypeError, IndexError):
            values = [None]
        if not _TEXTS.issuperset(map(type, values)):
            values = [
                _text(feature, _value(row, feature, at, self._inner), at) for at, row in enumerate(rows)
            ]
        tensor = np.empty((len(values), 1), dtype=object)
        tensor[:, 0] = values
        return tensor


_ROLES: dict[Type, Role] = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "string": "category",
    "date": "moment",
    "datetime": "moment",
}


def asked_schema(inner: Schema, cleaning: FittedCleaning) -> Schema:
    """What rows must look like before a cleaning, for a model that takes what it leaves."""
    known = {each.name: each for each in inner.columns if each.name not in cleaning.changed}
    columns = tuple(
        known[each.name]
        if each.name in known
        else Feature(each.name, _ROLES[each.type], nullable=each.name in cleaning.gaps)
        for each in cleaning.columns
    )
    taken = {each.name for each in columns}
    return msgspec.structs.replace(
        inner, columns=columns, ignored=tuple(name for name in inner.ignored if name not in taken)
    )


def open_session(model: bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a graph for many small predictions: one thread each, and no thread that spins while it waits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def moment_parts(moment: datetime | None, parts: Sequence[MomentPart]) -> list[float]:
    """The parts of one time, exactly as `training.features.moment_parts` takes them from a column; None gives NaN."""
    if moment is None:
        return [_NAN] * len(parts)
    leap = moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)
    day_of_year = moment.timetuple().tm_yday
    found = {
        "year": moment.year + (day_of_year - 1) / (366.0 if leap else 365.0),
        "month": moment.month,
        "day": moment.day,
        "weekday": moment.isoweekday(),
        "hour": moment.hour + moment.minute / 60.0,
    }
    return [found[part] for part in parts]


def _listed(rows: Any) -> Sequence[Mapping[str, Any]]:
    """Rows as a list: a frame of polars, pandas or pyarrow gives its own; what is no rows is refused by name."""
    if hasattr(rows, "to_dicts"):
        return rows.to_dicts()
    if hasattr(rows, "to_pylist"):
        return rows.to_pylist()
    if hasattr(rows, "iloc") and hasattr(rows, "to_dict"):
        return rows.astype(object).where(rows.notna(), None).to_dict("records")
    if isinstance(rows, Mapping) or not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        found = "one row" if isinstance(rows, Mapping) else f"{rows!r:.60} ({type(rows).__name__})"
        raise Invalid(
            "Rows are a list, each a mapping of column to value.",
            found=found,
            hint="Give a list, also of one row: predict([{…}]), or a frame.",
        )
    return rows


def _value(row: Mapping[str, Any], feature: Feature, at: int, schema: Schema) -> Any:
    try:
        return row[feature.name]
    except KeyError:
        pass
    except (TypeError, IndexError):
        raise RowInvalid(
            f"Row {at} is no mapping of column to value.",
            found=f"{row!r:.60} ({_JSON_TYPES.get(type(row), type(row).__name__)})",
            hint=f"Give each row as {{column: value}}, with {', '.join(map(repr, schema.names[:6]))}.",
        ) from None
    known = set(schema.names) | set(schema.ignored) | {schema.target}
    close = nearest(feature.name, [each for each in row if each not in known])
    if feature.nullable and not close:
        return None
    raise RowInvalid(
        f"Row {at} has no column {feature.name!r}.",
        found=f"{close[0]!r} instead"
        if close
        else f"the columns {', '.join(map(repr, list(row)[:8])) or 'of an empty row'}",
        hint=f"Rename {close[0]!r} to {feature.name!r}." if close else _expected(feature),
        subject=f"column:{feature.name}",
    )


def _number(feature: Feature, value: Any, at: int) -> float:
    if value is None:
        return _NAN
    kind = type(value)
    if feature.role == "boolean":
        if kind is bool or (kind in _NUMBERS and value in (0, 1)):
            return float(value)
    elif kind in _NUMBERS or isinstance(value, np.floating | np.integer):
        return float(value) if isinstance(value, np.generic) else value
    raise _wrong(feature, value, at)


def _text(feature: Feature, value: Any, at: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise _wrong(feature, value, at)


def _moment(feature: Feature, value: Any, at: int) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif type(value) is date:
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value
    except (ValueError, OverflowError):
        pass
    raise _wrong(feature, value, at)


def _wrong(feature: Feature, value: Any, at: int) -> RowInvalid:
    return RowInvalid(
        f"Row {at} has a value of the wrong type in column {feature.name!r}.",
        found=f"{value!r:.60} ({_JSON_TYPES.get(type(value), type(value).__name__)})",
        hint=_expected(feature),
        subject=f"column:{feature.name}",
    )


def _expected(feature: Feature) -> str:
    form = {
        "number": "a number, such as 1.5",
        "boolean": "true or false",
        "category": "a text"
        + (f", such as {feature.levels[0]!r}" if feature.levels and feature.levels[0] else ""),
        "moment": "a date or time as text, such as '2024-05-31T12:00:00Z'",
    }[feature.role]
    return f"{feature.name!r} takes {form}, or null where it is missing."


_JSON_TYPES = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def _alike(expected: Answer, answer: Answer) -> bool:
    if "probabilities" in expected:
        pairs = (
            (p, answer["probabilities"].get(label, _NAN)) for label, p in expected["probabilities"].items()
        )
        return all(abs(a - b) <= VERIFY_TOLERANCE for a, b in pairs)
    a, b = expected["prediction"], answer["prediction"]
    return abs(a - b) <= VERIFY_TOLERANCE * max(1.0, abs(a))
