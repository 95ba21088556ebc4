"""How profiles are shown: lines that fit, HTML that is whole, escaped and needs nothing from elsewhere."""

from datetime import date
from html.parser import HTMLParser

import polars as pl
import pytest

from fettle.data.profiles import profile
from fettle.data.profiling import words
from fettle.data.profiling.comparison import compare_profiles
from fettle.data.profiling.report import ComparisonReport, ProfileReport, cells

FRAME = pl.DataFrame(
    {
        "age": [31, 47, None, 22] * 10,
        "<b>name</b> and a very long name for a column": ["<script>alert(1)</script>", "'&\"", "", "漢字"]
        * 10,
        "on": [date(2024, 1, day + 1) for day in range(20)] * 2,
        "twice": [62, 94, None, 44] * 10,
        "nothing": [None] * 40,
    }
)
VOID = {"meta", "br", "link", "img"}


class Whole(HTMLParser):
    """Checks that tags are closed in order, and collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "page",
    [
        ProfileReport("churn@<1>", profile(FRAME)).page(),
        ComparisonReport("a<", "b>", compare_profiles(profile(FRAME), profile(FRAME.head(20)))).page(),
    ],
)
def test_html_is_whole_escaped_and_needs_nothing_from_elsewhere(page):
    reader = Whole()
    reader.feed(page)

    assert reader.open == []
    names = {tag for tag, _ in reader.seen}
    assert names.isdisjoint({"script", "link", "img", "iframe"})
    assert not any(key in ("src", "href", "onload", "onclick") for _, given in reader.seen for key in given)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script>" not in page
    assert "prefers-color-scheme:dark" in page


def test_a_notebook_shows_a_profile():
    drawn = profile(FRAME)._repr_html_()

    assert drawn is not None
    assert "&lt;script&gt;" in drawn


@pytest.mark.parametrize("wide", [80, 100, 120])
def test_lines_fit_the_terminal(wide, monkeypatch):
    monkeypatch.setattr("fettle.data.profiling.report.width", lambda: wide)

    lines = ProfileReport("churn", profile(FRAME)).lines()

    assert all(cells(line) <= wide for line in lines[:8])
    assert lines[0] == "churn: 40 rows × 5 columns · 20 repeated rows" or lines[0].startswith(
        "churn: 40 rows"
    )
    assert any(("age" in line and "▁" in line) or "█" in line for line in lines)
    assert any("hang together" in line for line in lines)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0%"), (1.0, "100%"), (0.0001, "<0.1%"), (0.9999, ">99.9%"), (0.256, "25.6%")],
)
def test_shares_never_round_to_none_or_all(value, shown):
    assert words.share(value) == shown


def test_a_small_histogram_has_a_sign_a_bin():
    assert words.bars([0, 1, 4, 8]) == " ▂▅█"
    assert len(words.bars(list(range(20)))) == 10
    assert words.bars([0, 0]) == ""
