"""Collection from real journals: each request once, labels whenever they come, cursors and counts as one."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, NotFound
from fettle.monitoring import segments
from fettle.monitoring.collect import collect, labelled
from fettle.monitoring.records import Collected
from fettle.serving.log import Exchange, Told
from fettle.workspace import Workspace

from .conftest import HOUR, START, Traffic

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def watch(traffic: Traffic, **settings: Any) -> None:
    traffic.ws.call("monitoring.watch", endpoint="shop", **({"window": "1d", "label_delay": "6h"} | settings))


def test_each_request_counts_once_over_many_passes(traffic: Traffic):
    watch(traffic)
    taken = 0
    for hour in range(30):
        traffic.ask(20, START + hour * HOUR, 3 * MINUTE)
        taken += traffic.collect(START + (hour + 1) * HOUR).predictions
    assert taken == 600
    assert traffic.collect(START + 30 * HOUR).predictions == 0
    windows = traffic.ws.call("monitoring.windows", endpoint="shop")
    assert [(each.rows, each.start_at) for each in windows] == [(480, START), (120, START + DAY)]
    assert [each.status for each in windows] == ["closed", "open"]
    assert windows[0].end_at == START + DAY


def test_a_pass_over_many_windows_equals_many_passes(traffic: Traffic):
    watch(traffic, window="6h", stride="2h", min_rows=50)
    asked = traffic.ask(600, START, 5 * MINUTE, shift=0.3)
    traffic.tell(asked, START + 3 * DAY)
    traffic.collect(START + 4 * DAY)
    at_once = traffic.ws.call("monitoring.windows", endpoint="shop")
    assert len(at_once) == 25 and {each.rows for each in at_once[:-2]} == {72}
    assert at_once[3].performance is not None and at_once[3].labelled == 72
    assert all(each.end_at - each.start_at == 6 * HOUR for each in at_once)
    assert [each.start_at for each in at_once[:3]] == [START, START + 2 * HOUR, START + 4 * HOUR]


def test_a_request_sent_twice_counts_once(traffic: Traffic):
    watch(traffic)
    traffic.send("a", START, {"size": 1.0, "colour": "red"}, "up")
    traffic.send("a", START + MINUTE, {"size": 1.0, "colour": "red"}, "up")
    traffic.send("a", START + MINUTE, {"size": 1.0, "colour": "red"}, "up", worker="w2")
    first = traffic.collect(START + HOUR)
    assert (first.predictions, first.duplicates) == (1, 2)
    traffic.send("a", START + HOUR, {"size": 1.0, "colour": "red"}, "up", worker="w2")
    again = traffic.collect(START + HOUR)
    assert (again.predictions, again.duplicates) == (0, 1)


def test_a_refused_request_may_be_asked_again_under_its_id(traffic: Traffic):
    watch(traffic)
    traffic.refuse("a", START)
    traffic.send("a", START + MINUTE, {"size": 1.0, "colour": "red"}, "up")
    assert traffic.collect(START + HOUR).predictions == 1
    window = traffic.ws.call("monitoring.windows", endpoint="shop")[0]
    assert (window.rows, window.errors) == (1, 1)


def test_labels_join_before_with_and_after_their_requests(traffic: Traffic):
    watch(traffic)
    before = traffic.ask(50, START, MINUTE)
    traffic.collect(START + HOUR)
    together = traffic.ask(50, START + HOUR, MINUTE, worker="w2")
    traffic.tell(together, START + HOUR, worker="w2")
    traffic.collect(START + 2 * HOUR)
    traffic.tell(before, START + 2 * HOUR, worker="w2")
    assert traffic.collect(START + 2 * HOUR).labels == 50
    traffic.labels["late"] = "up"
    traffic.tell(["late"], START + 2 * HOUR, worker="w2")
    assert traffic.collect(START + 2 * HOUR).labels == 0
    traffic.send("late", START + 2 * HOUR, {"size": 0.0, "colour": "red"}, "up", worker="w2")
    assert traffic.collect(START + 3 * HOUR).labels == 1
    window = traffic.ws.call("monitoring.windows", endpoint="shop")[0]
    assert (window.rows, window.labelled, window.coverage) == (101, 101, 1.0)


def test_the_latest_label_of_a_request_counts(traffic: Traffic):
    watch(traffic)
    asked = traffic.ask(100, START, MINUTE, right=1.0)
    traffic.tell(asked, START + 2 * HOUR)
    traffic.collect(START + 3 * HOUR)
    traffic.tell(["r1"], START + 3 * HOUR, r1="down")
    traffic.collect(START + 3 * HOUR)
    shown = traffic.ws.call("monitoring.windows", endpoint="shop")[0].performance
    assert (shown.rows, shown.value) == (100, 0.99)
    traffic.tell(["r1"], START + 3 * HOUR, r1="up")
    traffic.tell(["r1"], START + 4 * HOUR, r1="up")
    assert traffic.collect(START + 4 * HOUR).labels == 1
    assert traffic.ws.call("monitoring.windows", endpoint="shop")[0].performance.value == 1.0


def test_two_versions_in_one_window_are_counted_apart(traffic: Traffic):
    watch(traffic)
    traffic.ask(30, START, MINUTE, version=1)
    traffic.ask(20, START + HOUR, MINUTE, version=2)
    traffic.collect(START + 2 * HOUR)
    windows = traffic.ws.call("monitoring.windows", endpoint="shop")
    assert [(each.version, each.rows) for each in windows] == [(1, 30), (2, 20)]
    assert [each.version for each in traffic.ws.call("monitoring.windows", endpoint="shop", version=2)] == [2]


def test_late_records_reopen_their_window(traffic: Traffic):
    watch(traffic)
    traffic.ask(600, START, 2 * MINUTE)
    traffic.collect(START + 3 * DAY)
    traffic.ask(40, START + HOUR, MINUTE, worker="w2")
    traffic.collect(START + 3 * DAY)
    assert traffic.ws.call("monitoring.windows", endpoint="shop")[0].rows == 640


def test_a_collector_that_was_overtaken_is_refused_and_counts_nothing(traffic: Traffic):
    watch(traffic)
    traffic.ask(5, START, MINUTE)
    progress = traffic.ws.call("monitoring.progress", endpoint="shop")
    traffic.collect(START + HOUR)
    digest = segments.write(
        traffic.ws.blobs,
        segments.read(traffic.ws.blobs, traffic.ws.call("monitoring.segments", endpoint="shop")[0].digest),
    )
    with pytest.raises(Conflict, match="faster"):
        traffic.ws.call(
            "monitoring.absorb", endpoint="shop", epoch=progress.epoch, cursors={}, requests=digest
        )
    assert traffic.ws.call("monitoring.windows", endpoint="shop")[0].rows == 5


def test_features_that_are_missing_mixed_or_new_do_no_harm(traffic: Traffic):
    watch(traffic)
    odd = [
        {"size": 1},
        {"size": "big", "colour": 7},
        {"colour": True, "new": [1, 2]},
        {"size": 1 << 70, "colour": None},
    ]
    for index, row in enumerate(odd):
        traffic.send(f"o{index}", START, row, "up")
    assert traffic.collect(START + HOUR).predictions == 4
    rows = labelled(traffic.ws, "shop")
    assert rows.is_empty()
    traffic.labels |= {f"o{index}": "up" for index in range(4)}
    traffic.tell([f"o{index}" for index in range(4)], START + HOUR)
    traffic.collect(START + HOUR)
    assert labelled(traffic.ws, "shop").columns == ["size", "colour", "new", "way"]


def test_labelled_rows_come_back_to_train_on(traffic: Traffic):
    watch(traffic)
    asked = traffic.ask(96, START, 15 * MINUTE)
    traffic.tell(asked[:40], START + DAY)
    traffic.collect(START + DAY)
    traffic.tell(asked[40:60], START + 2 * DAY)
    traffic.tell(["r1"], START + 2 * DAY, r1="down")
    traffic.collect(START + 2 * DAY)
    rows = labelled(traffic.ws, "shop", time="at")
    assert rows.columns == ["size", "colour", "at", "way"] and rows.height == 60
    assert rows["at"].is_sorted() and rows["way"][:3].to_list() == ["down", "down", "up"]
    assert rows.schema["size"] == pl.Float64
    early = labelled(traffic.ws, "shop", known_by=START + DAY)
    assert early.height == 40 and early["way"][0] == "up"
    part = labelled(traffic.ws, "shop", START + HOUR, START + 3 * HOUR, target="class")
    assert part.height == 8 and part.columns[-1] == "class"
    assert traffic.ws.call("monitoring.labelled", endpoint="shop") == 60


def test_several_rows_in_one_request_have_their_own_labels(traffic: Traffic):
    watch(traffic)
    rows = [traffic.row() for _ in range(3)]
    answers = [{"prediction": "up"}, {"prediction": "down"}, {"prediction": "up"}]
    traffic.log().write(Exchange("m", START, "shop", "shop", 1, 200, 80, rows, answers))
    traffic.log().write(Told(START, [("m", 0, "up"), ("m", 1, "up"), ("m", 2, "up")]))
    traffic.collect(START + HOUR)
    shown = traffic.ws.call("monitoring.windows", endpoint="shop")[0]
    assert (shown.rows, shown.labelled, shown.performance.value) == (3, 3, pytest.approx(2 / 3))


def test_a_regression_is_held_to_its_error(traffic: Traffic):
    watch(traffic, min_labels=50)

    def about_numbers(ws: object, endpoint: str, model: str, version: int):
        return msgspec.structs.replace(
            traffic.baseline(traffic.ws, endpoint, model, version),
            task="regression",
            metric="mae",
            reference=1.0,
        )

    for index in range(200):
        traffic.send(f"n{index}", START + index * MINUTE, traffic.row(), 10.0)
        traffic.labels[f"n{index}"] = 12.0 + index % 2  # type: ignore[assignment] - labels of a regression are numbers
    traffic.tell([f"n{index}" for index in range(200)], START + 5 * HOUR)
    traffic.clock.advance(3 * 86_400)
    collected = collect(traffic.ws, "shop", baseline_of=about_numbers)
    shown = traffic.ws.call("monitoring.windows", endpoint="shop")[0].performance
    assert (shown.metric, shown.value, shown.worse) == ("mae", 2.5, True)
    assert shown.low < 2.5 < shown.high and shown.high - shown.low < 0.3
    assert [alert.kind for alert in collected.alerts] == ["performance"]


def test_an_endpoint_that_is_not_watched_offers_the_nearest(traffic: Traffic):
    watch(traffic)
    with pytest.raises(NotFound, match="shop"):
        collect(traffic.ws, "shopp", baseline_of=traffic.baseline)


def test_collection_is_the_same_on_postgresql(team_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    clock = FrozenClock(START)
    with Workspace.open(team_url, clock=clock) as ws:
        traffic = Traffic(ws, clock)
        watch(traffic, window="6h", stride="2h", min_rows=50)
        asked = traffic.ask(300, START, 2 * MINUTE, shift=2.0, right=0.5)
        traffic.tell(asked, START + DAY)
        found = traffic.collect(START + 2 * DAY)
        assert (found.predictions, found.labels) == (300, 300)
        assert {each.kind for each in found.alerts} == {"drift", "performance"}
        assert labelled(ws, "shop").height == 300
        assert traffic.collect(START + 2 * DAY) == Collected()
