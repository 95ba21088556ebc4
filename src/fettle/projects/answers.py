"""How well the requests of a replay were answered: by the loop, by its first model, by the last class known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import polars as pl

from fettle.packaging.predictor import Predictor
from fettle.projects.market import TARGET, TIME
from fettle.projects.replay import Tally


class Accuracy(msgspec.Struct, frozen=True):
    """Share of right answers of three ways to answer the same requests."""

    frozen: float
    loop: float
    baseline: float


class Stretch(msgspec.Struct, frozen=True):
    """One window of the replay: accuracy of the three, and the versions that answered."""

    start_at: datetime
    rows: int
    accuracy: Accuracy
    versions: list[int]


class Answers(NamedTuple):
    """What each of the three answered, what was right, and which version spoke for the loop; a place a request."""

    at: Sequence[datetime]
    right: Sequence[Any]
    frozen: Sequence[Any]
    loop: Sequence[Any]
    baseline: Sequence[Any]
    versions: Sequence[int | None]

    def accuracy(self, start: int = 0, end: int | None = None) -> Accuracy:
        """The shares that were right from one place to another."""
        right = self.right[start:end]
        return Accuracy(*(_share(each[start:end], right) for each in (self.frozen, self.loop, self.baseline)))

    def stretches(self, width: int) -> list[Stretch]:
        """Windows of so many requests, one after another; the last may be shorter."""
        return [self._stretch(start, start + width) for start in range(0, len(self.right), width)]

    def _stretch(self, start: int, end: int) -> Stretch:
        versions = {each for each in self.versions[start:end] if each is not None}
        rows = len(self.right[start:end])
        return Stretch(self.at[start], rows, self.accuracy(start, end), sorted(versions))


def answers(table: pl.DataFrame, places: range, frozen: Predictor, tally: Tally, *, delay: int) -> Answers:
    """The answers to the rows at these places of the table.

    Args:
        table: The market, in the order of time.
        places: The rows that were asked about.
        frozen: The loop's first model, which is asked here.
        tally: What the loop answered.
        delay: Rows between a request and the newest class known at its time.
    """
    truth = table[TARGET].to_list()
    features = [name for name in table.columns if name not in (TARGET, TIME)]
    asked = table[places.start : places.stop]
    return Answers(
        at=asked[TIME].to_list(),
        right=asked[TARGET].to_list(),
        frozen=[answer["prediction"] for answer in frozen.predict(asked.select(features).to_dicts())],
        loop=[tally.answers.get(index) for index in places],
        baseline=[truth[index - delay] for index in places],
        versions=[tally.versions.get(index) for index in places],
    )


def _share(answers: Sequence[Any], truth: Sequence[Any]) -> float:
    return round(sum(one == other for one, other in zip(answers, truth, strict=True)) / max(1, len(truth)), 4)
