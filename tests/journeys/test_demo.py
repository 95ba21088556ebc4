"""The demonstration as a stranger runs it: one command, one JSON object, and a record that holds it to its word."""

from __future__ import annotations

import json
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fettle.data import versions
from fettle.projects.demo import FAST_REPLAY_DAYS, LABEL_DELAY_DAYS, TRAIN_DAYS
from fettle.projects.market import HALF_HOURS_A_DAY, NAME, TARGET, TIME, market
from fettle.projects.replay import request_id
from fettle.retraining.records import Intent
from fettle.serving import log
from fettle.serving.records import Label, Prediction
from fettle.workspace import Workspace

FIRST = TRAIN_DAYS * HALF_HOURS_A_DAY
LAST = FIRST + FAST_REPLAY_DAYS * HALF_HOURS_A_DAY


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a finished short demonstration, and everything it wrote to stdout."""
    folder = tmp_path_factory.mktemp("demo") / "market"
    words = ["demo", "--fast", "--json", "--no-pages", "--folder", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "fettle", *words], check=False, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout


@pytest.fixture(scope="module")
def report(printed: tuple[Path, str]) -> dict[str, Any]:
    return json.loads(printed[1])


@pytest.fixture(scope="module")
def ws(printed: tuple[Path, str]) -> Iterator[Workspace]:
    with Workspace.open(str(printed[0])) as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(ws: Workspace) -> dict[str, Prediction]:
    """The answered requests of the prediction log by id, each once, in the order of their time."""
    once: dict[str, Prediction] = {}
    for _, _, record in log.read(ws.folder / "serving" / NAME):
        if isinstance(record, Prediction) and record.status == 200:
            once.setdefault(record.id, record)
    return once


@pytest.fixture(scope="module")
def retrainings(ws: Workspace) -> list[Intent]:
    return [each for each in ws.retraining.intents(NAME, limit=1000) if each.candidate is not None]


def test_it_prints_one_object_with_what_was_measured(report: dict[str, Any]):
    assert set(report["accuracy"]) == {"frozen", "loop", "baseline"}
    assert all(0.4 < share < 1 for share in report["accuracy"].values())
    assert report["failures"] == 0
    assert report["retrainings"] == report["promotions"] + report["rejections"] > 0
    assert report["alerts"] > 0
    assert report["seconds"] > 0


def test_every_request_is_in_the_log_once(report: dict[str, Any], answered: dict[str, Prediction]):
    assert report["requests"] == len(answered) == LAST - FIRST
    assert set(answered) == {request_id(index) for index in range(FIRST, LAST)}


def test_every_request_was_asked_at_its_own_time(answered: dict[str, Prediction]):
    times = market()[TIME]
    late = [index for index in range(FIRST, LAST) if answered[request_id(index)].at != times[index]]
    assert late == []


def test_every_request_was_answered_by_the_champion_of_its_moment(
    ws: Workspace, answered: dict[str, Prediction]
):
    changes = sorted(ws.registry.history(NAME, "champion"), key=lambda change: change.at)
    since = [change.at for change in changes]
    others = {}
    for record in answered.values():
        # At the very instant of a change either is right; afterwards only the new one.
        before, after = bisect_left(since, record.at) - 1, bisect_right(since, record.at) - 1
        allowed = {changes[max(0, place)].version for place in (before, after)}
        if record.version not in allowed:
            others[record.id] = (record.version, allowed)
    assert others == {}


def test_the_true_class_came_a_day_late(ws: Workspace, answered: dict[str, Prediction]):
    truth = market()[TARGET]
    told = [record for _, _, record in log.read(ws.folder / "serving" / NAME) if isinstance(record, Label)]
    assert {each.id for each in told} <= set(answered)
    assert len({each.id for each in told}) >= LAST - FIRST - 2 * HALF_HOURS_A_DAY
    for label in told:
        assert label.at - answered[label.id].at >= timedelta(days=LABEL_DELAY_DAYS)
        assert label.label == truth[int(label.id.removeprefix("row-"))]


def test_no_retraining_saw_a_row_that_was_not_known(ws: Workspace, retrainings: list[Intent]):
    assert retrainings
    for intent in retrainings:
        assert intent.candidate is not None
        assert intent.decided_at is not None
        version = ws.registry.show(NAME, intent.candidate.version)
        assert version.dataset_commit is not None
        learned = versions.load(ws, f"{NAME}@{version.dataset_commit}")
        newest = learned[TIME].max()
        assert isinstance(newest, datetime)
        assert newest <= intent.decided_at - timedelta(days=LABEL_DELAY_DAYS)


def test_what_was_learned_from_is_the_market_as_it_came(ws: Workspace):
    """Every commit is the market up to its own newest row: no row is missing, doubled, changed or from later."""
    whole = market()
    for commit in ws.data.log(NAME):
        held = versions.load(ws, commit).sort(TIME)
        assert held.equals(whole.head(held.height).select(held.columns))


def test_the_commits_grow_towards_the_present(ws: Workspace):
    commits = list(reversed(ws.data.log(NAME)))
    assert commits[0].rows == FIRST
    for before, after in pairwise(commits):
        assert after.parent == before.id
        assert after.rows > before.rows
        assert after.at >= before.at


def test_the_three_accuracies_are_those_of_the_log(report: dict[str, Any], answered: dict[str, Prediction]):
    truth = market()[TARGET]
    asked = range(FIRST, LAST)
    right = sum((answered[request_id(at)].answer or {})["prediction"] == truth[at] for at in asked)
    yesterday = sum(truth[at - LABEL_DELAY_DAYS * HALF_HOURS_A_DAY] == truth[at] for at in asked)
    assert report["accuracy"]["loop"] == pytest.approx(right / len(asked), abs=1e-4)
    assert report["accuracy"]["baseline"] == pytest.approx(yesterday / len(asked), abs=1e-4)
    for way in ("frozen", "loop", "baseline"):
        stretches = [(each["accuracy"][way], each["rows"]) for each in report["stretches"]]
        mean = sum(share * rows for share, rows in stretches) / sum(rows for _, rows in stretches)
        assert mean == pytest.approx(report["accuracy"][way], abs=2e-4)


def test_the_champion_walks_back_to_the_source(ws: Workspace):
    champion = ws.registry.alias(NAME)
    lineage = ws.governance.lineage(f"model:{NAME}@{champion.version}")
    behind = {lineage.focus}
    while True:
        further = {link.source for link in lineage.links if link.target in behind} - behind
        if not further:
            break
        behind |= further
    things = {thing.id: thing for thing in lineage.things if thing.id in behind}
    kinds = {thing.kind for thing in things.values()}
    assert {"model", "run", "commit", "source"} <= kinds
    assert any(thing.label.endswith("market.parquet") for thing in things.values())


def test_every_change_is_in_an_unbroken_audit(ws: Workspace, report: dict[str, Any]):
    assert ws.governance.verify().whole
    entries = ws.governance.audit(limit=10_000)
    concluded = sum(entry.act == "retraining.conclude" for entry in entries)
    assert concluded == report["retrainings"]
