"""Plan the features of a table, and turn rows into the model's inputs by that plan.

A plan is made from the training rows only and without looking at how a column relates to the target, so nothing
leaks. What would teach the model nothing that holds tomorrow is dropped, with the reason: constants, identifiers,
free text, and *clock columns*, numbers that only rise with time (every future value lies outside the range trained on).

Numbers and booleans enter as 32-bit floats, because that is what the packaged model computes in; missing is NaN.
Categories enter as strings, of which the most frequent have a place in the model. Dates enter as their parts.
"""

from __future__ import annotations

import re
from typing import Literal

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.training.records import Dropped, Feature, FeaturePlan, MomentPart, Task
from fettle.training.targets import labels_of, shares_of, task_of

MIN_ROWS = 30
MAX_LEVELS = 30
MIN_LEVEL_ROWS = 5
MIN_COVERAGE = 0.05
CLOCK_CORRELATION = 0.98

_IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|uuid|guid|key|index|rowid|row|nr|no)$", re.IGNORECASE)
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


def plan(
    frame: pl.DataFrame,
    target: str,
    *,
    time: str | None = None,
    task: Task | Literal["auto", "classification"] = "auto",
    exclude: tuple[str, ...] = (),
) -> FeaturePlan:
    """Decide for each column how it enters the model, if at all.

    Args:
        frame: The training rows, in time order if `time` is given.
        target: The column to be predicted; rows where it is missing are not counted.
        time: The column that orders the rows. It is no feature itself: requests need not carry it.
        task: `auto` decides by the target's values, see `targets.task_of`.
        exclude: Columns that must not be features, such as ones known only after the fact.

    Raises:
        NotFound: `target`, `time` or an excluded column is not in the frame.
        Invalid: Fewer than 30 rows with a target, a target that has one value only or looks like free text,
            or no column left that could tell anything.
    """
    for name in (target, *([time] if time else []), *exclude):
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    known = frame.filter(pl.col(target).is_not_null())
    if known.height < MIN_ROWS:
        raise Invalid(
            f"There are too few rows to train on: {known.height} with a value of {target!r}.",
            found=f"{frame.height} rows in all",
            hint=f"At least {MIN_ROWS} rows with a known {target!r} are needed.",
            subject=f"column:{target}",
        )
    decided: Task = task_of(known[target], task)
    labels = labels_of(known[target]) if decided != "regression" else ()
    excluded = dict.fromkeys(exclude, "excluded by you") | ({time: "it orders the rows"} if time else {})
    features: list[Feature] = []
    dropped: list[Dropped] = []
    for column in known.drop(target).iter_columns():
        if column.name in excluded:
            dropped.append(Dropped(column.name, excluded[column.name]))
            continue
        found = feature_of(column, ordered=time is not None)
        if isinstance(found, Feature):
            features.append(found)
        else:
            dropped.append(found)
    if not features:
        told = "; ".join(f"{each.name}: {each.reason}" for each in dropped[:6])
        raise Invalid(
            "No column is left to learn from.",
            found=told or "only the target column",
            hint="Give columns that say something about a row and were known before its target was.",
        )
    return FeaturePlan(
        task=decided,
        target=target,
        features=tuple(features),
        dropped=tuple(dropped),
        labels=labels,
        shares=shares_of(known[target], labels),
        time=time,
    )


def feature_of(column: pl.Series, *, ordered: bool = False) -> Feature | Dropped:
    """Decide how one column enters the model, or why it does not.

    Args:
        column: Its values on the training rows.
        ordered: True when the rows are in time order, so that a clock column can be told.
    """
    nulls = column.null_count() > 0
    if column.dtype == pl.Boolean:
        return _constant(column) or Feature(column.name, "boolean", nullable=nulls)
    if column.dtype.is_numeric():
        return _number(column, ordered=ordered)
    if column.dtype in _TEXTS:
        return _category(column.cast(pl.String))
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return _moment(column)
    return Dropped(column.name, f"its type ({column.dtype}) does not enter a model")


def _constant(column: pl.Series) -> Dropped | None:
    values = column.drop_nulls()
    if values.is_empty():
        return Dropped(column.name, "it has no values")
    if values.n_unique() == 1 and column.null_count() == 0:
        return Dropped(column.name, f"it is constant ({values[0]!r:.40})")
    return None


def _number(column: pl.Series, *, ordered: bool) -> Feature | Dropped:
    numbers = as_numbers(column)
    values = numbers.drop_nans()
    constant = _constant(numbers.fill_nan(None))
    if constant is not None:
        return constant
    distinct = values.n_unique() == len(values) == len(column)
    if distinct and column.dtype.is_integer() and (_IDENTIFIER.search(column.name) or _consecutive(column)):
        return Dropped(column.name, "it is an identifier: every row has its own number")
    if ordered and len(values) == len(column) and _rises(values):
        return Dropped(column.name, "it only tells the time: it rises with the order of the rows")
    return Feature(column.name, "number", nullable=len(values) < len(column))


def _consecutive(column: pl.Series) -> bool:
    return bool((column.sort().diff().drop_nulls() == 1).all())


def _rises(values: pl.Series) -> bool:
    if values.n_unique() < 20:
        return False
    order = pl.Series(range(len(values)))
    table = pl.DataFrame({"order": order, "rank": values.rank()})
    correlation = table.select(pl.corr("order", "rank")).item()
    return correlation is not None and abs(correlation) > CLOCK_CORRELATION


def _category(column: pl.Series) -> Feature | Dropped:
    constant = _constant(column)
    if constant is not None:
        return constant
    counts = column.fill_null("").value_counts(sort=True, name="rows")
    counts = counts.sort(["rows", column.name], descending=[True, False])
    kept = counts.filter(pl.col("rows") >= MIN_LEVEL_ROWS).head(MAX_LEVELS)
    if int(kept["rows"].sum()) < MIN_COVERAGE * len(column):
        what = "an identifier" if counts.height == len(column) else "free text"
        return Dropped(
            column.name, f"it is {what}: {counts.height:,} different values in {len(column):,} rows"
        )
    return Feature(
        column.name,
        "category",
        nullable=column.null_count() > 0,
        levels=tuple(kept[column.name].to_list()),
    )


def _moment(column: pl.Series) -> Feature | Dropped:
    constant = _constant(column)
    if constant is not None:
        return constant
    parts: tuple[MomentPart, ...] = ("year", "month", "day", "weekday", "hour")
    told = moment_parts(column, parts)
    kept: tuple[MomentPart, ...] = tuple(part for part in parts if told[part].drop_nans().n_unique() > 1)
    if not kept:
        return Dropped(column.name, "its values differ by less than a minute")
    return Feature(column.name, "moment", nullable=column.null_count() > 0, parts=kept)


def as_numbers(column: pl.Series) -> pl.Series:
    """Numbers or booleans as 32-bit floats; missing, infinite and too large values are NaN."""
    numbers = column.cast(pl.Float64, strict=False).cast(pl.Float32)
    return numbers.set(numbers.is_infinite() | numbers.is_null(), float("nan"))


def moment_parts(column: pl.Series, parts: tuple[MomentPart, ...]) -> pl.DataFrame:
    """The parts of dates or times (in UTC if they have a zone) as 32-bit floats; missing is NaN.

    Example:
        >>> from datetime import datetime
        >>> moment_parts(pl.Series([datetime(2024, 7, 2, 6, 30)]), ("year", "weekday", "hour")).row(0)
        (2024.5, 2.0, 6.5)
    """
    moments = column.cast(pl.Datetime("us")) if column.dtype == pl.Date else column
    if isinstance(moments.dtype, pl.Datetime) and moments.dtype.time_zone not in (None, "UTC"):
        moments = moments.dt.convert_time_zone("UTC")
    leap = moments.dt.is_leap_year().cast(pl.Float64)
    found = {
        "year": moments.dt.year() + (moments.dt.ordinal_day() - 1) / (365.0 + leap),
        "month": moments.dt.month(),
        "day": moments.dt.day(),
        "weekday": moments.dt.weekday(),
        "hour": moments.dt.hour() + moments.dt.minute() / 60.0,
    }
    return pl.DataFrame({part: as_numbers(found[part]) for part in parts})


def encode(plan: FeaturePlan, frame: pl.DataFrame) -> pl.DataFrame:
    """Turn rows into the model's inputs: 32-bit floats and strings, nothing missing but as NaN and "".

    Args:
        plan: The features.
        frame: Rows with at least the plan's columns; others are not looked at.

    Returns:
        One column per model input, in the plan's order (`Feature.inputs`).

    Raises:
        NotFound: A column is not in the frame.
        Invalid: A column has another type than it had in training.
    """
    columns: list[pl.Series] = []
    for feature in plan.features:
        if feature.name not in frame.columns:
            raise NotFound.among("column", feature.name, frame.columns)
        columns.extend(_inputs(feature, frame[feature.name]))
    return pl.DataFrame({each.name: each for each in columns})


def _inputs(feature: Feature, column: pl.Series) -> list[pl.Series]:
    dtype = column.dtype
    if dtype == pl.Null:
        column = column.cast(
            {"category": pl.String, "moment": pl.Datetime("us")}.get(feature.role, pl.Float32)
        )
        dtype = column.dtype
    if feature.role in ("number", "boolean") and (dtype.is_numeric() or dtype == pl.Boolean):
        return [as_numbers(column)]
    if feature.role == "category" and dtype in _TEXTS:
        return [column.cast(pl.String).fill_null("")]
    if feature.role == "moment" and (dtype == pl.Date or isinstance(dtype, pl.Datetime)):
        parts = moment_parts(column, feature.parts)
        return [parts[part].rename(name) for part, name in zip(feature.parts, feature.inputs, strict=True)]
    raise Invalid(
        f"The column {feature.name!r} has another type than in training.",
        found=f"{dtype}, where a {feature.role} was expected",
        hint="Convert the column in the source, or train on the new form.",
        subject=f"column:{feature.name}",
    )
