"""The rungs that every trial climbs: growing parts of the training rows, or successive folds.

A trial that does badly on the first rungs is given up, so that most of the time goes to the good ones. With
validation rows at hand the rungs are growing fractions, and the score on the whole is the trial's value. Without,
the rows are folded: at random (stratified by class), or, if time orders them, into successive blocks that are each
predicted from what came before; the value is then the mean over the folds. A search looks at no more than 20,000 rows
to learn from; the final fit takes them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

FRACTIONS = (0.2, 0.5, 1.0)
MOST_ROWS = 20_000
MIN_FRACTION_ROWS = 400
FOLDS = 4

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Rung:
    """One fit and its score.

    Attributes:
        learn: The rows it may learn from, oldest first.
        judge: The rows it is judged on.
        fraction: The part of `learn` that is used, drawn evenly from all of it.
    """

    learn: Rows
    judge: Rows
    fraction: float = 1.0


@dataclass(frozen=True)
class Ladder:
    """The rungs in order; `mean` is True where a trial's value is the mean over them, else it is the last."""

    rungs: tuple[Rung, ...]
    mean: bool


def growing(learn: Rows, judge: Rows) -> Ladder:
    """Growing fractions of the rows to learn from (20,000 at most), always judged on the same rows."""
    rows = min(len(learn), MOST_ROWS)
    fractions = [each for each in FRACTIONS if each == 1.0 or each * rows >= MIN_FRACTION_ROWS]
    return Ladder(tuple(Rung(learn, judge, each * rows / len(learn)) for each in fractions), mean=False)


def folds(rows: Rows, truth: NDArray[np.generic], *, stratify: bool, seed: int, count: int = FOLDS) -> Ladder:
    """Random folds; `truth` belongs to `rows`. Classes are spread evenly while each has a row for every fold."""
    if stratify and np.unique(truth, return_counts=True)[1].min() >= count:
        parts = StratifiedKFold(count, shuffle=True, random_state=seed).split(rows, truth)
    else:
        parts = KFold(count, shuffle=True, random_state=seed).split(rows)
    return Ladder(
        tuple(Rung(rows[learn], rows[judge], _most(len(learn))) for learn, judge in parts), mean=True
    )


def blocks(rows: Rows, *, count: int = FOLDS, share: float = 0.25) -> Ladder:
    """Successive blocks that make up the newest `share` of the rows, each learned from everything before it."""
    parts = np.array_split(rows[len(rows) - round(len(rows) * share) :], count)
    starts = len(rows) - np.cumsum([len(each) for each in parts[::-1]])[::-1]
    return Ladder(
        tuple(Rung(rows[:start], part, _most(int(start))) for start, part in zip(starts, parts, strict=True)),
        mean=True,
    )


def _most(rows: int) -> float:
    return min(1.0, MOST_ROWS / rows)


def drawn(rows: Rows, fraction: float, seed: int) -> Rows:
    """A part of rows in their order; a smaller part lies within every larger one of the same seed."""
    if fraction >= 1.0:
        return rows
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows[np.sort(order[: max(1, round(len(rows) * fraction))])]
