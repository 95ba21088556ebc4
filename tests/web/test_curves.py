import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fettle.web import bars, curves, heat
from fettle.web.scales import Scale, number_ticks, short_number, time_ticks

HOSTILE = '<img src=x onerror="alert(1)">&"\''


def parsed(markup: object) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup))


def numbers(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]?(-?[\d.]+),(-?[\d.]+)", path)]


def test_a_curve_goes_through_its_points():
    drawing = curves.lines(
        [curves.Line("up", [(0, 0.0), (1, 1.0), (2, 4.0)])], label="a curve", width=520, height=270
    )
    path = next(
        each
        for each in parsed(drawing)
        if "stroke" in (each.get("class") or "") and "s-a" in each.get("class", "")
    )
    places = numbers(path.get("d", ""))
    assert [x for x, _ in places] == pytest.approx([52, (52 + 506) / 2, 506], abs=0.1)
    heights = [y for _, y in places]
    assert heights[0] > heights[1] > heights[2]  # upward is a smaller y
    assert (heights[0] - heights[1]) * 3 == pytest.approx(heights[1] - heights[2], abs=0.3)


def test_a_gap_breaks_the_curve():
    drawing = str(
        curves.lines([curves.Line("x", [(0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 2.0)])], label="l")
    )
    path = re.search(r'class="stroke  s-a" d="(M[^"]+)"', drawing)
    assert path is not None
    assert path.group(1).count("M") == 2


def test_every_point_has_a_tip_with_all_series():
    lines = [
        curves.Line("one", [(1, 0.5), (2, 0.75)], band=[(0.4, 0.6), (0.7, 0.8)]),
        curves.Line("two", [(2, 0.25)], "b"),
    ]
    tips = [each.text for each in parsed(curves.lines(lines, label="l")).iter("title")]
    assert tips == ["1\none  0.5  (0.4 to 0.6)", "2\none  0.75  (0.7 to 0.8)\ntwo  0.25"]


def test_names_are_escaped_wherever_they_appear():
    line = curves.Line(HOSTILE, [(0, 1.0), (1, 2.0)])
    drawings = [
        curves.lines([line], label=HOSTILE, marks=[curves.Mark(0.5, HOSTILE)], limit=(1.5, HOSTILE)),
        bars.histogram([1, 2], [HOSTILE, HOSTILE], label=HOSTILE, ends=(HOSTILE, HOSTILE)),
        bars.share([(HOSTILE, 3.0), ("b", 1.0)], label=HOSTILE),
        heat.draw([(HOSTILE, [heat.Cell(3, HOSTILE, True, "/?a=1&b=2")])], [HOSTILE], label=HOSTILE),
    ]
    for drawing in drawings:
        root = parsed(drawing)  # well-formed: nothing broke out
        assert not [each for each in root.iter() if each.tag == "img"]
        assert root.get("aria-label") == HOSTILE


def test_nothing_to_draw_is_nothing():
    assert curves.lines([curves.Line("x", [(0, None)])], label="l") == ""
    assert bars.histogram([], [], label="l") == ""
    assert bars.histogram([0, 0], ["a", "b"], label="l") == ""
    assert bars.share([("a", 0.0)], label="l") == ""
    assert heat.draw([], ["a"], label="l") == ""
    assert bars.spark([0.5], label="l") == ""


def test_a_lone_point_is_seen():
    drawing = str(curves.lines([curves.Line("x", [(1_000_000.0, 3.0)])], label="l", times=True))
    assert "<circle" in drawing


def test_histograms_share_their_bins():
    root = parsed(bars.histogram([1, 3], ["low", "high"], label="l", against=[3, 1], titles=("now", "then")))
    assert [each.text for each in root.iter("title")] == [
        "low\nnow 25.0%\nthen 75.0%",
        "high\nnow 75.0%\nthen 25.0%",
    ]


def test_heat_tells_missing_from_small():
    root = parsed(
        heat.draw(
            [("f", [heat.Cell(None, "no data"), heat.Cell(0, "same"), heat.Cell(8, "far", True)])],
            "abc",
            label="l",
        )
    )
    kinds = [each.get("class") for each in root.iter("rect")]
    assert kinds == ["cell", "cell h-0", "cell h-8"]
    assert len(list(root.iter("circle"))) == 1  # significance is a ring, not a colour


@pytest.mark.parametrize(("value", "level"), [(-1, 0), (0.0099, 0), (0.01, 1), (0.24, 5), (0.25, 6), (50, 8)])
def test_levels(value: float, level: int):
    assert heat.level_of(value, (0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.5, 1.0)) == level


@given(some.floats(-1e9, 1e9), some.floats(1e-6, 1e9))
def test_ticks_lie_within_and_rise(low: float, width: float):
    high = low + width
    ticks = [tick.value for tick in number_ticks(low, high)]
    assert ticks == sorted(ticks)
    assert len(ticks) <= 12
    spare = 1e-6 * max(abs(low), abs(high), width)
    assert all(low - spare <= tick <= high + spare for tick in ticks)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (datetime(1996, 12, 1), datetime(1997, 3, 2), ["Dec", "1997", "Feb", "Mar"]),
        (datetime(1996, 5, 1), datetime(1998, 12, 1), ["1997", "1998"]),
        (datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 10), ["09:00", "09:15", "09:30", "09:45", "10:00"]),
    ],
)
def test_times_have_round_ticks(start: datetime, end: datetime, expected: list[str]):
    ticks = time_ticks(start.replace(tzinfo=UTC).timestamp(), end.replace(tzinfo=UTC).timestamp(), 6)
    assert set(expected) <= {tick.text for tick in ticks}


def test_whole_numbers_have_nothing_between():
    assert [tick.text for tick in number_ticks(1, 3, 9, whole=True)] == ["1", "2", "3"]


def test_a_scale_maps_ends_to_ends():
    scale = Scale(10, 20, 100, 0)
    assert (scale(10), scale(15), scale(20)) == (100, 50, 0)
    assert Scale(1, 1, 0, 10)(1) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (0.0831, "0.0831"), (42_000, "42k"), (1.3e6, "1.3M"), (2.1e-7, "2.10e-07")],
)
def test_short_numbers(value: float, text: str):
    assert short_number(value) == text
