"""The end of the demonstration, told from a report: figures, a chart in characters, a picture that stands by itself."""

import xml.etree.ElementTree as xml
from datetime import UTC, datetime, timedelta

import pytest

from fettle.cli import story
from fettle.projects.demo import Accuracy, DemoReport, Move, Stretch

START = datetime(1996, 12, 7, tzinfo=UTC)


@pytest.fixture
def report() -> DemoReport:
    """Eight stretches: the frozen model falls, the loop holds after its promotion in the fourth."""
    stretches = [
        Stretch(
            start_at=START + timedelta(days=14 * index),
            rows=672,
            accuracy=Accuracy(frozen=0.80 - index * 0.02, loop=0.80 if index != 3 else 0.74, baseline=0.60),
            versions=[1 if index < 4 else 2],
        )
        for index in range(8)
    ]
    return DemoReport(
        accuracy=Accuracy(frozen=0.73, loop=0.79, baseline=0.6),
        requests=5376,
        failures=0,
        retries=1,
        alerts=2,
        retrainings=2,
        promotions=1,
        rejections=1,
        seconds=61.5,
        trained_s=9.5,
        replayed_s=50.0,
        train_rows=10_272,
        stretches=stretches,
        moves=[
            Move(START + timedelta(days=44), 2, "promoted", "better"),
            Move(START + timedelta(days=80), 3, "rejected", "no better"),
        ],
        workspace="demo",
    )


def test_the_chart_draws_each_way_at_its_height(report: DemoReport):
    lines = story.chart(report)
    rows = [line.partition("┤")[2] for line in lines if "┤" in line]
    assert len(rows) == story.ROWS
    assert rows[0].rstrip() == "●●● ●●●●"
    assert rows[-1].rstrip() == "········"
    assert [row[7] for row in rows].index("○") > [row[4] for row in rows].index("○")


def test_a_promotion_is_marked_under_its_stretch(report: DemoReport):
    (marks,) = [line for line in story.chart(report) if line.strip() == "▲"]
    assert marks.index("▲") - story.MARGIN - 1 == 3


def test_the_account_names_every_figure(report: DemoReport):
    text = "\n".join(story.account(report))
    for figure in ("0.7900", "0.7300", "0.6000", "5,376", "62 s"):
        assert figure in text
    assert "fettle ui -C demo" in text
    assert "\033" not in text


def test_the_picture_is_an_svg_with_three_curves_and_two_marks(report: DemoReport):
    root = xml.fromstring(story.picture(report))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    curves = [
        each
        for each in root.iter()
        if each.get("class", "").startswith("stroke ") and "s-" in each.get("class", "")
    ]
    assert len([each for each in curves if each.get("d", "").count("L") == 7]) == 3
    assert len([each for each in root.iter() if "mark-head" in each.get("class", "")]) == 2
    assert "light-dark" in story.picture(report)


def test_no_stretch_no_chart(report: DemoReport):
    import msgspec

    assert story.chart(msgspec.structs.replace(report, stretches=[])) == []
