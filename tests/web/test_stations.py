from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from fettle.monitoring.records import Performance, Window
from fettle.pipelines.records import FlowRun, StepRun
from fettle.registry.records import GateResult, Model, ModelVersion
from fettle.web import loop, monitoring
from fettle.web.stations import middle, stations, steps_of

START = datetime(2026, 3, 1, tzinfo=UTC)
NOTHING: dict[str, Any] = {
    "endpoint": None,
    "endpoints": [],
    "models": [],
    "model": None,
    "versions": [],
    "datasets": [],
    "flow": None,
    "runs": [],
    "experiments": [],
    "alerts": [],
    "intents": [],
    "traffic": [],
    "moves": [],
    "windows": [],
    "yardsticks": {},
}


def window(day: int, version: int, value: float, rows: int) -> Window:
    start_at = START + timedelta(days=day)
    judged = Performance("accuracy", value, value - 0.1, value + 0.1, rows)
    return Window(
        "shop",
        "shop",
        version,
        start_at,
        start_at + timedelta(days=1),
        rows,
        0,
        rows,
        "closed",
        "none",
        judged,
    )


def step(name: str, status: Any = "finished") -> StepRun:
    return StepRun(0, name, status, "k", START, 1.0)


def flow(*steps: StepRun) -> FlowRun:
    return FlowRun("f1", "shop", "running", "user:ada", START, steps=list(steps))


def state_of(facts: dict[str, Any], station: str) -> loop.Station:
    return next(each for each in stations(NOTHING | facts) if each.name == station)


def test_an_empty_workspace_has_seventeen_quiet_stations():
    found = stations(NOTHING)
    assert [each.name for each in found] == list(loop.PLACES)
    assert {each.state for each in found} == {"idle"}
    assert middle(NOTHING).headline == "No model yet"


def test_a_station_is_as_bad_as_its_worst_step():
    facts = {"flow": flow(step("search models", "running"), step("refit", "failed"))}
    assert state_of(facts, "train").state == "bad"
    assert state_of({"flow": flow(step("explore", "running"))}, "train").state == "busy"
    assert state_of({"flow": flow(step("split", "reused"))}, "prepare").figure == "reused"


@pytest.mark.parametrize(
    ("name", "station"),
    [
        ("examine", "validate"),
        ("divide", "prepare"),
        ("explore", "train"),
        ("assess", "evaluate"),
        ("pack", "package"),
    ],
)
def test_the_steps_of_the_built_in_recipe_find_their_stations(name: str, station: str):
    assert [each.name for each in steps_of(flow(step(name)), station)] == [name]


def test_gates_speak_for_themselves():
    failed = ModelVersion("shop", 1, "b", START, "ada", gates=[GateResult("a", True), GateResult("b", False)])
    station = state_of({"versions": [failed]}, "accept")
    assert (station.state, station.figure) == ("bad", "1 of 2 gates")


def test_the_headline_says_what_matters_most():
    model = Model("shop", "", "ada", START, 1, 1, {"champion": 1})
    ready = NOTHING | {"models": [model], "model": model}
    assert middle(ready).headline == "A model is ready to be served"
    assert middle(ready | {"flow": flow()}).headline == "The pipeline shop is running"
    failed = FlowRun("f", "shop", "killed", "ada", START)
    assert middle(NOTHING | {"flow": failed}).headline == "The pipeline shop was killed"


def test_versions_of_one_window_are_put_together_by_their_rows():
    first, second = monitoring.by_window(
        [window(0, 1, 0.9, 300), window(0, 2, 0.5, 100), window(1, 2, 0.7, 10)]
    )
    assert first.value == pytest.approx(0.8)
    assert first.band is None  # the interval of a mixture is neither version's
    assert second.value == 0.7
    assert second.band == pytest.approx((0.6, 0.8))


def test_the_picture_links_every_station_and_flows_only_when_busy():
    still = str(loop.draw(stations(NOTHING), middle(NOTHING)))
    root = ElementTree.fromstring(still)
    assert len(list(root.iter("a"))) == 17
    assert 'class="flow"' not in still
    busy = stations(NOTHING | {"flow": flow(step("search", "running"))})
    assert 'class="flow"' in str(loop.draw(busy, middle(NOTHING)))


def test_hostile_names_stay_text_in_the_picture():
    drawn = loop.draw(
        [loop.Station("data", "ok", "<b>&", "/?a=1&b=<", "<script>")], loop.Middle("<i>", "&", caption="<")
    )
    root = ElementTree.fromstring(str(drawn))
    assert not [each for each in root.iter() if each.tag in ("b", "i", "script")]
