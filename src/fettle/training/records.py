"""The nouns of training: features and their plan, trials and the result of a search. Only msgspec is imported."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Task = Literal["binary", "multiclass", "regression"]

Role = Literal["number", "boolean", "category", "moment"]
"""How a column enters the model; a `moment` is a date or a time, which enters as its parts."""

MomentPart = Literal["year", "month", "day", "weekday", "hour"]

Label = str | int | bool
"""One class, in the type that the target column has."""

TrialState = Literal["complete", "pruned", "failed"]


class Feature(msgspec.Struct, frozen=True):
    """One column that goes into the model.

    Attributes:
        name: The column, exactly as in the data.
        role: How it enters.
        nullable: True when values were missing in training, so that a request may leave it out.
        levels: Category: the levels that have a place in the model, most frequent first; the empty string stands for
            a missing value. Any other level counts as "none of these".
        parts: Moment: which parts enter; `year` is a fraction (2024.5 is the second of July).
    """

    name: str
    role: Role
    nullable: bool = False
    levels: tuple[str, ...] = ()
    parts: tuple[MomentPart, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the model's inputs that this column feeds: itself, or `name:part` for a moment."""
        return tuple(f"{self.name}:{part}" for part in self.parts) if self.role == "moment" else (self.name,)


class Dropped(msgspec.Struct, frozen=True):
    """One column that does not go into the model, and why, in words."""

    name: str
    reason: str


class FeaturePlan(msgspec.Struct, frozen=True):
    """What goes into the model and what comes out: made once from the training rows, kept with the model.

    Attributes:
        task: The kind of problem.
        target: The column to be predicted.
        features: The columns that go in.
        dropped: The columns that do not.
        labels: The classes in the order of the model's probabilities; empty for regression.
        shares: The share of training rows of each class, same order.
        time: The column that orders the rows; None means that their order tells nothing.
    """

    task: Task
    target: str
    features: tuple[Feature, ...]
    dropped: tuple[Dropped, ...] = ()
    labels: tuple[Label, ...] = ()
    shares: tuple[float, ...] = ()
    time: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns a row must have to be predicted."""
        return [each.name for each in self.features]

    @property
    def imbalanced(self) -> bool:
        """True when the rarest class has less than 40 % of its fair share (20 % of the rows for two classes)."""
        return bool(self.shares) and min(self.shares) * len(self.shares) < 0.4


class Trial(msgspec.Struct, frozen=True):
    """One attempt of a search.

    Attributes:
        number: 0, 1, 2, … in the order of the attempts.
        algorithm: The algorithm's name.
        params: Its hyper-parameters; `recent`, where it was searched, is the share of the newest rows trained on.
        state: `pruned` means given up early, `failed` that it raised.
        value: The score on the validation rows; None unless complete.
        steps: The score after each rung of the ladder (growing fractions of the rows, or successive folds).
        seconds: Wall time.
        rows: Rows of the last fit.
        error: Why it failed or was given up.
    """

    number: int
    algorithm: str
    params: dict[str, Any]
    state: TrialState
    value: float | None = None
    steps: tuple[float, ...] = ()
    seconds: float = 0.0
    rows: int = 0
    error: str = ""


class SearchResult(msgspec.Struct, frozen=True):
    """What a search found.

    Attributes:
        best: The best complete trial.
        trials: All trials, also those handed in as done.
        score: The name of the score that was compared.
        maximize: Whether more of it is better.
        stopped: What ended the search.
        seconds: Wall time of this call.
    """

    best: Trial
    trials: list[Trial]
    score: str
    maximize: bool
    stopped: Literal["trials", "budget"]
    seconds: float
