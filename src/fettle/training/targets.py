"""What is to be predicted: the kind of problem, its classes, and their codes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import Invalid
from fettle.training.records import FeaturePlan, Label, Task

MAX_CLASSES = 50
MAX_INTEGER_CLASSES = 10


def task_of(target: pl.Series, asked: Task | Literal["auto", "classification"] = "auto") -> Task:
    """Decide the kind of problem by the target's values (without missing ones).

    Strings and booleans are classes; so are whole numbers with at most 10 different values. Other numbers are a
    regression. What was asked for wins, as long as the values allow it.

    Raises:
        Invalid: One value only; more than 50 classes; a regression on something that is not a number.
    """
    values = target.drop_nulls()
    distinct = values.n_unique()
    subject = f"column:{target.name}"
    if distinct < 2:
        raise Invalid(
            f"The target {target.name!r} has one value only, so there is nothing to predict.",
            found=f"{values[0]!r} in all {len(values)} rows" if len(values) else "no values",
            hint="Choose another target column, or data where it varies.",
            subject=subject,
        )
    numeric = target.dtype.is_numeric()
    if asked == "regression" or (asked == "auto" and numeric and not _few_whole(values, distinct)):
        if not numeric:
            raise Invalid(
                f"A regression needs a number to predict, and {target.name!r} is none.",
                found=f"type {target.dtype}, such as {values[0]!r:.40}",
                hint="Leave the task out, or use task classification.",
                subject=subject,
            )
        return "regression"
    if distinct > MAX_CLASSES or (not numeric and distinct > len(values) / 2):
        raise Invalid(
            f"The target {target.name!r} has too many different values to be classes.",
            found=f"{distinct:,} different values in {len(values):,} rows",
            hint=f"At most {MAX_CLASSES} classes are supported; is it an identifier or free text?",
            subject=subject,
        )
    if asked == "binary" and distinct > 2:
        raise Invalid(
            f"The target {target.name!r} has more than two classes.",
            found=f"{distinct} classes",
            hint="Use task multiclass, or leave it out.",
            subject=subject,
        )
    return "binary" if distinct == 2 else "multiclass"


def _few_whole(values: pl.Series, distinct: int) -> bool:
    return distinct <= MAX_INTEGER_CLASSES and bool((values == values.round(0)).all())


def labels_of(target: pl.Series) -> tuple[Label, ...]:
    """The classes of a target in the order of their texts; whole floats become integers."""
    return tuple(
        sorted((plain_label(each) for each in target.drop_nulls().unique().to_list()), key=label_text)
    )


def shares_of(target: pl.Series, labels: tuple[Label, ...]) -> tuple[float, ...]:
    """The share of rows of each class."""
    if not labels:
        return ()
    codes = codes_of(target, labels)
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    return tuple((counts / max(1, counts.sum())).tolist())


def plain_label(value: Any) -> Label:
    """A class as a JSON-able value: a whole float is an integer, what is neither number nor boolean is text."""
    if isinstance(value, bool | int | str):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else str(value)


def label_text(label: Label) -> str:
    """A class as text, the form it has as a key of JSON: `true`, `3`, `UP`.

    Example:
        >>> [label_text(each) for each in (True, 3, "UP")]
        ['true', '3', 'UP']
    """
    return str(label).lower() if isinstance(label, bool) else str(label)


def codes_of(target: pl.Series, labels: tuple[Label, ...]) -> NDArray[np.int64]:
    """The place of each value among `labels`; -1 for a missing value or an unknown class."""
    places = {label_text(label): place for place, label in enumerate(labels)}
    distinct = target.unique().to_list()
    known = {value: places.get(label_text(plain_label(value)), -1) for value in distinct if value is not None}
    codes = [known.get(value, -1) for value in target.to_list()]
    return np.asarray(codes, dtype=np.int64)


def truth_of(plan: FeaturePlan, frame: pl.DataFrame) -> NDArray[Any]:
    """The target of rows as the model's numbers: class codes, or 64-bit floats (NaN where missing)."""
    target = frame[plan.target]
    if plan.task != "regression":
        return codes_of(target, plan.labels)
    return target.cast(pl.Float64).fill_null(float("nan")).to_numpy()
