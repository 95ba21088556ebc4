"""Which row of one table is which row of another: pairs by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.tables.compare import common_form

SAMPLE_ROWS = 100_000
MOST_RUNS = 256
SPREAD = 4
"""Whole numbers that spread over at most so many times as many values as there are rows are looked up, not joined."""
INDEX = pl.get_index_type()
_OWN = {"op", "kind", "row", "column", "old", "new", "base", "ours", "theirs", "take"}


class Pairs(NamedTuple):
    """Rows by their numbers, counted from 0.

    Attributes:
        place: For each row of the new side the row of the old one with the same key; 0 where there is none.
        met: For each row of the new side whether there is one.
        removed: Rows of the old side alone, in order.
        added: Rows of the new side alone, in order.
        runs: The pairs as runs of rows that follow each other on both sides (first old row, first new row, how many);
            None where these are too many to go by, for instance because one side is in another order.
        ascending: True if the partners of the new rows come in the order of the old side.
    """

    place: pl.Series
    met: pl.Series
    removed: pl.Series
    added: pl.Series
    runs: list[tuple[int, int, int]] | None
    ascending: bool

    def paired(self, rows: int) -> pl.Series:
        """For each of the old side's rows whether it has a partner."""
        mask = np.ones(rows, bool)
        mask[self.removed.to_numpy()] = False
        return pl.Series(mask)


def check_key(key: Sequence[str], schema: pl.Schema, where: str) -> None:
    """Make sure that a table has the key's columns.

    Raises:
        NotFound: It lacks one.
    """
    for name in key:
        if name not in schema:
            raise NotFound.among(f"column of {where}", name, schema.names())


def match(
    old: pl.DataFrame,
    new: pl.DataFrame,
    *,
    names: tuple[str, str] = ("the old version", "the new version"),
    numbers: tuple[pl.Series | None, pl.Series | None] = (None, None),
) -> Pairs:
    """Pair the rows of two tables whose key is equal; a missing value equals another, and NaN equals NaN.

    Where one side only goes on after the rows of the other, there is nothing to join: an append costs next to nothing.

    Args:
        old: The key columns of one side.
        new: Those of the other, in the same order.
        names: What to call the sides in errors.
        numbers: What to call their rows in errors, counted from 0; None: as they stand.

    Raises:
        Invalid: A key occurs twice on one side.
    """
    a, b = common_keys(old, new)
    if _alike(a, b):
        which = 0 if old.height >= new.height else 1
        unique((old, new)[which], names[which], numbers[which])
        return _as_they_stand(old.height, new.height)
    found = _looked_up(a, b)
    if found is None:
        # a join of keys that hardly differ has a row for each pair of equal ones; a sample is enough to refuse those
        unique(old.head(SAMPLE_ROWS), names[0], numbers[0])
        unique(new.head(SAMPLE_ROWS), names[1], numbers[1])
    place, met, once = found or _joined(a, b)
    seen = np.zeros(a.height, bool)
    seen[place if met.all() else place[met]] = True
    pairs = Pairs(
        pl.Series(place, dtype=INDEX), pl.Series(met), _numbers(~seen), _numbers(~met), *_runs(place, met)
    )
    once = once and b.height - pairs.added.len() == a.height - pairs.removed.len()
    if not once or old[pairs.removed].is_duplicated().any() or new[pairs.added].is_duplicated().any():
        unique(old, names[0], numbers[0])
        unique(new, names[1], numbers[1])
    return pairs


def unique(keys: pl.DataFrame, where: str, numbers: pl.Series | None = None) -> None:
    """Make sure that no two rows of a side have the same key.

    Raises:
        Invalid: Some have; the first ones are named.
    """
    if keys.width == 1 and keys.height and _ascends(keys[:, 0]):
        return
    if (keys[:, 0].n_unique() if keys.width == 1 else keys.n_unique()) == keys.height:
        return
    counted = pl.int_range(keys.height, eager=True) if numbers is None else numbers[: keys.height]
    numbered = keys.with_columns((counted + 1).alias("#row"))
    twice = (
        numbered.group_by(keys.columns, maintain_order=True)
        .agg(pl.col("#row"))
        .filter(pl.col("#row").list.len() > 1)
    )
    shown = "; ".join(
        f"{_words(row[:-1], keys.columns)} in rows {', '.join(f'{each:,}' for each in row[-1][:3])}"
        + (", …" if len(row[-1]) > 3 else "")
        for row in twice.head(3).rows()
    )
    raise Invalid(
        f"The key {', '.join(keys.columns)} does not tell the rows of {where} apart.",
        found=f"{twice.height:,} key(s) that occur more than once: {shown}",
        hint="Name more columns as the key, or compare whole rows without a key.",
    )


def common_keys(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides' key columns in types that can be joined, under the new side's names."""
    forms = [common_form(old[:, at], new[:, at]) for at in range(old.width)]
    return (
        pl.DataFrame([each[0].alias(name) for each, name in zip(forms, new.columns, strict=True)]),
        pl.DataFrame([each[1].alias(name) for each, name in zip(forms, new.columns, strict=True)]),
    )


def keys_named(key: Sequence[str]) -> dict[str, str]:
    """What key columns are called beside our own columns: those of the same name get another."""
    return {name: f"{name} (key)" if name in _OWN else name for name in key}


Found = tuple[np.ndarray, np.ndarray, bool]
"""`place` and `met` of `Pairs`, and whether no row was found twice."""


def _looked_up(old: pl.DataFrame, new: pl.DataFrame) -> Found | None:
    """The partners by a table of all key values; None if the key is not of whole numbers that lie close together."""
    if old.width > 1 or not all(_whole(each[:, 0]) for each in (old, new)):
        return None
    a, b = (each[:, 0].cast(pl.Int64).to_numpy() for each in (old, new))
    least, most = min(int(a.min()), int(b.min())), max(int(a.max()), int(b.max()))
    if most - least >= SPREAD * (len(a) + len(b)):
        return None
    nobody = np.uint32(len(a))
    table = np.full(most - least + 1, nobody, np.uint32)
    table[a - least] = np.arange(len(a), dtype=np.uint32)
    place = table[b - least]
    met = place != nobody
    place[~met] = 0
    return place, met, int(np.count_nonzero(table != nobody)) == len(a)


def _whole(key: pl.Series) -> bool:
    wide = key.dtype in (pl.UInt64, pl.Int128, pl.UInt128)
    return key.dtype.is_integer() and not wide and key.len() > 0 and not key.null_count()


def _joined(old: pl.DataFrame, new: pl.DataFrame) -> Found:
    """The partners by a join; ascending keys are merged, others hashed."""
    a, b = old.lazy().with_row_index("#old"), new.lazy().with_row_index("#new")
    numbers = [pl.col("#new"), pl.col("#old")]
    if old.width > 1 or not (_ascends(old[:, 0]) and _ascends(new[:, 0])):
        found = b.join(a, on=old.columns, how="inner", nulls_equal=True).select(numbers).collect()
    else:
        name = old.columns[0]
        near = b.join_asof(a.with_columns(pl.col(name).alias("#key")), on=name, check_sortedness=False)
        found = near.filter(pl.col("#key") == pl.col(name)).select(numbers).collect()
    place, met = np.zeros(new.height, np.uint32), np.zeros(new.height, bool)
    rows = found["#new"].to_numpy()
    place[rows], met[rows] = found["#old"].to_numpy(), True
    return place, met, found.height == int(met.sum())


def _as_they_stand(old: int, new: int) -> Pairs:
    """Each row is that of the same number, as far as both sides go."""
    both = min(old, new)
    place = np.arange(new, dtype=np.uint32)
    place[both:] = 0
    return Pairs(
        pl.Series(place, dtype=INDEX),
        pl.int_range(new, dtype=INDEX, eager=True) < both,
        pl.int_range(both, old, dtype=INDEX, eager=True),
        pl.int_range(both, new, dtype=INDEX, eager=True),
        [(0, 0, both)],
        True,
    )


def _runs(place: np.ndarray, met: np.ndarray) -> tuple[list[tuple[int, int, int]] | None, bool]:
    """The pairs as runs, if they are few, and whether the old rows come in their order."""
    rows = np.flatnonzero(met)
    places = place if len(rows) == len(place) else place[rows]
    ascending = bool((places[1:] > places[:-1]).all())
    if len(_starts(rows[:SAMPLE_ROWS], places[:SAMPLE_ROWS])) > MOST_RUNS:
        return None, ascending
    starts = _starts(rows, places)
    if len(starts) > MOST_RUNS:
        return None, ascending
    lengths = np.diff(starts, append=len(rows))
    return list(zip(places[starts].tolist(), rows[starts].tolist(), lengths.tolist(), strict=True)), ascending


def _starts(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where a run of rows begins that follow each other on both sides."""
    steps = np.diff(places.astype(np.int64), prepend=-2)
    return np.flatnonzero((np.diff(rows, prepend=-2) != 1) | (steps != 1))


def _ascends(key: pl.Series) -> bool:
    if not key.dtype.is_integer() or key.null_count():
        return False
    return bool((key[1:] > key[:-1]).all())


def _alike(old: pl.DataFrame, new: pl.DataFrame) -> bool:
    """Whether the keys of one side begin with all those of the other, in the same order."""
    rows = min(old.height, new.height)
    return all(not old[:rows, at].ne_missing(new[:rows, at]).any() for at in range(old.width))


def _numbers(mask: np.ndarray) -> pl.Series:
    return pl.Series("row", np.flatnonzero(mask), INDEX)


def _words(values: Sequence[object], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in zip(names, values, strict=True))
