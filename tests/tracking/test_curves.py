"""What is drawn of long series: the extremes stay, ranges are exact, axes and smoothing are what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.tracking import curves
from fettle.tracking.chunks import Points
from fettle.tracking.points import add, microseconds
from fettle.tracking.store import metrics as store
from fettle.tracking.thinning import kept, smoothed
from fettle.workspace import Workspace

COUNT = 500_000
SPIKE, DIP = 123_457, 400_001
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, str]]:
    """A workspace with a run of half a million points, one of them far up and one far down."""
    with Workspace.create(tmp_path_factory.mktemp("long")) as ws:
        run = ws.tracking.start("churn", started_at=BEGAN).id
        steps = np.arange(COUNT)
        values = np.random.default_rng(1).random(COUNT)
        values[SPIKE], values[DIP] = 99.0, -99.0
        points = Points(steps, microseconds(BEGAN) + steps * 1000, values)
        with ws.database.write() as tx:
            for start in range(0, COUNT, 77_777):
                add(tx, run, {"loss": points[start : start + 77_777]})
        yield ws, run


def test_the_chart_of_a_long_series_reads_outlines_and_keeps_the_extremes(
    long: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, run = long
    read: list[int] = []
    chunks_of = store.chunks_of

    def counted(tx, run, key, firsts=None, **more):
        for each in chunks_of(tx, run, key, firsts, **more):
            read.append(each[1])
            yield each

    monkeypatch.setattr(store, "chunks_of", counted)
    found = ws.tracking.series(run, "loss", most=1000)
    assert sum(read) < 4096
    assert 500 < len(found) <= 1000
    assert [each.step for each in found] == sorted(each.step for each in found)
    assert (found[0].step, found[-1].step) == (0, COUNT - 1)
    assert {(SPIKE, 99.0), (DIP, -99.0)} <= {(each.step, each.value) for each in found}


def test_a_range_of_a_long_series_is_drawn_from_its_own_points(long: tuple[Workspace, str]) -> None:
    ws, run = long
    low, high = SPIKE - 10_000, SPIKE + 10_000
    found = ws.tracking.series(run, "loss", most=300, from_step=low, to_step=high)
    assert (found[0].step, found[-1].step) == (low, high)
    assert max(each.value for each in found) == 99.0
    wide = ws.tracking.series(run, "loss", most=300, from_step=1000, to_step=450_000)
    assert (wide[0].step, wide[-1].step) == (1000, 450_000)
    assert {99.0, -99.0} <= {each.value for each in wide}
    assert [each.step for each in ws.tracking.series(run, "loss", from_step=5, to_step=7)] == [5, 6, 7]
    assert ws.tracking.series(run, "loss", from_step=COUNT) == []


def test_history_gives_arrays(long: tuple[Workspace, str]) -> None:
    ws, run = long
    steps, at_us, values = ws.tracking.history(run, "loss", first=100_000, last=199_999).arrays()
    assert steps.tolist() == list(range(100_000, 200_000))
    assert at_us[0] == microseconds(BEGAN) + 100_000_000
    assert values[SPIKE - 100_000] == 99.0
    assert len(ws.tracking.history(run, "loss").arrays()[0]) == COUNT
    with pytest.raises(NotFound, match="loss"):
        ws.tracking.history(run, "los")


def test_curves_of_many_runs_over_each_axis(long: tuple[Workspace, str]) -> None:
    ws, run = long
    other = ws.tracking.start("churn", started_at=BEGAN).id
    at = [BEGAN.replace(second=each) for each in (3, 1, 2)]
    given = [
        {"key": "loss", "value": value, "step": step, "at": at[step]}
        for step, value in enumerate((1, 2, "NaN"))
    ]
    ws.tracking.log(other, given)
    empty = ws.tracking.start("churn").id
    found = ws.tracking.curves([run, other, empty], "loss", most=200)
    assert [each.run for each in found] == [run, other]
    assert len(found[0].x) <= 200 and max(filter(None, found[0].y)) == 99.0
    assert (found[1].x, found[1].y, found[1].raw) == ([0, 1, 2], [1, 2, None], [])
    (by_time,) = ws.tracking.curves([other], "loss", x="time")
    assert (by_time.x, by_time.y) == ([1, 2, 3], [2, None, 1])
    with pytest.raises(Invalid, match="epochs"):
        ws.tracking.curves([other], "loss", x="epoch")
    ws.tracking.log(other, [{"key": "epoch", "value": each / 2, "step": each} for each in (0, 2)])
    assert ws.tracking.curves([other], "loss", x="epoch")[0].x == [0, 0.5, 1]
    (smooth,) = ws.tracking.curves([other], "loss", smoothing=0.5)
    assert smooth.y == [1, pytest.approx(5 / 3), None]
    assert smooth.raw == [1, 2, None]
    for bad in ({"smoothing": 1.0}, {"smoothing": -0.1}, {"most": 0}, {"most": 10**7}):
        with pytest.raises(Invalid):
            ws.tracking.curves([other], "loss", **bad)


def test_series_by_time_are_in_the_order_of_the_clock(workspace: Workspace) -> None:
    run = workspace.tracking.start("churn").id
    at = [BEGAN.replace(second=each) for each in (3, 1, 2)]
    workspace.tracking.log(
        run, [{"key": "m", "value": n, "step": n, "at": each} for n, each in enumerate(at)]
    )
    assert [each.step for each in workspace.tracking.series(run, "m", x="time")] == [1, 2, 0]


def test_answers_that_would_be_too_long_are_refused(
    long: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fettle.tracking.acts import metrics as acts

    ws, run = long
    monkeypatch.setattr(acts, "_MOST_LISTED", 10_000)
    monkeypatch.setattr(acts, "_MOST_PACKED", 200_000)
    with pytest.raises(Invalid, match="too many points"):
        ws.tracking.series(run, "loss", most=0)
    with pytest.raises(Invalid, match="too many points"):
        ws.tracking.history(run, "loss")
    assert len(ws.tracking.history(run, "loss", first=5, last=9).arrays()[0]) == 5


def tensorboard(values: list[float], weight: float) -> list[float]:
    """What TensorBoard's line chart does, point by point, as a recurrence written out."""
    made, total, norm = [], 0.0, 0.0
    for value in values:
        total, norm = total * weight + value, norm * weight + 1
        made.append(total / norm)
    return made


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.floats(0, 0.999))
def test_smoothing_is_the_weighted_mean_of_what_was(values: list[float], weight: float) -> None:
    """The corrected average is the mean with weights 1, w, w², … from the newest back."""
    assert smoothed(np.array(values, float), weight).tolist() == pytest.approx(
        tensorboard(values, weight), rel=1e-6, abs=1e-6
    )


def test_what_is_not_finite_does_not_spoil_what_follows() -> None:
    found = smoothed(np.array([1.0, math.nan, math.inf, 1.0]), 0.9)
    assert found[0] == found[3] == pytest.approx(1.0)
    assert math.isnan(found[1]) and math.isinf(found[2])


@given(st.lists(st.integers(0, 1000), min_size=5, max_size=300), st.integers(4, 50))
def test_even_stretches_keep_extremes_and_ends(places: list[int], most: int) -> None:
    x = np.sort(np.array(places))
    values = np.random.default_rng(len(places)).random(len(places))
    found = np.arange(len(places))[kept(values, most, evenly=x)]
    assert len(found) <= most or len(places) <= most
    assert {0, len(places) - 1, int(values.argmin()), int(values.argmax())} <= set(found.tolist())


def test_an_outline_tells_what_its_chunk_holds(long: tuple[Workspace, str]) -> None:
    ws, run = long
    with ws.database.read() as tx:
        outlines = store.outlines_of(tx, run, "loss")
        whole = curves.history(tx, run, "loss")
    assert whole is not None
    for row in outlines:
        part = whole.values[row["first"] : row["first"] + row["count"]]
        assert (row["low"], row["high"], row["last"]) == (part.min(), part.max(), part[-1])
        assert (row["first_step"], row["last_step"]) == (row["first"], row["first"] + row["count"] - 1)
        assert row["low_step"] == row["first"] + part.argmin()
        assert row["total"] == math.fsum(part.tolist())
        assert len(row["data"]) < len(part.tobytes()) / 4
