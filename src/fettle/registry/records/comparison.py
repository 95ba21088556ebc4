"""What sets two versions of a model apart."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

About = Literal["metrics", "params", "data", "code", "environment", "schema", "bundle"]


class Difference(msgspec.Struct, frozen=True):
    """One fact that is not the same.

    Attributes:
        about: What it is about.
        name: The fact, such as `accuracy`, `learning_rate` or `column:amount`.
        a: In the first version; None where it has none.
        b: In the second.
    """

    about: About
    name: str
    a: Any = None
    b: Any = None


class Answers(msgspec.Struct, frozen=True):
    """How the answers of two versions to the same rows differ.

    Attributes:
        rows: How many rows both answered.
        differing: Share of rows with another class, or with a number that differs by more than 1e-6 of its size.
        largest: The largest difference of a probability, or of a number.
        mean: The mean of these differences.
        examples: The rows that differ most, with both answers; ten at most.
        a_ms: Median time of one row in the first version, in milliseconds, measured here.
        b_ms: Of the second, measured alternately with the first.
        note: Why rows could not be compared; empty when they were.
    """

    rows: int = 0
    differing: float = 0.0
    largest: float = 0.0
    mean: float = 0.0
    examples: list[dict[str, Any]] = []
    a_ms: float | None = None
    b_ms: float | None = None
    note: str = ""


class VersionComparison(msgspec.Struct, frozen=True):
    """Two versions of a model side by side.

    Attributes:
        model: The model.
        a: The first version.
        b: The second.
        same: True when both are the same bundle.
        differences: The facts that differ, by what they are about.
        size_bytes: Size of each bundle; None where it is not kept here.
        answers: What they answer to the same rows; None until it was measured.
    """

    model: str
    a: int
    b: int
    same: bool
    differences: list[Difference]
    size_bytes: tuple[int | None, int | None]
    answers: Answers | None = None
