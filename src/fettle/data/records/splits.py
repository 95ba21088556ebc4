"""The nouns of splitting: how rows are dealt to sides, how the sides came out, and what leaks between them."""

from __future__ import annotations

from typing import Literal

import msgspec

Way = Literal["random", "time", "group", "hash", "rolling"]
Gravity = Literal["error", "warning", "notice"]


class Split(msgspec.Struct, frozen=True):
    """How the rows of a table are dealt: with the same rows it always gives the same sides.

    Attributes:
        way: `random`; `time`: each side later than the one before; `group`: rows with equal `columns` stay
            together; `hash`: the same, and a row never changes sides when others come; `rolling`: folds that
            each test on what follows.
        columns: `time`, `rolling`: the column that orders rows; `group`, `hash`: the key.
        fractions: Shares of the sides; of `rolling`: not used.
        names: The sides' names, as many as fractions.
        folds: Number of folds, each the test side once; the sides are then `fold 0`, `fold 1`, …. 0 for sides.
        stratify: Columns whose mix of values is kept the same in all sides (`random`, `group`); numbers are
            cut at their deciles.
        seed: Of the random choices.
        salt: `hash`: another text gives another split.
        test_size: `rolling`: rows to test on in a fold; 0 gives each as many as there are before the first.
        gap: `rolling`: what lies between training and test, in the unit of the time column (seconds for dates
            and times), so that what is known only later cannot help.
        window: `rolling`: train on so much before the gap (same unit) only; 0 trains on all that is earlier.
    """

    way: Way = "random"
    columns: list[str] = []
    fractions: list[float] = msgspec.field(default_factory=lambda: [0.7, 0.15, 0.15])
    names: list[str] = msgspec.field(default_factory=lambda: ["train", "valid", "test"])
    folds: int = 0
    stratify: list[str] = []
    seed: int = 0
    salt: str = ""
    test_size: int = 0
    gap: float = 0.0
    window: float = 0.0


class Side(msgspec.Struct, frozen=True):
    """One side: its rows, their share, and how often each class of the target occurs (numbers: mean and spread)."""

    name: str
    rows: int
    share: float
    balance: dict[str, float]


class Leak(msgspec.Struct, frozen=True):
    """One way in which a side may know what it must not.

    Attributes:
        kind: `duplicates`, `near-duplicates`, `groups`, `time-overlap`, `target`, `missing-target`,
            `constant-per-target`, `identifier`.
        gravity: `error` makes results wrong, `warning` may, `notice` is worth knowing.
        message: What was found, with figures.
        columns: Where.
        rows: How many rows are concerned.
        score: The figure that was judged, where there is one.
        examples: Some of the values, or rows, as text.
        suggestion: What to do.
    """

    kind: str
    gravity: Gravity
    message: str
    columns: list[str] = []
    rows: int = 0
    score: float | None = None
    examples: list[str] = []
    suggestion: str = ""


class LeakageReport(msgspec.Struct, frozen=True):
    """What leaks, the gravest first; `scores` tells how well each column alone predicts the target.

    Attributes:
        rows: How many rows were looked at.
        leaks: What was found.
        measure: What `scores` are: `auc` or `r2`; empty without a target.
        scores: Column → score, cross-validated, the highest first.
        fault: Why the command ends with a failure; empty unless that was asked for.
    """

    rows: int
    leaks: list[Leak]
    measure: str = ""
    scores: dict[str, float] = {}
    fault: str = ""

    def of(self, gravity: Gravity) -> list[Leak]:
        """The leaks of one gravity."""
        return [each for each in self.leaks if each.gravity == gravity]

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        told = [
            f"{each.gravity}: {each.message}" + f" {each.suggestion}" * bool(each.suggestion)
            for each in self.leaks
        ]
        best = ", ".join(f"{name} {score:.3f}" for name, score in list(self.scores.items())[:5])
        return [
            *(told or [f"No leak was found in {self.rows:,} rows."]),
            *([f"Alone, the target is best told by: {best} ({self.measure})"] if best else []),
        ]


class SplitReport(msgspec.Struct, frozen=True):
    """A split that was made and kept.

    Attributes:
        of: The version that was split, as `dataset@commit`.
        kept: The version of the dataset that holds each row's side; empty if it was not kept.
        split: How.
        sides: How they came out.
        leakage: What leaks between them.
        fault: Why the command ends with a failure; empty unless that was asked for.
    """

    of: str
    kept: str
    split: Split
    sides: list[Side]
    leakage: LeakageReport | None = None
    fault: str = ""

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        told = [
            f"{_short(self.of)} split by {self.split.way}"
            + (f", kept as {_short(self.kept)}" if self.kept else "")
        ]
        for side in self.sides:
            balance = ", ".join(f"{name} {value:.4g}" for name, value in list(side.balance.items())[:6])
            told.append(
                f"  {side.name}: {side.rows:,} rows ({side.share:.1%})" + (f"; {balance}" if balance else "")
            )
        return told + [f"  {line}" for line in (self.leakage.lines() if self.leakage else [])]


def _short(ref: str) -> str:
    """A reference with the first twelve characters of its commit, which is enough to type."""
    name, at, commit = ref.partition("@")
    return name + at + commit[:12]
