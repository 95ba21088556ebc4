"""Fit operations on the training rows, one after the other, each on what those before it left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from fettle.core.errors import Invalid
from fettle.core.progress import phase
from fettle.data.clean.apply import apply
from fettle.data.clean.declare import operations_of
from fettle.data.clean.fitted import FittedCleaning
from fettle.data.clean.learn import learn
from fettle.data.clean.resolve import resolved
from fettle.data.clean.words import words_of
from fettle.data.records import cleaning as c
from fettle.data.types import columns_of, normalise


def fit(
    operations: Sequence[c.Operation | dict[str, Any]], frame: pl.DataFrame, *, target: str = ""
) -> FittedCleaning:
    """Fit operations.

    Give training rows only: what is learnt from rows that a model is judged on makes it look better than it is.

    Args:
        operations: Records, or tables as TOML has them, in order.
        frame: The training rows.
        target: The column a model is to predict: nothing else is filled in by it, and it is not changed unless
            it is named.

    Raises:
        Invalid: An operation does not fit the columns, or there is nothing to learn from.
        NotFound: A column is not there.

    Example:
        >>> rows = pl.DataFrame({"age": [20, None, 40], "city": ["Bern ", "Chur", " Bern"]})
        >>> fitted = fit([{"do": "text"}, {"do": "impute", "by": "mean", "indicator": True}], rows)
        >>> fitted.apply_row({"age": None, "city": "Bern  "})
        {'age': 30.0, 'city': 'Bern', 'age_missing': True}
    """
    frame = normalise(frame)
    if frame.height == 0:
        raise Invalid("A cleaning needs rows to be fitted on.", found="no rows")
    columns, rows = columns_of(frame), frame.height
    gaps = [name for name in frame.columns if frame[name].null_count()]
    steps: list[c.Step] = []
    declared = operations_of(operations)
    with phase("Fitting the cleaning", total=len(declared), unit="operations") as done:
        for place, operation in enumerate(declared, start=1):
            step, frame = _fitted(operation, frame, target, place)
            steps.append(step)
            done()
    return FittedCleaning(columns, steps, rows, gaps)


def _fitted(
    operation: c.Operation, frame: pl.DataFrame, target: str, place: int
) -> tuple[c.Step, pl.DataFrame]:
    try:
        known = resolved(operation, frame, target)
        before = columns_of(frame)
        step = c.Step(known, learn(known, frame, target), before, before)
        after, out = apply(step, frame, alone=False)
    except Invalid as error:
        error.subject = error.subject or f"operation:{place}"
        error.hint = f"{error.hint} " * bool(error.hint) + f"(Operation {place}: {words_of(operation)}.)"
        raise
    if out is not None:
        after = after.filter(~out)
    if after.height == 0:
        raise Invalid(f"Operation {place} leaves no rows.", found=words_of(operation))
    return c.Step(step.operation, step.learnt, before, columns_of(after)), after
