"""An endpoint's log as its workers would write it, and a workspace that stands at a given time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fettle.acts import Surface
from fettle.core.clock import FrozenClock
from fettle.data.bins import reference
from fettle.monitoring import profiles
from fettle.monitoring.collect import collect
from fettle.monitoring.records import Baseline, Collected
from fettle.serving.log import Exchange, PredictionLog, Told
from tests.conftest import new_workspace

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Traffic:
    """Writes requests and labels into the journals of one endpoint, and collects them.

    A row is `{"size": normal, "colour": red | blue}`; the answer is right with the given probability.
    """

    def __init__(self, ws: Surface, clock: FrozenClock) -> None:
        self.ws = ws
        self.clock = clock
        self.random = np.random.default_rng(42)
        self.logs: dict[str, PredictionLog] = {}
        self.labels: dict[str, str] = {}
        frame = pl.DataFrame([self.row() for _ in range(4000)])
        self.profile = reference(frame, prediction=["up", "down"] * 2000)
        self.digest = profiles.keep(ws.blobs, self.profile)
        self.accepted: float | None = 0.9
        self.number = 0

    def row(self, shift: float = 0.0) -> dict[str, Any]:
        return {"size": self.random.normal(shift), "colour": str(self.random.choice(["red", "blue"]))}

    def log(self, worker: str = "w1") -> PredictionLog:
        if worker not in self.logs:
            self.logs[worker] = PredictionLog(self.ws.folder / "serving" / "shop" / worker)
        return self.logs[worker]

    def ask(
        self,
        count: int,
        start: datetime,
        every: timedelta,
        *,
        shift: float = 0.0,
        right: float = 0.95,
        version: int = 1,
        worker: str = "w1",
        change: Callable[[dict[str, Any]], Any] = lambda row: None,
    ) -> list[str]:
        """Log `count` answered requests; return their ids."""
        asked = []
        for index in range(count):
            row = self.row(shift)
            change(row)
            self.number += 1
            name, at = f"r{self.number}", start + index * every
            truth = "up" if self.number % 2 else "down"
            answer = truth if self.random.random() < right else {"up": "down", "down": "up"}[truth]
            self.labels[name] = truth
            self.send(name, at, row, answer, version=version, worker=worker)
            asked.append(name)
        return asked

    def send(
        self,
        name: str,
        at: datetime,
        row: dict[str, Any],
        answer: Any,
        *,
        version: int = 1,
        worker: str = "w1",
    ) -> None:
        answers = [{"prediction": answer}]
        self.log(worker).write(Exchange(name, at, "shop", "shop", version, 200, 90, [row], answers))

    def refuse(self, name: str, at: datetime) -> None:
        self.log().write(
            Exchange(name, at, "shop", "shop", 1, 422, 90, [{"size": "?"}], [], "size is no number")
        )

    def tell(self, names: list[str], at: datetime, worker: str = "w1", **corrected: Any) -> None:
        self.log(worker).write(
            Told(at, [(name, 0, corrected.get(name, self.labels[name])) for name in names])
        )

    def baseline(self, ws: Surface, endpoint: str, model: str, version: int) -> Baseline:
        return Baseline(
            endpoint, model, version, self.digest, "classification", "way", "accuracy", self.accepted
        )

    def collect(self, at: datetime) -> Collected:
        """Let it be `at`, and make one pass."""
        self.clock.advance((at - self.clock.now()).total_seconds())
        return collect(self.ws, "shop", baseline_of=self.baseline)


@pytest.fixture
def traffic(tmp_path: Path) -> Iterator[Traffic]:
    clock = FrozenClock(START)
    with new_workspace(tmp_path, clock=clock) as ws:
        yield Traffic(ws, clock)
