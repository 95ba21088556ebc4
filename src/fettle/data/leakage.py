"""Look for leaks: what one side of a split knows of another, and columns that give the target away.

Scores of single columns are cross-validated. Each column is cut into quantiles or categories, the target's
mean (or class shares) in each is learnt on four fifths of the rows and scored on the fifth: AUC for classes
(Hanley, McNeil 1982, by ranks; one against the rest and weighted, if there are more than two), R² for numbers.
A column that alone scores as high as `SUSPICIOUS` is rarely honest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.core.errors import Invalid, NotFound
from fettle.core.progress import phase
from fettle.data.records.splits import Gravity, Leak, LeakageReport

SUSPICIOUS = 0.95
CERTAIN = 0.999
MOST_ROWS = 50_000
BINS = 32
FOLDS = 5
MOST_CLASSES = 20
SMOOTHING = 1.0
EXAMPLES = 3
_ORDER: tuple[Gravity, ...] = ("error", "warning", "notice")
_SIDE = "__side__"
_ID_NAME = re.compile(r"(^|[\W_])(id|ids|uuid|guid|key|nr|no|rownum|index)$")

Vector = NDArray[np.float64]


def leakage(
    frame: pl.DataFrame,
    sides: pl.Series | None = None,
    *,
    target: str = "",
    group: Sequence[str] = (),
    time: str = "",
    ignore: Sequence[str] = (),
    seed: int = 0,
) -> LeakageReport:
    """Report what leaks.

    Args:
        frame: The rows.
        sides: The side of each row, the first named the one that is learnt from; missing for rows of no side.
            None looks for columns that give the target away only.
        target: The column to predict; empty for none.
        group: Columns that tell whose a row is: nobody should be on two sides.
        time: The column that orders rows: later sides should not begin before earlier ones end. Empty if sides
            are not meant to follow each other.
        ignore: Columns that are no features.
        seed: Of the rows drawn for scores, where there are more than 50,000, and of their folds.

    Raises:
        NotFound: A column is not there.
    """
    for name in (*([target] if target else []), *group, *([time] if time else []), *ignore):
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    if sides is not None and len(sides) != frame.height:
        raise Invalid("Each row needs its side.", found=f"{len(sides):,} sides for {frame.height:,} rows")
    features = [name for name in frame.columns if name != target and name not in ignore]
    leaks: list[Leak] = []
    if sides is not None:
        table = frame.with_columns(sides.alias(_SIDE)).drop_nulls(_SIDE)
        leaks += [*_repeated(table, features), *_shared(table, group), *_overlapping(table, sides, time)]
    leaks += _identifiers(frame, [name for name in features if name not in group])
    scores: dict[str, float] = {}
    measure = ""
    if target:
        found, scores, measure = _told(frame, target, [name for name in features if name not in group], seed)
        leaks += found
    leaks.sort(key=lambda leak: _ORDER.index(leak.gravity))
    return LeakageReport(frame.height, leaks, measure, scores)


def _repeated(table: pl.DataFrame, features: list[str]) -> list[Leak]:
    """Rows that are on two sides: equal in all features, or nearly."""
    found = []
    exact = _crossing(table.select(features), table[_SIDE])
    if exact:
        found.append(
            Leak(
                "duplicates",
                "error",
                f"{exact:,} rows are on two sides at once: equal in every feature.",
                rows=exact,
                suggestion="Leave repeated rows out before splitting, or split by group or hash.",
            )
        )
    names = [name for name in features if not _names_rows(table[name])]
    near = _crossing(table.select(_blurred(table, names)), table[_SIDE]) - exact if names else 0
    if near > 0:
        found.append(
            Leak(
                "near-duplicates",
                "warning",
                f"{near:,} more rows are nearly equal to rows of another side: but for identifiers, case, spaces "
                "and the third digit of numbers.",
                rows=near,
                suggestion="See whether these are the same things measured twice; then split by group.",
            )
        )
    return found


def _crossing(rows: pl.DataFrame, sides: pl.Series) -> int:
    """How many rows have an equal one on another side."""
    if not rows.width:
        return 0
    hashed = pl.DataFrame({"row": rows.hash_rows(seed=7), "side": sides})
    across = pl.col("side").n_unique().over("row") > 1
    return int(hashed.select(across.sum()).item())


def _blurred(table: pl.DataFrame, names: list[str]) -> list[pl.Expr]:
    blurred = []
    for name in names:
        column, dtype = pl.col(name), table[name].dtype
        if dtype.is_float():
            blurred.append(column.round_sig_figs(2))
        elif dtype == pl.String:
            blurred.append(column.str.to_lowercase().str.replace_all(r"[\W_]+", " ").str.strip_chars())
        else:
            blurred.append(column)
    return blurred


def _shared(table: pl.DataFrame, group: Sequence[str]) -> list[Leak]:
    if not group:
        return []
    counted = table.group_by(list(group)).agg(pl.col(_SIDE).n_unique().alias("sides"), pl.len().alias("rows"))
    across = counted.filter(pl.col("sides") > 1).sort("rows", descending=True)
    if not across.height:
        return []
    rows = int(across["rows"].sum())
    return [
        Leak(
            "groups",
            "error",
            f"{across.height:,} of {counted.height:,} groups of {', '.join(group)} are on two sides ({rows:,} rows).",
            columns=list(group),
            rows=rows,
            examples=[", ".join(map(str, each)) for each in across.select(group).head(EXAMPLES).iter_rows()],
            suggestion="Split by group, or by hash of these columns.",
        )
    ]


def _overlapping(table: pl.DataFrame, sides: pl.Series, time: str) -> list[Leak]:
    """Sides in the order of their earliest rows: none should begin before the one before it ends."""
    if not time:
        return []
    ranges = (
        table.drop_nulls(time)
        .group_by(_SIDE)
        .agg(
            pl.col(time).min().alias("from"),
            pl.col(time).max().alias("to"),
            pl.col(time).mean().alias("middle"),
        )
        .sort("middle")
    )
    found = []
    for place in range(1, ranges.height):
        before, after = ranges.row(place - 1, named=True), ranges.row(place, named=True)
        if after["from"] <= before["to"]:
            rows = table.filter((pl.col(_SIDE) == after[_SIDE]) & (pl.col(time) <= before["to"])).height
            found.append(
                Leak(
                    "time-overlap",
                    "error",
                    f"{rows:,} rows of {after[_SIDE]!r} are not later than all of {before[_SIDE]!r}, which goes to "
                    f"{before['to']}: what is learnt there knows their future.",
                    columns=[time],
                    rows=rows,
                    suggestion=f"Split by time: --by time --column {time}",
                )
            )
    return found


def _names_rows(column: pl.Series) -> bool:
    """Whether a column names rows: (nearly) all its values are different, and it is of texts or whole numbers."""
    known = len(column) - column.null_count()
    if known < 20 or column.dtype.is_float() or column.dtype.is_temporal():
        return False
    distinct = column.n_unique() - (column.null_count() > 0)
    called = bool(_ID_NAME.search(column.name.lower()))
    return distinct == known if not called else distinct > 0.5 * known


def _identifiers(frame: pl.DataFrame, features: list[str]) -> list[Leak]:
    found = [name for name in features if _names_rows(frame[name])]
    return [
        Leak(
            "identifier",
            "notice",
            f"{name!r} names rows: it has {frame[name].n_unique():,} different values.",
            columns=[name],
            suggestion="Leave it out of the features: it says nothing of rows to come.",
        )
        for name in found
    ]


def _told(
    frame: pl.DataFrame, target: str, features: list[str], seed: int
) -> tuple[list[Leak], dict[str, float], str]:
    """Leaks of the target by single columns, and all their scores."""
    known = frame.filter(pl.col(target).is_not_null())
    if known.height > MOST_ROWS:
        known = known.sample(MOST_ROWS, seed=seed)
    truth, measure = _truth(known[target])
    if truth is None or known.height < 2 * FOLDS:
        return [], {}, ""
    folds = np.random.default_rng(seed).permutation(known.height) % FOLDS
    leaks: list[Leak] = []
    scores: dict[str, float] = {}
    with phase("Scoring columns", total=len(features), unit="columns") as done:
        for name in features:
            column = known[name]
            scores[name] = score(_cells(column), truth, folds, measure)
            leaks += _suspected(column, known[target], scores[name], truth, folds, measure)
            done()
    return leaks, dict(sorted(scores.items(), key=lambda each: -each[1])), measure


def _suspected(
    column: pl.Series, target: pl.Series, scored: float, truth: Vector, folds: np.ndarray, measure: str
) -> list[Leak]:
    name, word = column.name, "AUC" if measure == "auc" else "R²"
    if scored >= SUSPICIOUS:
        gaps = column.is_null().cast(pl.Int64).to_numpy()
        by_gaps = score(gaps, truth, folds, measure) if 0 < gaps.sum() < len(gaps) else 0.0
        if by_gaps >= SUSPICIOUS:
            return [
                Leak(
                    "missing-target",
                    "error" if by_gaps >= CERTAIN else "warning",
                    f"Whether {name!r} is missing tells {target.name!r} alone ({word} {by_gaps:.3f}).",
                    columns=[name],
                    score=by_gaps,
                    suggestion="It is filled in when the answer is known; leave it out.",
                )
            ]
        return [
            Leak(
                "target",
                "error" if scored >= CERTAIN else "warning",
                f"{name!r} alone tells {target.name!r} ({word} {scored:.3f}).",
                columns=[name],
                score=scored,
                suggestion="If it is known only after the fact, leave it out.",
            )
        ]
    if measure != "auc" or column.n_unique() < 2 or column.dtype.is_float():
        return []
    table = pl.DataFrame({"x": column, "y": target})
    each = table.group_by("y").agg(pl.col("x").n_unique().alias("values"), pl.len().alias("rows"))
    fixed = each.filter((pl.col("values") == 1) & (pl.col("rows") >= 10))
    if fixed.height and target.n_unique() <= MOST_CLASSES:
        shown = fixed["y"].cast(pl.String).to_list()[:EXAMPLES]
        return [
            Leak(
                "constant-per-target",
                "notice",
                f"{name!r} has one value only wherever {target.name!r} is {' or '.join(shown)}.",
                columns=[name],
                rows=int(fixed["rows"].sum()),
                score=scored,
                suggestion="See whether it is written together with the answer.",
            )
        ]
    return []


def _truth(target: pl.Series) -> tuple[Vector | None, str]:
    """The target as columns to predict: one of 0 and 1 a class (one of two is enough), or one of numbers."""
    distinct = target.n_unique()
    numbers = target.dtype.is_float() or (target.dtype.is_integer() and distinct > MOST_CLASSES)
    if target.dtype.is_temporal() or distinct < 2 or (distinct > MOST_CLASSES and not numbers):
        return None, ""
    if numbers and distinct > 2:
        return target.cast(pl.Float64).to_numpy()[:, None], "r2"
    codes = (target.rank("dense") - 1).to_numpy().astype(np.int64)
    shown = np.eye(distinct)[codes]
    return (shown[:, 1:] if distinct == 2 else shown), "auc"


def _cells(column: pl.Series) -> np.ndarray:
    """A column as the number of its cell: its categories, or quantiles of numbers and times; missing is a cell."""
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("us")).dt.epoch("us")
    if column.dtype.is_numeric() and column.n_unique() > BINS:
        known = len(column) - column.null_count()
        column = (column.rank("average") * BINS / (known + 1)).floor()
    return column.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def score(cells: np.ndarray, truth: Vector, folds: np.ndarray, measure: str) -> float:
    """How well cells tell the truth, out of fold.

    Args:
        cells: The number of each row's cell, from 0.
        truth: Shape (rows, classes) of 0 and 1, or (rows, 1) of numbers.
        folds: The fold of each row.
        measure: `auc` or `r2`.
    """
    guessed = np.empty_like(truth)
    size = int(cells.max(initial=0)) + 1
    for fold in range(FOLDS):
        held = folds == fold
        learnt = ~held
        usual = truth[learnt].mean(axis=0)
        rows = np.bincount(cells[learnt], minlength=size)[:, None]
        sums = np.stack(
            [np.bincount(cells[learnt], weights=each, minlength=size) for each in truth[learnt].T], axis=1
        )
        guessed[held] = ((sums + SMOOTHING * usual) / (rows + SMOOTHING))[cells[held]]
    if measure == "r2":
        spread = ((truth - truth.mean()) ** 2).sum()
        return float(1 - ((truth - guessed) ** 2).sum() / spread) if spread > 0 else 0.0
    areas = [auc(truth[:, place] > 0, guessed[:, place]) for place in range(truth.shape[1])]
    return float(np.average(areas, weights=truth.sum(axis=0)))


def auc(positive: NDArray[np.bool_], guessed: Vector) -> float:
    """The area under the ROC curve: the chance that a positive is guessed above a negative, ties counting half."""
    ranks = pl.Series(guessed).rank("average").to_numpy()
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return 0.5
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))
