"""Split a table into parts for training, choosing and judging, so that no part knows what another is asked.

Which way depends on how the model will be used: `by_time` when it answers about the future of what it learnt from
(nearly always, when rows have a time), `by_hash` when rows of the same customer or device must stay together and the
split must not change as rows are added, `random` otherwise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from blake3 import blake3

from fettle.core.errors import Invalid, NotFound

TRAIN_VALID_TEST = (0.7, 0.15, 0.15)


def by_time(
    frame: pl.DataFrame, column: str, fractions: Sequence[float] = TRAIN_VALID_TEST
) -> tuple[pl.DataFrame, ...]:
    """Split by time: every row of a part is earlier than every row of the next.

    Rows of one instant stay together (in the earlier part), so that parts may differ a little from the fractions.

    Args:
        frame: The rows, in any order.
        column: When a row happened: dates, times, or numbers that grow with time.
        fractions: Shares of the rows, in order; they add up to 1.

    Returns:
        As many frames as fractions, each sorted by time.

    Raises:
        NotFound: There is no such column.
        Invalid: The column has missing values, or a part would be empty.
    """
    _check(frame, fractions, column)
    if missing := frame[column].null_count():
        raise Invalid(
            f"The rows cannot be split by {column!r}.",
            found=f"{missing:,} row(s) without a time",
            hint="Leave these rows out first: frame.drop_nulls(…)",
        )
    ordered = frame.sort(column, maintain_order=True)
    times = ordered[column]
    cuts = [0]
    for cut in _cuts(frame.height, fractions)[:-1]:
        bounded = min(max(cut, 1), frame.height)
        cuts.append(int(times.search_sorted(times[bounded - 1], side="right")))
    cuts.append(frame.height)
    parts = tuple(ordered.slice(start, stop - start) for start, stop in itertools.pairwise(cuts))
    return _filled(parts, f"by {column!r}")


def random(
    frame: pl.DataFrame,
    fractions: Sequence[float] = TRAIN_VALID_TEST,
    *,
    seed: int,
    stratify: str | None = None,
) -> tuple[pl.DataFrame, ...]:
    """Split at random; the same seed and rows give the same parts. Rows keep their order within a part.

    Args:
        frame: The rows.
        fractions: Shares of the rows; they add up to 1.
        seed: Any whole number from 0.
        stratify: Split each value of this column by the same fractions, so that all parts have the same mix of classes.
            Missing counts as a value. None means no column.

    Raises:
        NotFound: There is no such column.
        Invalid: A part would be empty.
    """
    _check(frame, fractions, *([stratify] if stratify is not None else []))
    generator = np.random.default_rng(seed)
    groups = _groups(frame, stratify)
    part = np.empty(frame.height, dtype=np.int64)
    owed = np.zeros(len(fractions))
    for rows in groups:
        counts, owed = _shares(len(rows), fractions, owed)
        part[generator.permutation(rows)] = np.repeat(np.arange(len(fractions)), counts)
    parts = tuple(frame.filter(pl.Series(part == index)) for index in range(len(fractions)))
    return _filled(parts, "at random")


def by_hash(
    frame: pl.DataFrame,
    columns: str | Sequence[str],
    fractions: Sequence[float] = TRAIN_VALID_TEST,
    *,
    salt: str = "",
) -> tuple[pl.DataFrame, ...]:
    """Split by a stable hash of key columns: a key is in the same part today, tomorrow and on any machine.

    Args:
        frame: The rows.
        columns: The key, such as `customer_id`; rows with equal keys stay together.
        fractions: Shares of the keys; they add up to 1. Shares of rows follow as far as keys have equally many.
        salt: Another text gives another split.

    Raises:
        NotFound: There is no such column.
        Invalid: A part would be empty.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    _check(frame, fractions, *names)
    if not names:
        raise Invalid(
            "A split by hash needs at least one key column.", hint="Name it: by_hash(frame, 'customer_id')"
        )
    edges = np.cumsum(fractions)[:-1]
    keys = frame.select(names).unique(maintain_order=True)
    places = [_unit(salt, key) for key in keys.iter_rows()]
    part = pl.Series("__part__", np.searchsorted(edges, places, side="right"), dtype=pl.Int64)
    marked = frame.join(
        keys.with_columns(part), on=names, how="left", nulls_equal=True, maintain_order="left"
    )
    parts = tuple(
        marked.filter(pl.col("__part__") == index).drop("__part__") for index in range(len(fractions))
    )
    return _filled(parts, f"by {', '.join(names)}")


def _unit(salt: str, key: tuple[object, ...]) -> float:
    """A key's place in [0, 1): the first 53 bits of the BLAKE3 of its values written as text, missing as such."""
    text = "\x1f".join("\x00" if value is None else f"{value}" for value in (salt, *key))
    return (int.from_bytes(blake3(text.encode()).digest(8), "big") >> 11) / (1 << 53)


def _groups(frame: pl.DataFrame, stratify: str | None) -> list[np.ndarray]:
    rows = np.arange(frame.height)
    if stratify is None:
        return [rows]
    codes = frame[stratify].rank("dense").fill_null(0).to_numpy()
    return [rows[codes == code] for code in np.unique(codes)]


def _shares(count: int, fractions: Sequence[float], owed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of `count` rows each part gets; what rounding kept from a part is owed to it in the next group."""
    exact = np.asarray(fractions) * count + owed
    counts = np.maximum(np.floor(exact), 0).astype(np.int64)
    rest = count - int(counts.sum())
    order = np.argsort(-(exact - counts), kind="stable")
    for index in range(abs(rest)):
        place = order[index % len(order)] if rest > 0 else int(np.argmax(counts))
        counts[place] += 1 if rest > 0 else -1
    return counts, exact - counts


def _cuts(rows: int, fractions: Sequence[float]) -> list[int]:
    return [round(rows * each) for each in np.cumsum(fractions)]


def _check(frame: pl.DataFrame, fractions: Sequence[float], *columns: str) -> None:
    for column in columns:
        if column not in frame.columns:
            raise NotFound.among("column", column, frame.columns)
    if (
        not fractions
        or any(each <= 0 for each in fractions)
        or not math.isclose(sum(fractions), 1.0, abs_tol=1e-6)
    ):
        raise Invalid(
            "The fractions of a split are positive and add up to 1.",
            found=f"{', '.join(f'{each:g}' for each in fractions)} (sum {sum(fractions):g})",
            hint="For instance (0.7, 0.15, 0.15).",
        )


def _filled(parts: tuple[pl.DataFrame, ...], how: str) -> tuple[pl.DataFrame, ...]:
    if any(part.height == 0 for part in parts):
        raise Invalid(
            f"The rows cannot be split {how}: a part would be empty.",
            found=f"parts of {', '.join(f'{part.height:,}' for part in parts)} rows",
            hint="Give more rows, larger fractions, or another way to split.",
        )
    return parts
