"""The nouns of evaluation: intervals, slices, comparisons, gates and their results. Only msgspec is imported."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["better", "worse", "undecided"]
Sign = Literal[">=", "<=", ">", "<", "=="]


class Interval(msgspec.Struct, frozen=True):
    """A measured value and the range that holds the true one with the stated confidence.

    Attributes:
        value: What was measured.
        low: Lower end.
        high: Upper end.
        rows: From how many rows.
        confidence: Such as 0.95.
        method: `wilson` (a proportion) or `bootstrap`.
    """

    value: float
    low: float
    high: float
    rows: int
    confidence: float = 0.95
    method: Literal["wilson", "bootstrap"] = "wilson"


class Slice(msgspec.Struct, frozen=True):
    """How good a model is on the rows of one kind.

    Attributes:
        column: The column that makes the slice.
        value: Its value there: a level, `missing`, or a range such as `[0.2, 0.5)`.
        metric: What was measured.
        measured: The value with its interval.
        share: The share of all rows.
    """

    column: str
    value: str
    metric: str
    measured: Interval
    share: float


class Comparison(msgspec.Struct, frozen=True):
    """Challenger against champion on the same rows.

    Attributes:
        metric: What was compared.
        champion: The champion's value.
        challenger: The challenger's value.
        gain: How much better the challenger is; negative where it is worse, whichever way the metric runs.
        low: Lower end of the gain's interval.
        high: Upper end.
        relative_low: The lower end as a part of the champion's value, for metrics without a natural scale.
        p_value: The chance of a difference at least as large were they equal: McNemar's exact test for accuracy, else
            from the paired bootstrap.
        verdict: `better` or `worse` where the interval leaves out zero.
        rows: How many rows were compared.
        wins: Classification: rows that only the challenger had right.
        losses: Classification: rows that only the champion had right.
        confidence: Of the interval.
    """

    metric: str
    champion: float
    challenger: float
    gain: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    rows: int
    wins: int = 0
    losses: int = 0
    confidence: float = 0.95
    relative_low: float = 0.0


class Gate(msgspec.Struct, frozen=True):
    """A condition that a version must meet.

    Attributes:
        name: Such as `accuracy`.
        evidence: Where the number is found in the evidence, as a path: `metrics.accuracy`, `comparison.low`.
        sign: How it is held against the threshold.
        threshold: The number; or, with `against`, what is added to that other number.
        against: The path of another number in the evidence, such as `baseline.accuracy`.
        required: False lets a version pass where there is no such evidence, as the first one has no champion.
        reason: What the gate is for, in one sentence.
    """

    name: str
    evidence: str
    sign: Sign
    threshold: float
    against: str = ""
    required: bool = True
    reason: str = ""


class GateResult(msgspec.Struct, frozen=True):
    """What one gate said about one version.

    Attributes:
        name: Such as `accuracy` or `parity`.
        passed: Whether the version may go on.
        value: What was measured; None where the gate is not a number.
        threshold: What it was held against.
        detail: One sentence for people.
    """

    name: str
    passed: bool
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
