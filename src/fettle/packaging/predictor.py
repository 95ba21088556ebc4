"""Answer rows with a packaged model: JSON rows in, JSON answers out. Needs ONNX Runtime, numpy and msgspec only.

A row is checked as it is read. The common case, every number a number and every category a text, costs a few
microseconds; only when something else is seen is each value looked at, to be converted or refused by name. A frame is
checked and cast a column at a time (`columns`, `tensors`), and is taken or refused as its rows would be.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fettle.core.canonical import decode
from fettle.core.errors import Invalid, Unavailable
from fettle.data.clean.fitted import FittedCleaning, decoded
from fettle.data.records.versions import Type
from fettle.packaging.bundle import Bundle
from fettle.packaging.checking import FLAGS, NUMBERS, moment, number, text, value_of
from fettle.packaging.columns import Columns, taken
from fettle.packaging.moments import listed_parts
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
from fettle.packaging.tensors import (
    as_floats,
    column_of,
    listed_texts,
    matrix_of,
    parts_of,
    texts_of,
    without_infinite,
)
from fettle.training.records import Feature, Role

_NAN = float("nan")
VERIFY_TOLERANCE = 1e-4
MANY = 1000
"""From so many answers on it pays not to look for cycles among them."""


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
        plain = [each for each in inner.columns if each.role == "number"]
        self._numbers = plain + [each for each in inner.columns if each.role == "boolean"]
        self._number_names = [each.name for each in self._numbers]
        self._plain, self._flags = self._number_names[: len(plain)], self._number_names[len(plain) :]
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

    def predict(self, rows: Any) -> list[Answer]:
        """Answer rows.

        Args:
            rows: A list, each column → value; or a table: a frame of polars, pandas or pyarrow, a mapping of column
                → values, an array of numpy with fields, or one of the model's columns in their order. Columns the
                model does not know are not looked at.

        Returns:
            One answer per row, see `records.Answer`.

        Raises:
            RowInvalid: A row lacks a column or has a value of the wrong type; the message names row and column.
            Invalid: These are no rows.
        """
        if type(rows) is not list:
            rows = taken(rows, self.columns)
        if not rows:
            return []
        return self.answers(self.outputs(rows))

    def outputs(self, rows: Any) -> NDArray[Any]:
        """The raw output for rows: probabilities (rows, classes), or numbers (rows, 1); errors as `predict`."""
        feeds = self.feeds(rows)
        try:
            outputs: list[Any] = list(self._session.run(self._output, feeds))
        except UnicodeEncodeError as error:
            raise RowInvalid(
                "A row has a text that is no text: half of a character.",
                found=f"{error.object!r:.60}",
                hint="Read the text with the encoding it has, or leave it out: null.",
            ) from error
        return outputs[0]

    def answers(self, outputs: NDArray[Any]) -> list[Answer]:
        """Put raw outputs into words."""
        if len(outputs) > MANY:
            with _uncollected():
                return self._answers(outputs)
        return self._answers(outputs)

    def feeds(self, rows: Any) -> dict[str, NDArray[Any]]:
        """The model's input tensors for rows; errors as `predict`."""
        if type(rows) is not list:
            rows = taken(rows, self.columns)
            if isinstance(rows, Columns):
                if self._cleaning is None:
                    return self._column_feeds(rows)
                rows = rows.rows()
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
                moment(feature, value_of(row, feature, at, self._inner), at) for at, row in enumerate(rows)
            ]
            for name, part in zip(feature.inputs, listed_parts(told, feature.parts), strict=True):
                feeds[name] = part.reshape(-1, 1)
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
        given = {each.name: value_of(row, each, at, self.schema) for each in self.schema.columns}
        try:
            return cleaning.apply_row(given)
        except Invalid as error:
            raise RowInvalid(
                f"Row {at}: {error.message}", found=error.found, hint=error.hint, subject=error.subject
            ) from None

    def _column_feeds(self, columns: Columns) -> dict[str, NDArray[Any]]:
        schema = self._inner
        matrix = matrix_of(columns, self._numbers, schema)
        feeds: dict[str, NDArray[Any]] = dict(zip(self._number_names, matrix, strict=True))
        for feature in self._categories:
            feeds[feature.name] = texts_of(feature, column_of(columns, feature, schema))
        for feature in self._moments:
            parts = parts_of(feature, column_of(columns, feature, schema))
            feeds.update(
                (name, part.reshape(-1, 1)) for name, part in zip(feature.inputs, parts, strict=True)
            )
        return feeds

    def _answers(self, outputs: NDArray[Any]) -> list[Answer]:
        if not self._texts:
            return [{"prediction": value} for value in outputs[:, 0].tolist()]
        labels, texts = self.schema.labels, self._texts
        leading = [labels[code] for code in outputs.argmax(axis=1).tolist()]
        if len(texts) == 2:
            first, second = texts
            return [
                {"prediction": label, "probabilities": {first: p, second: q}}
                for label, p, q in zip(leading, *outputs.T.tolist(), strict=True)
            ]
        return [
            {"prediction": label, "probabilities": dict(zip(texts, row, strict=True))}
            for label, row in zip(leading, outputs.tolist(), strict=True)
        ]

    def _matrix(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        try:
            values: list[Any] = [row[name] for name in self._plain for row in rows]
            flags = [row[name] for name in self._flags for row in rows]
        except (KeyError, TypeError, IndexError):
            values = flags = [...]
        if NUMBERS.issuperset(map(type, values)) and FLAGS.issuperset(map(type, flags)):
            values += flags
        else:
            values = [
                number(feature, value_of(row, feature, at, self._inner), at)
                for feature in self._numbers
                for at, row in enumerate(rows)
            ]
        matrix = without_infinite(as_floats(values))
        return matrix.reshape(len(self._number_names), len(rows), 1)

    def _strings(self, feature: Feature, rows: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
        name = feature.name
        try:
            values = [row[name] for row in rows]
        except (KeyError, TypeError, IndexError):
            values = [
                text(feature, value_of(row, feature, at, self._inner), at) for at, row in enumerate(rows)
            ]
        return listed_texts(feature, values)


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


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Make many objects, none of them in a cycle, without Python's looking for cycles among all it has meanwhile."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _alike(expected: Answer, answer: Answer) -> bool:
    if "probabilities" in expected:
        pairs = (
            (p, answer["probabilities"].get(label, _NAN)) for label, p in expected["probabilities"].items()
        )
        return all(abs(a - b) <= VERIFY_TOLERANCE for a, b in pairs)
    a, b = expected["prediction"], answer["prediction"]
    return abs(a - b) <= VERIFY_TOLERANCE * max(1.0, abs(a))
