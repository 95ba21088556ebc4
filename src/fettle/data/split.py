"""Split a table into parts for training, choosing and judging, so that no part knows what another is asked.

Which way depends on how the model will be used: `by_time` when it answers about the future of what it learnt from
(nearly always, when rows have a time), `by_hash` when rows of the same customer or device must stay together and the
split must not change as rows are added, `by_group` when they must stay together and the shares must be met, `random`
otherwise. `k_fold` and `rolling` give several pairs of parts, for a score with its spread.

`fettle.data.sides.assign` does any of these as a record says (`Split`), and gives each row's side instead of
frames: that is what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fettle.core.errors import Invalid
from fettle.data.records.splits import Split
from fettle.data.sides import (
    check,
    codes_of,
    filled,
    group_codes,
    hash_codes,
    names_of,
    parts_of,
    random_codes,
    rolling_codes,
    time_codes,
)

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
    check(frame, fractions, column)
    codes = time_codes(frame, column, fractions)
    parts = parts_of(frame, codes, len(fractions))
    return filled(tuple(part.sort(column, maintain_order=True) for part in parts), f"by {column!r}")


def random(
    frame: pl.DataFrame,
    fractions: Sequence[float] = TRAIN_VALID_TEST,
    *,
    seed: int,
    stratify: str | Sequence[str] | None = None,
) -> tuple[pl.DataFrame, ...]:
    """Split at random; the same seed and rows give the same parts. Rows keep their order within a part.

    Args:
        frame: The rows.
        fractions: Shares of the rows; they add up to 1.
        seed: Any whole number from 0.
        stratify: Split each value of this column, or each mix of values of several, by the same fractions, so that all
            parts have the same mix of classes. Missing counts as a value; numbers of many values are cut at their
            deciles; what rounding takes from a part in one class it gets in the next, so rare ones are dealt fairly
            too. None means no column.

    Raises:
        NotFound: There is no such column.
        Invalid: A part would be empty.
    """
    names = names_of(stratify)
    check(frame, fractions, *names)
    codes = random_codes(frame, fractions, seed, names)
    return filled(parts_of(frame, codes, len(fractions)), "at random")


def by_group(
    frame: pl.DataFrame,
    columns: str | Sequence[str],
    fractions: Sequence[float] = TRAIN_VALID_TEST,
    *,
    seed: int,
    stratify: str | Sequence[str] | None = None,
) -> tuple[pl.DataFrame, ...]:
    """Split so that rows of one group (a customer, a device, a document) are all in the same part.

    Groups are dealt one by one, the largest first, each to the part that it brings nearest to its share of
    rows, or of each class where there is one to stratify by. Rows keep their order within a part.

    Args:
        frame: The rows.
        columns: Rows with equal values here are a group; missing counts as a value.
        fractions: Shares of the rows; they add up to 1, and are met as far as groups can be dealt.
        seed: Of the order among groups of one size.
        stratify: As for `random`.

    Raises:
        NotFound: There is no such column.
        Invalid: A part would be empty.
    """
    keys, names = names_of(columns), names_of(stratify)
    check(frame, fractions, *keys, *names)
    codes = group_codes(frame, keys, fractions, seed, names)
    return filled(parts_of(frame, codes, len(fractions)), f"by {', '.join(keys)}")


def k_fold(
    frame: pl.DataFrame,
    folds: int = 5,
    *,
    seed: int,
    group: str | Sequence[str] | None = None,
    stratify: str | Sequence[str] | None = None,
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Split several times, so that each row is tested on once: pairs of training rows and test rows.

    Args:
        frame: The rows.
        folds: How many, from 2.
        seed: Of the random deal.
        group: Keep rows with equal values here on one side, in every fold.
        stratify: As for `random`.

    Raises:
        NotFound: There is no such column.
        Invalid: A fold would be empty.
    """
    split = Split(
        "group" if group else "random", names_of(group), folds=folds, seed=seed, stratify=names_of(stratify)
    )
    codes = codes_of(frame, split)
    filled(parts_of(frame, codes, folds), f"into {folds} folds")
    return [
        (frame.filter(pl.Series(codes != fold)), frame.filter(pl.Series(codes == fold)))
        for fold in range(folds)
    ]


def rolling(
    frame: pl.DataFrame,
    column: str,
    folds: int = 5,
    *,
    test_size: int = 0,
    gap: float = 0.0,
    window: float = 0.0,
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Split several times in time: each fold learns from the past and is tested on what follows (rolling origin).

    Rows of one instant stay together. With a column that counts rows this is scikit-learn's `TimeSeriesSplit` with the
    same gap and, as `window`, its `max_train_size` (`tests/data/test_split.py`).

    Args:
        frame: The rows, in any order.
        column: When a row happened: dates, times, or numbers that grow with time.
        folds: How many, from 1.
        test_size: Rows to test on in a fold; 0 divides the rows evenly into the folds and the first training.
        gap: Rows so near before the test rows are not learnt from; in seconds, or in the numbers' own unit.
        window: Learn only from rows so near before the gap (sliding); 0 learns from all before it (expanding).

    Returns:
        Pairs of training rows and test rows, each sorted by time, the earliest fold first.

    Raises:
        NotFound: There is no such column.
        Invalid: It has missing values, or there are too few rows for so many folds.
    """
    sides = rolling_codes(
        frame, Split("rolling", [column], folds=folds, test_size=test_size, gap=gap, window=window)
    )
    return [
        (
            frame.filter(pl.Series(side == 1)).sort(column, maintain_order=True),
            frame.filter(pl.Series(side == 2)).sort(column, maintain_order=True),
        )
        for side in sides
    ]


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
    check(frame, fractions, *names)
    if not names:
        raise Invalid(
            "A split by hash needs at least one key column.", hint="Name it: by_hash(frame, 'customer_id')"
        )
    codes = hash_codes(frame, names, fractions, salt)
    return filled(parts_of(frame, codes, len(fractions)), f"by {', '.join(names)}")
