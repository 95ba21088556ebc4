"""Make rows of what was learnt: the same seed gives the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from fettle.core.errors import Invalid
from fettle.data.records.synthesis import Counter, Learnt, Levels, Marginal, Numbers, Sequence, Texts
from fettle.data.synthesis import copula, texts
from fettle.data.synthesis.learning import GAP, dtype_of

Vector = NDArray[np.float64]


def sample(
    learnt: Learnt, rows: int, *, seed: int, avoid: Mapping[str, Set[str]] | None = None
) -> pl.DataFrame:
    """Make rows.

    Args:
        learnt: What `learn` gave.
        rows: How many.
        seed: Of every random choice.
        avoid: Column → texts that must not come up: the real ones of made-up columns, which are not part of `learnt`.

    Raises:
        Invalid: Fewer than one row is asked for.
    """
    if rows < 1:
        raise Invalid("At least one row is made.", found=f"rows = {rows}")
    generator = np.random.default_rng(seed)
    matrix = np.array(learnt.correlation).reshape(len(learnt.dependent), len(learnt.dependent))
    owners = np.zeros(rows, dtype=np.int64)
    if learnt.sequence is None:
        scores = copula.draw(generator, matrix, rows)
    else:
        owners, places = _owners(generator, learnt.sequence, rows)
        scores = copula.follow(generator, matrix, np.array(learnt.sequence.memory), places, owners)
    shares = dict(zip(learnt.dependent, ndtr(scores).T, strict=True))
    made = []
    for marginal in learnt.columns:
        column = _column(
            generator,
            marginal,
            shares.get(marginal.name),
            rows,
            (avoid or {}).get(marginal.name, frozenset()),
        )
        if learnt.sequence is not None and marginal.name == learnt.sequence.entity:
            made.append(_entities(column, owners))
        elif learnt.sequence is not None and marginal.name == learnt.sequence.time:
            made.append(_times(generator, learnt.sequence, marginal, owners))
        else:
            made.append(_with_gaps(generator, column, marginal, shares.get(marginal.name + GAP)))
    return pl.DataFrame(made)


def _column(
    generator: np.random.Generator, marginal: Marginal, share: Vector | None, rows: int, avoid: Set[str]
) -> pl.Series:
    dtype = dtype_of(marginal)
    match marginal:
        case Counter():
            return pl.Series(marginal.name, range(marginal.start, marginal.start + rows), dtype=dtype)
        case Texts():
            return pl.Series(marginal.name, _texts(generator, marginal, rows, avoid), dtype=dtype)
        case Numbers():
            found = quantile(marginal.knots, generator.random(rows) if share is None else share)
            return as_column(marginal, found)
        case Levels():
            if not marginal.values:
                return pl.Series(marginal.name, [None] * rows, dtype=dtype)
            edges = np.cumsum(marginal.shares)[:-1]
            codes = np.searchsorted(edges, generator.random(rows) if share is None else share, side="right")
            return pl.Series(marginal.name, marginal.values, dtype=dtype).gather(codes)


def quantile(knots: list[float], shares: Vector) -> Vector:
    """The values at shares of a distribution that is kept as quantiles."""
    if len(knots) == 1:
        return np.full(len(shares), knots[0])
    return np.interp(shares, np.linspace(0, 1, len(knots)), knots)


def as_column(marginal: Numbers, values: Vector) -> pl.Series:
    """Numbers in the column's step and type."""
    step = marginal.step
    if step and step < 1:
        rounded = np.round(values, round(-np.log10(step)))
    else:
        rounded = np.round(values / step) * step if step else values
    if marginal.type == "number":
        return pl.Series(marginal.name, rounded, dtype=pl.Float64)
    whole = pl.Series(marginal.name, np.round(rounded).astype(np.int64))
    if marginal.type == "date":
        return whole.cast(pl.Int32).cast(pl.Date)
    if marginal.type == "datetime":
        return whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return whole


def _texts(generator: np.random.Generator, marginal: Texts, rows: int, avoid: Set[str]) -> list[str]:
    if marginal.words:
        counts = np.round(quantile(marginal.words, generator.random(rows))).astype(np.int64)
        return [texts.sentence(generator, int(count)) for count in counts]
    names = list(marginal.patterns)
    chosen = generator.choice(len(names), rows, p=np.array(list(marginal.patterns.values())))
    found = np.empty(rows, dtype=object)
    for place, pattern in enumerate(names):
        at = np.flatnonzero(chosen == place)
        found[at] = texts.distinct(generator, pattern, len(at), avoid, marginal.unique)
    return found.tolist()


def _with_gaps(
    generator: np.random.Generator, column: pl.Series, marginal: Marginal, share: Vector | None
) -> pl.Series:
    if marginal.missing <= 0:
        return column
    drawn = generator.random(len(column)) if share is None else share
    return column.zip_with(
        pl.Series(drawn < 1 - marginal.missing),
        pl.Series([None], dtype=column.dtype).new_from_index(0, len(column)),
    )


def _owners(generator: np.random.Generator, sequence: Sequence, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Whose each row is, and its place among that one's rows."""
    if not sequence.lengths:
        return np.zeros(rows, dtype=np.int64), np.arange(rows)
    lengths: list[int] = []
    while sum(lengths) < rows:
        drawn = quantile(sequence.lengths, generator.random(256))
        lengths += np.maximum(1, np.round(drawn)).astype(int).tolist()
    owners = np.repeat(np.arange(len(lengths)), lengths)[:rows]
    first = np.concatenate([[0], np.flatnonzero(np.diff(owners)) + 1])
    return owners, np.arange(rows) - first[owners]


def _entities(column: pl.Series, owners: np.ndarray) -> pl.Series:
    """Names for owners: the made-up key's first values."""
    return column.gather(owners)


def _times(
    generator: np.random.Generator, sequence: Sequence, marginal: Marginal, owners: np.ndarray
) -> pl.Series:
    count = int(owners.max(initial=-1)) + 1
    begun = quantile(sequence.starts, generator.random(count))
    passed = quantile(sequence.gaps, generator.random(len(owners)))
    first = np.concatenate([[True], owners[1:] != owners[:-1]])
    passed[first] = 0.0
    whole = np.cumsum(passed)
    values = begun[owners] + whole - whole[first][owners]
    return (
        as_column(marginal, values)
        if isinstance(marginal, Numbers)
        else as_column(_as_numbers(marginal), values)
    )


def _as_numbers(marginal: Marginal) -> Numbers:
    return Numbers(name=marginal.name, type=marginal.type, missing=0.0, knots=[], step=1.0)
