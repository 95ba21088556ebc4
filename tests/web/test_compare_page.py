"""Runs side by side: what differs, plots and statistics, on runs of two models over five seeds."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from fettle.tracking.records import Point
from fettle.web.plots import axis_of, parallel, scatter
from fettle.workspace import Workspace
from tests.web.conftest import serve
from tests.web.test_site import HOSTILE

LOSSES = {"tree": (0.30, 0.32, 0.31, 0.33, 0.29), "forest": (0.20, 0.22, 0.21, 0.23, 0.19)}


@dataclass
class Pairs:
    """Runs by model, and a client of the pages."""

    ids: dict[str, list[str]]
    http: httpx.Client
    ws: Workspace


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    with Workspace.create(tmp_path_factory.mktemp("pairs")) as ws, serve(ws) as address:
        ids: dict[str, list[str]] = {"tree": [], "forest": []}
        for model, losses in LOSSES.items():
            for seed, loss in enumerate(losses):
                params = {"model": model, "seed": seed, "lr": 10.0 ** (seed - 4), "same": 1}
                run = ws.call("tracking.start", experiment="pairs", name=f"{model} {seed}", params=params)
                curve = [Point("loss", loss + 1 / (1 + step), step) for step in range(20)]
                ws.call("tracking.log", run=run.id, points=[*curve, Point("loss", loss, 20)])
                ws.call("tracking.finish", run=run.id)
                ids[model].append(run.id)
        with httpx.Client(base_url=address, timeout=60) as http:
            yield Pairs(ids, http, ws)


def test_only_what_differs_is_shown_unless_all_is_asked(pairs: Pairs):
    runs = [pairs.ids["tree"][0], pairs.ids["forest"][0]]
    page = pairs.http.get("/runs/compare", params={"run": runs})
    assert page.status_code == 200
    assert '<th scope="row">model</th>' in page.text
    assert '<th scope="row">same</th>' not in page.text
    assert "Differences" in page.text
    assert '<td class="best figure">0.2000</td>' in page.text
    whole = pairs.http.get("/runs/compare", params={"run": runs, "all": 1})
    assert '<th scope="row">same</th>' in whole.text
    twin = pairs.http.get("/runs/compare.json", params={"run": runs}).json()
    assert {row["key"] for row in twin["comparison"]["rows"] if row["section"] == "params"} == {"model"}


def test_curves_lie_over_each_other_in_the_same_colours_everywhere(pairs: Pairs):
    runs = [pairs.ids["tree"][0], pairs.ids["forest"][0]]
    page = pairs.http.get("/runs/compare", params={"run": runs}).text
    assert page.count('class="stroke  s-a"') >= 1
    assert page.count('class="stroke  s-b"') >= 1
    found = pairs.http.get("/runs/curves.json", params={"key": "loss", "run": runs}).json()
    assert [each["place"] for each in found["curves"]] == [0, 1]


def test_a_search_is_compared_whole(pairs: Pairs):
    page = pairs.http.get("/runs/compare", params={"experiment": "pairs"})
    assert page.text.count("data-at=") == 10  # a thread for each run
    assert page.text.count('class="dot"') == 10
    one = pairs.http.get("/runs/compare", params={"q": 'params.model = "tree"'})
    assert one.text.count("data-at=") == 5


def test_means_over_seeds_and_whether_they_differ_by_chance(pairs: Pairs):
    given = {"experiment": "pairs", "by": "params.model", "contrast": "1"}
    twin = pairs.http.get("/runs/compare.json", params=given).json()
    forest, tree = twin["groups"]
    assert (forest["by"], forest["count"]) == ({"params.model": "forest"}, 5)
    assert forest["mean"] == pytest.approx(0.21)
    assert tree["std"] == pytest.approx(0.0158113883)  # of 0.29 … 0.33, n - 1
    (contrast,) = twin["contrasts"]
    assert contrast["pairs"] == 5
    assert contrast["difference"] == pytest.approx(0.1)
    page = pairs.http.get("/runs/compare", params=given)
    assert "model forest" in page.text
    usual = pairs.http.get("/runs/compare.json", params={"experiment": "pairs"}).json()
    assert usual["by"] == ["params.lr", "params.model"]


def test_importance_is_worked_out_when_it_is_asked(pairs: Pairs):
    assert pairs.http.get("/runs/compare.json", params={"experiment": "pairs"}).json()["importance"] is None
    page = pairs.http.get("/runs/compare", params={"experiment": "pairs", "importance": "1"})
    assert page.status_code == 200
    assert "Rank correlation" in page.text or "what" in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 200),
        ({"run": "nothing"}, 404),
        ({"run": [f"r{number}" for number in range(51)]}, 422),
        ({"q": "metrics.loss <"}, 422),
        ({"experiment": "pairs", "target": "nothing"}, 404),
        ({"experiment": "pairs", "by": "weather"}, 422),
        ({"experiment": "pairs", "across": "weather.now"}, 422),
        ({"experiment": "pairs", "x": "epoch"}, 422),
    ],
)
def test_what_cannot_be_compared_is_said(pairs: Pairs, query: dict[str, object], status: int):
    page = pairs.http.get("/runs/compare", params=query)  # type: ignore[arg-type]  # lists are fields given often
    assert page.status_code == status
    assert "Traceback" not in page.text


def test_an_axis_is_of_numbers_of_factors_or_of_names():
    assert axis_of("same", [1, 1, None]) is None
    plain, factors, named = (
        axis_of("a", [1, 2, 3]),
        axis_of("b", [0.001, 0.1, 10.0]),
        axis_of("c", ["x", None, "y"]),
    )
    assert plain is not None
    assert factors is not None
    assert named is not None
    assert plain.places == pytest.approx([0.03, 0.5, 0.97])
    assert factors.log
    assert factors.places == pytest.approx([0.03, 0.5, 0.97])
    assert named.places == [0.25, None, 0.75]
    assert axis_of("many", [f"name {number}" for number in range(30)]) is None


def test_names_stay_text_in_plots():
    one, other = axis_of(HOSTILE, [1, 2]), axis_of("loss", [HOSTILE, "b"])
    assert one is not None
    assert other is not None
    drawn = parallel([one, other], [("r", HOSTILE), ("s", "b")], label=HOSTILE)
    drawn += scatter(one, one, [("r", HOSTILE, "/runs/r"), ("s", "b", "/runs/s")], label=HOSTILE)
    assert "<img" not in drawn
    assert "<script" not in drawn


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Pages of 130 runs of one sweep, one of them with nothing but NaN."""
    with Workspace.create(tmp_path_factory.mktemp("sweep")) as ws, serve(ws) as address:
        chance = random.Random(7)
        for place in range(130):
            params = {"lr": 10 ** chance.uniform(-5, -1), "dropout": chance.random() + 1e-4}
            run = ws.tracking.start("sweep", f"trial {place} {'x' * 100}", params=params).id
            values = ["NaN" if place == 129 else 1 / (1 + step) + chance.random() for step in range(4)]
            points = [{"key": "loss", "value": value, "step": step} for step, value in enumerate(values)]
            epochs = [{"key": "epoch", "value": step // 2, "step": step} for step in range(4)]
            ws.tracking.log(run, [*points, *epochs])
        with httpx.Client(base_url=address, timeout=60) as http:
            yield http


@pytest.mark.parametrize("x", ["step", "time", "epoch"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_many_runs_are_compared_over_every_axis(sweep: httpx.Client, x: str, scale: str):
    page = sweep.get(f"/runs/compare?experiment=sweep&x={x}&scale={scale}&smoothing=0.6")
    assert page.status_code == 200 and "Compare 130 runs" in page.text
    assert page.text.count('class="thread') == 130 and "chart parallel many" in page.text
    points = sweep.get(re.findall(r'<metric-chart[^>]*src="([^"]+)"', page.text)[0].replace("&amp;", "&"))
    assert points.json()["x"] == x and len(points.json()["curves"]) == 10


def test_a_comparison_keeps_its_state_in_a_short_link(sweep: httpx.Client):
    address = (
        "/runs/compare?experiment=sweep&x=epoch&scale=log&smoothing=0.6&across=params.lr&up=metrics.loss"
    )
    shared = sweep.post("/talk", data={"do": "share", "back": address}).headers["location"]
    followed = sweep.get(f"/s/{shared.rpartition('/')[2]}")
    assert followed.headers["location"] == address


def test_an_even_share_is_drawn_straight_and_a_learning_rate_by_powers():
    chance = random.Random(3)
    shares = [chance.random() + 1e-4 for _ in range(200)]
    rates = [10 ** chance.uniform(-5, -1) for _ in range(200)]
    straight, powers = axis_of("dropout", shares), axis_of("lr", rates)
    assert straight is not None and not straight.log
    assert powers is not None and powers.log
