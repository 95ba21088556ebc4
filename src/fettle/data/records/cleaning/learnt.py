"""What operations of cleaning learnt from the training rows: numbers and texts, to be read by any program."""

from __future__ import annotations

import msgspec

from fettle.data.records.cleaning.operations import Operation, Scalar
from fettle.data.records.versions import Column


class _Learnt(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What an operation took from the training rows."""


class Fills(_Learnt, frozen=True, tag="fills"):
    """The value to fill in, by column; dates and times as ISO 8601 text."""

    values: dict[str, Scalar]


class Last(_Learnt, frozen=True, tag="last"):
    """The last known value, by column and whose row it is (`of` as a JSON list); `fills` where none is."""

    values: dict[str, dict[str, Scalar]]
    fills: dict[str, Scalar]


class Levels(_Learnt, frozen=True, tag="levels"):
    """The categories that are kept, by column."""

    kept: dict[str, list[str]]


class Bounds(_Learnt, frozen=True, tag="bounds"):
    """The least and greatest value that is no outlier, by column; None where there is no bound."""

    bounds: dict[str, tuple[float | None, float | None]]


class Neighbours(_Learnt, frozen=True, tag="neighbours"):
    """Training rows to look among.

    Attributes:
        features: The columns distances are measured in.
        fill: Columns to fill in.
        scales: What each feature is divided by.
        means: What is filled in where no neighbour is known.
        rows: One list a feature: its values in the kept rows.
    """

    features: list[str]
    fill: list[str]
    scales: list[float]
    means: list[float]
    rows: list[list[float | None]]


class Regression(msgspec.Struct, frozen=True):
    """One column predicted from all others: `value = intercept + Σ weight · other`, others by their place."""

    target: int
    others: list[int]
    weights: list[float]
    intercept: float


class Chain(_Learnt, frozen=True, tag="chain"):
    """Regressions that are applied one after the other to rows whose gaps hold `start` at first."""

    features: list[str]
    fill: list[str]
    start: list[float]
    steps: list[Regression]


class Tree(msgspec.Struct, frozen=True):
    """A tree as arrays, a node an entry; `left` is -1 at a leaf, where `depth` counts."""

    left: list[int]
    right: list[int]
    feature: list[int]
    threshold: list[float]
    depth: list[float]


class Forest(_Learnt, frozen=True, tag="forest"):
    """An isolation forest: a row is an outlier if `-2 ** (-mean depth / normal) - offset` is negative."""

    features: list[str]
    medians: list[float]
    normal: float
    offset: float
    trees: list[Tree]


Learnt = Fills | Last | Levels | Bounds | Neighbours | Chain | Forest


class Step(msgspec.Struct, frozen=True):
    """An operation that is fitted.

    Attributes:
        operation: What was declared; columns left open are named.
        learnt: What it took from the training rows; None if there was nothing to learn.
        before: The columns it finds, with their types.
        after: The columns it leaves.
    """

    operation: Operation
    learnt: Learnt | None
    before: list[Column]
    after: list[Column]
