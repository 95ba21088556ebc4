"""Learn what a table is like: each column by itself, and how they go together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import Invalid, NotFound
from fettle.core.progress import phase
from fettle.core.scalars import number
from fettle.data.records.synthesis import Counter, Learnt, Levels, Marginal, Numbers, Sequence, Texts
from fettle.data.synthesis import copula, texts
from fettle.data.types import STORED, normalise, type_of

MOST_KNOTS = 512
MOST_LEVELS = 200
FEW_NUMBERS = 30
MOST_PATTERNS = 200
OTHER = "other"
GAP = "?"
Vector = NDArray[np.float64]


def learn(
    frame: pl.DataFrame,
    *,
    k: int = 5,
    keys: list[str] | None = None,
    time: str = "",
    entity: str = "",
    texts_of: list[str] | None = None,
) -> Learnt:
    """Learn a table by a Gaussian copula (Nelsen 2006; as in Patki, Wedge, Veeramachaneni 2016, without its hierarchy).

    Numbers and times are kept as quantiles, categories as shares, texts and keys as patterns of which new ones
    are made up. Nothing that is kept stands for fewer than `k` rows: rarer categories become `other`, rarer
    patterns a usual one, ends of ranges the mean of the k outermost values. That is a floor against single
    rows showing through, and no proof of anonymity; where one is needed, mask or ask for differential privacy
    elsewhere.

    Args:
        frame: The rows to learn from, at least 2 k.
        k: The floor.
        keys: Columns that name rows: new ones are counted up or made up, none twice. None finds them.
        time: A column to keep the order of: synthetic rows are in its order, with gaps like the real ones.
        entity: A column that tells whose row it is: rows of one are drawn together, each remembering the one before.
        texts_of: Columns of texts to be made up even if they have few different values.

    Raises:
        NotFound: A column is not there.
        Invalid: There are too few rows.
    """
    frame = normalise(frame)
    for name in (*(keys or []), *([time] if time else []), *([entity] if entity else []), *(texts_of or [])):
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    if k < 1 or frame.height < 2 * k:
        raise Invalid(
            "There are too few rows to learn from.",
            found=f"{frame.height} rows, k = {k}",
            hint="Needed: 2 k.",
        )
    if time or entity:
        frame = frame.sort([each for each in (entity, time) if each], nulls_last=True, maintain_order=True)
    named = set(
        keys
        if keys is not None
        else [name for name in frame.columns if name != entity and _is_key(frame[name])]
    )
    marginals: list[Marginal] = []
    scores: dict[str, Vector] = {}
    plain = _number_scores(frame, k)
    with phase("Learning columns", total=frame.width, unit="columns") as done:
        for column in frame.iter_columns():
            marginal, found = _marginal(
                column, k, named | ({entity} if entity else set()), set(texts_of or []), plain
            )
            marginals.append(marginal)
            if found is not None and column.name != time:
                scores[column.name] = found
            gaps = column.is_null().to_numpy()
            if k <= gaps.sum() <= len(gaps) - k and column.name != time:
                shares = np.array([1 - gaps.mean(), gaps.mean()])
                scores[column.name + GAP] = copula.scores_of_levels(gaps.astype(np.int64), shares)
            done()
    matrix = np.stack(list(scores.values()), axis=1) if scores else np.empty((frame.height, 0))
    sequence = _sequence(frame, matrix, time, entity, k) if time or entity else None
    return Learnt(
        columns=marginals,
        dependent=list(scores),
        correlation=copula.correlations(matrix).tolist() if scores else [],
        rows=frame.height,
        k=k,
        sequence=sequence,
    )


def quantiles(values: Vector, k: int) -> list[float]:
    """Quantiles at even shares, as many as k values stand behind each; the ends are means of the k outermost."""
    ordered = np.sort(values)
    count = int(np.clip(len(ordered) // k, 2, MOST_KNOTS))
    knots = np.quantile(ordered, np.linspace(0, 1, count))
    knots[0], knots[-1] = ordered[:k].mean(), ordered[-k:].mean()
    return [float(each) for each in np.maximum.accumulate(knots)]


def epochs(column: pl.Series) -> Vector:
    """Numbers, dates (days) or times (µs) since 1970 as floats, NaN where missing."""
    if column.dtype == pl.Date:
        column = column.dt.epoch("d")
    elif isinstance(column.dtype, pl.Datetime):
        column = column.dt.epoch("us")
    return column.cast(pl.Float64).fill_null(math.nan).to_numpy().astype(np.float64)


def _is_key(column: pl.Series) -> bool:
    if (
        column.dtype not in (pl.Int64, pl.String)
        or column.null_count()
        or column.n_unique() < len(column)
        or len(column) < 20
    ):
        return False
    if column.dtype == pl.String:
        return not texts.is_prose(column)
    counted = (number(column.max()) or 0) - (number(column.min()) or 0) + 1 == len(column)
    return bool(counted) or column.name.lower().endswith(("id", "key", "nr", "no"))


def _number_scores(frame: pl.DataFrame, k: int) -> dict[str, Vector]:
    """Normal scores of columns that have an order of their own: what categories are put in order by."""
    return {
        name: copula.scores_of_numbers(
            epochs(column if column.dtype != pl.Boolean else column.cast(pl.Int64))
        )
        for name, column in ((each.name, each) for each in frame.iter_columns())
        if column.dtype != pl.String and k < len(column) - column.null_count()
    }


def _marginal(
    column: pl.Series, k: int, keys: set[str], made_up: set[str], plain: dict[str, Vector]
) -> tuple[Marginal, Vector | None]:
    name, kind = column.name, type_of(column.dtype)
    known = column.drop_nulls()
    facts: dict[str, Any] = {"name": name, "type": kind, "missing": column.null_count() / len(column)}
    if name in keys:
        if kind == "integer":
            return Counter(**facts, start=1), None
        return Texts(**facts, patterns=_patterns(known.cast(pl.String), k), words=[], unique=True), None
    if len(known) < k:
        return Levels(**{**facts, "missing": 1.0}, values=[], shares=[]), None
    if kind == "string":
        distinct = known.n_unique()
        few = distinct <= max(50, min(1000, 0.05 * len(known)))
        if name in made_up or not few:
            words = quantiles(texts.word_counts(known), k) if texts.is_prose(known) else []
            return Texts(**facts, patterns={} if words else _patterns(known, k), words=words), None
        return _levels(column, k, facts, plain)
    if kind == "boolean" or (kind in ("integer", "number") and known.n_unique() <= FEW_NUMBERS):
        return _levels(column, k, facts, plain)
    values = epochs(column)
    step = (
        1.0
        if kind in ("integer", "date")
        else _step(values)
        if kind == "number"
        else 1e6 * _whole_seconds(values)
    )
    scores = copula.scores_of_numbers(values)
    return Numbers(**facts, knots=quantiles(values[~np.isnan(values)], k), step=step), scores


def _levels(
    column: pl.Series, k: int, facts: dict[str, Any], plain: dict[str, Vector]
) -> tuple[Marginal, Vector | None]:
    counts = (
        column.drop_nulls().value_counts(name="rows").sort(["rows", column.name], descending=[True, False])
    )
    merged = _floor(counts, column.name, k)
    kept = sorted(
        {value for value in merged.values() if value is not None}, key=lambda value: (str(type(value)), value)
    )
    if not kept:
        return Levels(**{**facts, "missing": 1.0}, values=[], shares=[]), None
    codes = np.array(
        [-1 if (value := merged.get(each)) is None else kept.index(value) for each in column.to_list()]
    )
    if column.dtype == pl.String:
        order = _order(codes, len(kept), {name: each for name, each in plain.items() if name != column.name})
        kept, codes = [kept[place] for place in order], np.append(np.argsort(order), -1)[codes]
    rows = np.bincount(codes[codes >= 0], minlength=len(kept)).astype(np.float64)
    shares = rows / rows.sum()
    return Levels(**facts, values=kept, shares=shares.tolist()), copula.scores_of_levels(codes, shares)


def _floor(counts: pl.DataFrame, name: str, k: int) -> dict[Any, Any]:
    """What each value becomes so that none stands for fewer than k rows; None for what is left out."""
    rows = dict(counts.iter_rows())
    kept = [value for value, count in list(rows.items())[:MOST_LEVELS] if count >= k]
    rare = [value for value in rows if value not in set(kept)]
    if counts[name].dtype == pl.String:
        together = sum(rows[value] for value in rare)
        instead = OTHER if together >= k else None
        return {**{value: value for value in kept}, **dict.fromkeys(rare, instead)}
    if not kept:
        return dict.fromkeys(rare)
    if counts[name].dtype == pl.Boolean:
        return {**{value: value for value in kept}, **dict.fromkeys(rare)}
    near = {value: min(kept, key=lambda other: (abs(other - value), other)) for value in rare}
    return {**{value: value for value in kept}, **near}


def _order(codes: np.ndarray, count: int, plain: dict[str, Vector]) -> list[int]:
    """Put categories in the order of the numbers that differ most between them, so that their scores carry it."""
    best, order = 0.0, list(range(count))
    held = codes >= 0
    for scores in plain.values():
        known = held & ~np.isnan(scores)
        if not known.any():
            continue
        rows = np.bincount(codes[known], minlength=count)
        means = np.bincount(codes[known], weights=scores[known], minlength=count) / np.maximum(rows, 1)
        middle = scores[known].mean()
        spread = ((scores[known] - middle) ** 2).sum()
        between = (rows * (means - middle) ** 2).sum()
        if spread > 0 and between / spread > best:
            best, order = between / spread, np.argsort(means, kind="stable").tolist()
    return order


def _patterns(column: pl.Series, k: int) -> dict[str, float]:
    """Patterns of at least k texts; where there are none, runs of one kind count as one character."""
    found = (
        texts.patterns(column).value_counts(name="rows").sort(["rows", column.name], descending=[True, False])
    )
    kept = found.filter(pl.col("rows") >= k).head(MOST_PATTERNS)
    if not kept.height:
        return {"a" * 8: 1.0}
    total = kept["rows"].sum()
    return {pattern: rows / total for pattern, rows in kept.iter_rows()}


def _step(values: Vector) -> float:
    """The power of ten that all numbers are multiples of, as far as six digits after the point; 0 for none."""
    known = values[~np.isnan(values)][:10_000]
    for digits in range(7):
        if np.allclose(np.round(known, digits), known, rtol=0, atol=1e-9):
            return 10.0**-digits
    return 0.0


def _whole_seconds(values: Vector) -> float:
    known = values[~np.isnan(values)][:10_000]
    return 1.0 if (known % 1e6 == 0).all() else 1e-6


def _sequence(frame: pl.DataFrame, scores: Vector, time: str, entity: str, k: int) -> Sequence:
    owners = (
        frame[entity].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
        if entity
        else np.zeros(frame.height, dtype=np.int64)
    )
    same = owners[1:] == owners[:-1]
    lengths = np.unique(owners, return_counts=True)[1].astype(np.float64)
    starts: list[float] = []
    gaps: list[float] = []
    if time:
        moments = epochs(frame[time])
        first = np.concatenate([[True], ~same])
        begun, passed = moments[first], np.diff(moments)[same]
        starts = (
            quantiles(begun[~np.isnan(begun)], min(k, max(1, len(begun) // 2)))
            if len(begun) > 1
            else begun.tolist()
        )
        passed = passed[~np.isnan(passed)]
        gaps = quantiles(passed, k) if len(passed) >= 2 * k else [0.0, 0.0]
    return Sequence(
        entity=entity,
        time=time,
        lengths=quantiles(lengths, min(k, max(1, len(lengths) // 2))) if entity else [],
        starts=starts,
        gaps=gaps,
        memory=[_memory(scores[:, place], same, bool(entity)) for place in range(scores.shape[1])],
    )


def _memory(scores: Vector, same: np.ndarray, owned: bool) -> float:
    """The correlation of the normals behind a column from row to row; 1 if an owner's rows are all alike."""
    one, other = scores[:-1][same], scores[1:][same]
    known = ~np.isnan(one) & ~np.isnan(other)
    if known.sum() < 10:
        return 0.0
    if owned and (one[known] == other[known]).all():
        return 1.0
    variance = float(np.nanmean(scores**2))
    return float(np.clip((one[known] * other[known]).mean() / max(variance, 1e-9) ** 2, 0.0, 0.99))


def dtype_of(marginal: Marginal) -> pl.DataType:
    """The type of the column that is made of a marginal."""
    return STORED[marginal.type]
