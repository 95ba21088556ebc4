"""No leakage: what comes later than a moment, or lies on the judged side, changes nothing that was decided before it.

Most tests here are metamorphic: the later rows are spoilt on purpose, and what is learned must come out the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from fettle.core.clock import FrozenClock
from fettle.data import versions
from fettle.data.bins import reference
from fettle.data.records import Commit
from fettle.monitoring import profiles
from fettle.monitoring.collect import collect
from fettle.monitoring.records import Baseline
from fettle.projects import model, recipe
from fettle.projects.records import Cut, Project
from fettle.projects.retrain import extend
from fettle.projects.rows import cut, rows
from fettle.serving.log import Exchange, PredictionLog, Told
from fettle.workspace import Workspace
from tests.conftest import new_workspace

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NAME = "tides"
PROJECT = Project(name=NAME, source="", dataset=NAME, target="way", time="at")
WISH = recipe.wish_of(
    msgspec.structs.replace(PROJECT, algorithms=("logistic", "extra_trees"), trials=3, seed=3)
)


def history(count: int, start: datetime) -> pl.DataFrame:
    """Hourly rows whose class depends on one number, with some noise."""
    chance = np.random.default_rng(count)
    height = chance.normal(size=count)
    ups = height + chance.normal(scale=0.5, size=count) > 0
    return pl.DataFrame(
        {
            "at": [start + place * HOUR for place in range(count)],
            "height": height,
            "wind": chance.normal(size=count),
            "way": ["up" if up else "down" for up in ups],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


class Shore:
    """A workspace whose dataset ends at `START`, and an endpoint that is asked every hour from then on."""

    def __init__(self, ws: Workspace, clock: FrozenClock) -> None:
        self.ws = ws
        self.clock = clock
        self.past = history(400, START - 400 * HOUR)
        versions.commit_frame(ws, NAME, self.past, message="the past", time_column="at")
        ws.call("monitoring.watch", endpoint=NAME, window="1d", label_delay="1d")
        self.log = PredictionLog(ws.folder / "serving" / NAME / "w1")
        self.digest = profiles.keep(ws.blobs, reference(self.past.select("height", "wind")))

    def ask(self, place: int, spoilt: float = 0.0) -> None:
        """Log the request of hour `place`."""
        row = {"height": float(place) + spoilt, "wind": 0.0}
        at = START + place * HOUR
        answers: list[Any] = [{"prediction": "up"}]
        self.log.write(Exchange(f"r{place}", at, NAME, NAME, 1, 200, 90, [row], answers))

    def tell(self, places: range, at: datetime, label: str = "up") -> None:
        """Tell the true class of requests at a moment."""
        self.log.write(Told(at, [(f"r{place}", 0, label) for place in places]))

    def collect(self, at: datetime) -> None:
        """Let it be `at`, and collect what was logged."""
        self.clock.advance((at - self.clock.now()).total_seconds())
        collect(self.ws, NAME, baseline_of=self._baseline)

    def learned(self, commit: Commit) -> list[float]:
        """What was appended to the dataset after the past, by the height that tells the request."""
        return versions.load(self.ws, commit)["height"].to_list()[self.past.height :]

    def _baseline(self, ws: Any, endpoint: str, name: str, version: int) -> Baseline:
        return Baseline(endpoint, name, version, self.digest, "classification", "way", "accuracy", 0.9)


@pytest.fixture
def shore(tmp_path: Path) -> Iterator[Shore]:
    clock = FrozenClock(START)
    with new_workspace(tmp_path, clock=clock) as ws:
        yield Shore(ws, clock)


@pytest.fixture
def divided(shore: Shore) -> Cut:
    return cut(shore.ws, f"{NAME}@main", target="way", time="at")


def test_a_retraining_takes_labels_told_by_its_moment_only(shore: Shore):
    for place in range(96):
        shore.ask(place)
    shore.tell(range(24), START + 2 * DAY)
    shore.tell(range(24, 48), START + 3 * DAY)
    shore.collect(START + 4 * DAY)
    commit = extend(shore.ws, PROJECT, "first", START + 2 * DAY + HOUR)
    assert shore.learned(commit) == [float(place) for place in range(24)]


def test_later_requests_and_labels_change_nothing(shore: Shore, tmp_path: Path):
    """The rows of a moment are the same whether what came afterwards was collected already or not."""
    moment = START + 2 * DAY + HOUR
    for place in range(48):
        shore.ask(place)
    shore.tell(range(24), START + 2 * DAY)
    shore.collect(moment)
    early = extend(shore.ws, PROJECT, "one", moment)

    with new_workspace(tmp_path / "other", clock=FrozenClock(START)) as ws:
        other = Shore(ws, ws.clock)  # type: ignore[arg-type]  # the frozen clock of the line above
        for place in range(48):
            other.ask(place)
        other.tell(range(24), START + 2 * DAY)
        for place in range(49, 96):
            other.ask(place, spoilt=1e6)
        other.tell(range(24), START + 3 * DAY, label="down")  # a correction that nobody knew of then
        other.tell(range(24, 90), START + 3 * DAY, label="down")
        other.collect(START + 4 * DAY)
        late = extend(ws, PROJECT, "one", moment)
        assert versions.load(ws, late).equals(versions.load(shore.ws, early))


def test_a_second_call_for_an_intent_finds_the_first_commit(shore: Shore):
    for place in range(48):
        shore.ask(place)
    shore.tell(range(24), START + 2 * DAY)
    shore.collect(START + 2 * DAY)
    first = extend(shore.ws, PROJECT, "first", START + 2 * DAY)
    shore.tell(range(24, 48), START + 2 * DAY)
    shore.collect(START + 3 * DAY)
    assert extend(shore.ws, PROJECT, "first", START + 2 * DAY).id == first.id


def test_labels_that_come_out_of_order_are_learned_from_later(shore: Shore):
    for place in range(48):
        shore.ask(place)
    shore.tell(range(12, 24), START + 2 * DAY)
    shore.collect(START + 2 * DAY)
    assert len(shore.learned(extend(shore.ws, PROJECT, "first", START + 2 * DAY))) == 12
    shore.tell(range(12), START + 3 * DAY)
    shore.collect(START + 3 * DAY)
    second = extend(shore.ws, PROJECT, "second", START + 3 * DAY)
    assert sorted(shore.learned(second)) == [float(place) for place in range(24)]


def test_the_sides_follow_each_other_in_time(shore: Shore, divided: Cut):
    train, valid, test = (rows(shore.ws, divided, side)["at"] for side in ("train", "valid", "test"))
    assert train.max() < valid.min() <= valid.max() < test.min()  # type: ignore[operator]  # times, not empty
    assert len(train) + len(valid) + len(test) == shore.past.height


def test_only_the_recent_rows_are_taken(shore: Shore):
    recent = cut(shore.ws, f"{NAME}@main", target="way", time="at", recent_s=100 * 3600.0)
    assert recent.rows == 101
    assert rows(shore.ws, recent, "all")["at"].min() == START - 101 * HOUR


def spoilt(frame: pl.DataFrame, after: datetime) -> pl.DataFrame:
    """The same rows, but those after a moment have other classes and wild numbers."""
    later = pl.col("at") > after
    return frame.with_columns(
        pl.when(later).then(pl.col("height") * -1e6).otherwise(pl.col("height")).alias("height"),
        pl.when(later).then(pl.lit("sideways")).otherwise(pl.col("way")).alias("way"),
    )


def test_the_judged_rows_have_no_part_in_the_search(shore: Shore, divided: Cut):
    """Plan, trials and scores are the same when the judged rows are spoilt."""
    newest = rows(shore.ws, divided, "valid")["at"].max()
    assert isinstance(newest, datetime)
    versions.commit_frame(shore.ws, "spoilt", spoilt(shore.past, newest), message="spoilt", time_column="at")
    other = cut(shore.ws, "spoilt@main", target="way", time="at")
    found, again = model.explore(shore.ws, divided, WISH), model.explore(shore.ws, other, WISH)
    assert found.plan == again.plan
    assert timeless(found.best) == timeless(again.best)


def timeless(trial: Any) -> Any:
    return msgspec.structs.replace(trial, seconds=0.0)


def test_the_same_seed_finds_the_same_trials(shore: Shore, divided: Cut, tmp_path: Path):
    first = model.explore(shore.ws, divided, WISH)
    with new_workspace(tmp_path / "other", clock=FrozenClock(START)) as ws:
        other = Shore(ws, ws.clock)  # type: ignore[arg-type]  # the frozen clock of the line above
        second = model.explore(other.ws, cut(ws, f"{NAME}@main", target="way", time="at"), WISH)
        tried = [run.params for run in trials(ws, second.run_id)]
    assert tried == [run.params for run in trials(shore.ws, first.run_id)]
    assert timeless(first.best) == timeless(second.best)


def trials(ws: Workspace, parent: str) -> list[Any]:
    return sorted(ws.call("tracking.runs", experiment=NAME, parent=parent), key=lambda run: run.id)
