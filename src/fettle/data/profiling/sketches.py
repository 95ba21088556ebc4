"""The sketch of one column: what one slice of rows says of it, small enough to keep and to merge with others."""

from __future__ import annotations

from functools import reduce
from typing import Any

import msgspec
import numpy as np

from fettle.data.profiling.distinct import Registers, estimate
from fettle.data.profiling.points import Floats, Points, merged
from fettle.data.records import Type

LEVELS_KEPT = 5000
"""Up to so many different values are counted one by one when slices are merged …"""
HEAVY_KEPT = 1000
"""… of more, so many of the most frequent."""


class Numbers(msgspec.Struct, frozen=True):
    """The finite values of a slice: `squares` is the sum of the squared distances from the mean."""

    points: Points
    low: float
    high: float
    mean: float
    squares: float
    zeros: int
    negatives: int
    infinite: int

    def __add__(self, other: Numbers) -> Numbers:
        """Chan, Golub and LeVeque (1979): the moments of two samples as those of one."""
        n, m = self.points.total, other.points.total
        gap = other.mean - self.mean
        return Numbers(
            merged([self.points, other.points]),
            min(self.low, other.low),
            max(self.high, other.high),
            self.mean + gap * (m / (n + m)),
            self.squares + other.squares + gap * gap * (n * m / (n + m)),
            self.zeros + other.zeros,
            self.negatives + other.negatives,
            self.infinite + other.infinite,
        )


class Texts(msgspec.Struct, frozen=True):
    """The lengths of a slice's texts."""

    shortest: int
    longest: int
    characters: int
    blank: int
    spaced: int

    def __add__(self, other: Texts) -> Texts:
        return Texts(
            min(self.shortest, other.shortest),
            max(self.longest, other.longest),
            self.characters + other.characters,
            self.blank + other.blank,
            self.spaced + other.spaced,
        )


class Times(msgspec.Struct, frozen=True):
    """The instants of a slice in seconds since 1970; `first` and `last` are those in the order of the rows."""

    points: Points
    first: float
    last: float
    ordered: bool

    def __add__(self, other: Times) -> Times:
        ordered = self.ordered and other.ordered and self.last <= other.first
        return Times(merged([self.points, other.points]), self.first, other.last, ordered)


class Levels(msgspec.Struct, frozen=True):
    """How often values occur; `complete` is False where rare ones are no longer listed."""

    counts: dict[Any, int]
    complete: bool = True

    def __add__(self, other: Levels) -> Levels:
        small, large = sorted((self.counts, other.counts), key=len)
        both = dict(large)
        for value, count in small.items():
            both[value] = both.get(value, 0) + count
        whole = Levels(both, self.complete and other.complete)
        return whole if len(both) <= LEVELS_KEPT and whole.complete else whole.heaviest(HEAVY_KEPT)

    def heaviest(self, most: int) -> Levels:
        """The most frequent values."""
        if len(self.counts) <= most:
            return self
        ranked = sorted(self.counts.items(), key=lambda each: -each[1])[:most]
        return Levels(dict(ranked), False)


class Sketch(msgspec.Struct, frozen=True):
    """What is known of a column after one slice, or after several that were added.

    `distinct` is exact if `counted`; `registers` are there where slices are to be merged.
    """

    type: Type
    rows: int
    missing: int
    distinct: int
    counted: bool = True
    registers: Registers | None = None
    numbers: Numbers | None = None
    texts: Texts | None = None
    times: Times | None = None
    levels: Levels | None = None

    def __add__(self, other: Sketch) -> Sketch:
        """The sketch of the rows of both, those of `other` below."""
        levels = _sum(self.levels, other.levels)
        registers = _union(self.registers, other.registers)
        counted = levels is not None and levels.complete
        known = len(levels.counts) if counted and levels is not None else estimate(registers)
        return Sketch(
            self.type,
            self.rows + other.rows,
            self.missing + other.missing,
            known,
            counted,
            registers,
            _sum(self.numbers, other.numbers),
            _sum(self.texts, other.texts),
            _sum(self.times, other.times),
            levels,
        )


def total(sketches: list[Sketch]) -> Sketch:
    """The sketch of all slices, in their order; they are added as a tree, so that points are thinned seldom."""
    while len(sketches) > 1:
        pairs = [sketches[at : at + 2] for at in range(0, len(sketches), 2)]
        sketches = [reduce(lambda a, b: a + b, pair) for pair in pairs]
    return sketches[0]


def _sum(a: Any, b: Any) -> Any:
    """The sum of two of the same kind, of which either may be missing."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _union(a: Registers | None, b: Registers | None) -> Registers:
    if a is None or b is None:
        raise ValueError("sketches made for one slice only cannot be added; make them with mergeable=True")
    return np.maximum(a, b)


def moments(values: Floats) -> tuple[float, float]:
    """Mean and sum of squared distances of sorted finite values; infinite where they overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(values.mean())
        if not np.isfinite(mean):
            mean = float((values / values.size).sum())
        away = values - mean
        return mean, float(np.square(away).sum())
