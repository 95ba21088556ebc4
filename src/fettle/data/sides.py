"""Deal the rows of a table to sides: for each row the place of its side, decided by a `Split`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from blake3 import blake3

from fettle.core.errors import Invalid, NotFound
from fettle.core.scalars import number
from fettle.data.records.splits import Side, Split

STRATA = 10
"""Numbers with more different values than twice this are stratified by as many quantiles."""
Codes = np.ndarray
"""The place of each row's part, one per row."""


def assign(frame: pl.DataFrame, split: Split) -> pl.DataFrame:
    """Say on which side each row is, in the order of the rows.

    Returns:
        One column `side` of names; for `rolling` a column a fold, `fold 0`, …, of `train`, `test` or missing.

    Raises:
        NotFound: There is no such column.
        Invalid: A side would be empty, or the record makes no sense.
    """
    if split.way == "rolling":
        sides = rolling_codes(frame, split)
        words = pl.Series([None, "train", "test"])
        return pl.DataFrame({f"fold {place}": words.gather(side) for place, side in enumerate(sides)})
    names = [f"fold {fold}" for fold in range(split.folds)] if split.folds else split.names
    codes = codes_of(frame, split)
    if len(names) <= int(codes.max(initial=0)):
        raise Invalid("Each side of a split needs a name.", found=f"{', '.join(names)} for {split.fractions}")
    filled(parts_of(frame, codes, len(names)), f"by {split.way}")
    return pl.DataFrame({"side": pl.Series(names).gather(codes)})


def sides_of(frame: pl.DataFrame, sides: pl.Series, target: str = "") -> list[Side]:
    """How sides came out: their rows and the classes of the target (of many numbers: mean and deviation)."""
    table = frame.with_columns(sides.alias("__side__"))
    found = []
    for name in sides.drop_nulls().unique(maintain_order=True).to_list():
        rows = table.filter(pl.col("__side__") == name)
        balance = _balance(rows[target]) if target else {}
        found.append(Side(name, rows.height, rows.height / max(frame.height, 1), balance))
    return found


def _balance(values: pl.Series) -> dict[str, float]:
    known = values.drop_nulls()
    if values.dtype.is_float() or (values.dtype.is_integer() and known.n_unique() > 2 * STRATA):
        return {"mean": float(number(known.mean()) or 0.0), "std": float(number(known.std()) or 0.0)}
    counts = known.value_counts(name="rows").sort(["rows", values.name], descending=[True, False])
    return {str(value): rows / max(len(known), 1) for value, rows in counts.head(50).iter_rows()}


def codes_of(frame: pl.DataFrame, split: Split) -> Codes:
    if split.folds == 1 or split.folds < 0:
        raise Invalid("A split into folds needs two of them at least.", found=f"{split.folds}")
    fractions = [1 / split.folds] * split.folds if split.folds else split.fractions
    check(frame, fractions, *split.columns, *split.stratify)
    if split.way != "random" and not split.columns:
        raise Invalid(f"A split by {split.way} needs a column.", hint="Name it: --column customer_id")
    if split.way == "time":
        return time_codes(frame, split.columns[0], fractions)
    if split.way == "hash":
        return hash_codes(frame, split.columns, fractions, split.salt)
    if split.way == "group":
        return group_codes(frame, split.columns, fractions, split.seed, split.stratify)
    return random_codes(frame, fractions, split.seed, split.stratify)


def time_codes(frame: pl.DataFrame, column: str, fractions: Sequence[float]) -> Codes:
    if missing := frame[column].null_count():
        raise Invalid(
            f"The rows cannot be split by {column!r}.",
            found=f"{missing:,} row(s) without a time",
            hint="Leave these rows out first: frame.drop_nulls(…)",
        )
    order = frame[column].arg_sort().to_numpy()
    times = frame[column].gather(order)
    cuts = [0]
    for cut in _cuts(frame.height, fractions)[:-1]:
        bounded = min(max(cut, 1), frame.height)
        cuts.append(int(times.search_sorted(times[bounded - 1], side="right")))
    codes = np.zeros(frame.height, dtype=np.int64)
    for place, (start, stop) in enumerate(itertools.pairwise([*cuts, frame.height])):
        codes[order[start:stop]] = place
    return codes


def random_codes(
    frame: pl.DataFrame, fractions: Sequence[float], seed: int, stratify: Sequence[str]
) -> Codes:
    generator = np.random.default_rng(seed)
    codes = np.empty(frame.height, dtype=np.int64)
    owed = np.zeros(len(fractions))
    for rows in _groups(frame, stratify):
        counts, owed = _shares(len(rows), fractions, owed)
        codes[generator.permutation(rows)] = np.repeat(np.arange(len(fractions)), counts)
    return codes


def hash_codes(frame: pl.DataFrame, names: Sequence[str], fractions: Sequence[float], salt: str) -> Codes:
    edges = np.cumsum(fractions)[:-1]
    keys = frame.select(names).unique(maintain_order=True)
    places = [_unit(salt, key) for key in keys.iter_rows()]
    part = pl.Series("__part__", np.searchsorted(edges, places, side="right"), dtype=pl.Int64)
    marked = frame.select(names).join(
        keys.with_columns(part), on=list(names), how="left", nulls_equal=True, maintain_order="left"
    )
    return marked["__part__"].to_numpy()


def group_codes(
    frame: pl.DataFrame, keys: Sequence[str], fractions: Sequence[float], seed: int, stratify: Sequence[str]
) -> Codes:
    groups = frame.select(pl.struct(keys).rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    strata = _strata(frame, stratify)
    counts = np.zeros((int(groups.max(initial=-1)) + 1, int(strata.max(initial=-1)) + 1))
    np.add.at(counts, (groups, strata), 1)
    shares = np.asarray(fractions)[:, None]
    weights = 1.0 / np.maximum(shares * counts.sum(axis=0), 1e-12)
    lacking = shares * counts.sum(axis=0)
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(counts))
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    side_of = np.zeros(len(counts), dtype=np.int64)
    for group in order:
        gain = (weights * (2 * lacking - counts[group]) * counts[group]).sum(axis=1)
        side = int(np.argmax(gain))
        side_of[group] = side
        lacking[side] -= counts[group]
    return side_of[groups]


def rolling_codes(frame: pl.DataFrame, split: Split) -> list[Codes]:
    """For each fold, each row's side: 0 neither, 1 train, 2 test."""
    if len(split.columns) != 1 or split.folds < 1:
        raise Invalid(
            "Rolling folds need one column of time, and one fold at least.",
            hint="--by rolling --column at --folds 5",
        )
    column = split.columns[0]
    check(frame, [1.0], column)
    if frame[column].null_count():
        raise Invalid(
            f"The rows cannot be split by {column!r}.",
            found=f"{frame[column].null_count():,} row(s) without a time",
        )
    moments = frame[column]
    if moments.dtype.is_temporal():
        moments = moments.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    times = moments.cast(pl.Float64).to_numpy()
    ordered = np.sort(times)
    size = split.test_size or len(ordered) // (split.folds + 1)
    first = len(ordered) - size * split.folds
    if size < 1 or first < 1:
        raise Invalid(
            f"There are too few rows for {split.folds} folds.",
            found=f"{len(ordered):,} rows, {size:,} to test on in each",
        )
    starts = [ordered[first + size * fold] for fold in range(split.folds)] + [np.inf]
    sides = []
    for start, stop in itertools.pairwise(starts):
        train = times < start - split.gap
        if split.window:
            train &= times >= start - split.gap - split.window
        side = np.where((times >= start) & (times < stop), 2, np.where(train, 1, 0))
        if not (side == 1).any() or not (side == 2).any():
            raise Invalid(
                "A fold would be empty.",
                found=f"{len(sides)} folds were well",
                hint="Fewer folds, or a smaller gap.",
            )
        sides.append(side)
    return sides


def parts_of(frame: pl.DataFrame, codes: Codes, count: int) -> tuple[pl.DataFrame, ...]:
    return tuple(frame.filter(pl.Series(codes == place)) for place in range(count))


def names_of(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or [])


def _strata(frame: pl.DataFrame, stratify: Sequence[str]) -> np.ndarray:
    """The stratum of each row, numbered from 0."""
    if not stratify:
        return np.zeros(frame.height, dtype=np.int64)
    levels = []
    for name in stratify:
        column = frame[name]
        if column.dtype.is_numeric() and column.n_unique() > 2 * STRATA:
            column = (column.rank("average") * STRATA / (len(column) - column.null_count() + 1)).floor()
        levels.append(column.rank("dense").fill_null(0).cast(pl.Int64).alias(name))
    codes = pl.DataFrame(levels).select(pl.struct(pl.all()).rank("dense") - 1).to_series()
    return codes.to_numpy().astype(np.int64)


def _unit(salt: str, key: tuple[object, ...]) -> float:
    """A key's place in [0, 1): the first 53 bits of the BLAKE3 of its values written as text, missing as such."""
    text = "\x1f".join("\x00" if value is None else f"{value}" for value in (salt, *key))
    return (int.from_bytes(blake3(text.encode()).digest(8), "big") >> 11) / (1 << 53)


def _groups(frame: pl.DataFrame, stratify: Sequence[str]) -> list[np.ndarray]:
    strata = _strata(frame, stratify)
    order = np.argsort(strata, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(strata[order])) + 1) if len(order) else []


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


def check(frame: pl.DataFrame, fractions: Sequence[float], *columns: str) -> None:
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


def filled(parts: tuple[pl.DataFrame, ...], how: str) -> tuple[pl.DataFrame, ...]:
    if any(part.height == 0 for part in parts):
        raise Invalid(
            f"The rows cannot be split {how}: a part would be empty.",
            found=f"parts of {', '.join(f'{part.height:,}' for part in parts)} rows",
            hint="Give more rows, larger fractions, or another way to split.",
        )
    return parts
