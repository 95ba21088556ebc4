from typing import NamedTuple

import pytest

from fettle.core.errors import Invalid
from fettle.web.asked import Asked
from fettle.web.tables import PAGE_ROWS, Column, arrange


class Row(NamedTuple):
    name: str
    score: float | None


ROWS = [Row("pear", 0.5), Row("Apple", None), Row("fig", 0.9)]
COLUMNS = [
    Column("name", "Name", lambda row: row.name),
    Column("score", "Score", lambda row: row.score, number=True),
    Column("", "Note"),
]


def asked(**query: str) -> Asked:
    return Asked("/fruit", {}, query)


def names(**query: str) -> list[str]:
    table = arrange(ROWS, COLUMNS, asked(**query), words=lambda row: row.name)
    return [row.name for row in table.rows]


def test_without_a_wish_the_natural_order_stays():
    assert names() == ["pear", "Apple", "fig"]


def test_words_are_ordered_without_regard_to_case():
    assert names(sort="name") == ["Apple", "fig", "pear"]
    assert names(sort="-name") == ["pear", "fig", "Apple"]


def test_what_has_no_value_comes_last_both_ways():
    assert names(sort="score") == ["pear", "fig", "Apple"]
    assert names(sort="-score") == ["fig", "pear", "Apple"]


def test_an_unknown_column_changes_nothing():
    assert names(sort="colour") == ["pear", "Apple", "fig"]


def test_every_word_must_be_there():
    assert names(q="P") == ["pear", "Apple"]
    assert names(q="p le") == ["Apple"]
    assert names(q="zebra") == []


def test_heads_say_how_they_are_sorted_and_where_they_lead():
    table = arrange(ROWS, COLUMNS, asked(sort="-score", q="a", page="1"))
    name, score, note = table.heads
    assert (name.sorted, name.href) == ("", "/fruit?sort=name&q=a")
    assert (score.sorted, score.href) == ("descending", "/fruit?sort=score&q=a")
    assert note.href == ""


def test_pages_lead_to_each_other():
    rows = [Row(str(number), float(number)) for number in range(PAGE_ROWS * 2 + 1)]
    first, last = arrange(rows, COLUMNS, asked()), arrange(rows, COLUMNS, asked(page="3"))
    assert (first.first, first.last, first.previous, first.following) == (1, PAGE_ROWS, "", "/fruit?page=2")
    assert (last.first, last.last, last.previous, last.following) == (101, 101, "/fruit?page=2", "")


@pytest.mark.parametrize("page", ["0", "-1", "two", "9999999999999"])
def test_a_page_that_is_none_is_refused(page: str):
    with pytest.raises(Invalid, match="page must be a whole number"):
        arrange(ROWS, COLUMNS, asked(page=page))


def test_a_choice_is_one_of_the_known():
    assert asked().choice("state", ("", "open")) == ""
    assert asked(state="open").choice("state", ("", "open")) == "open"
    with pytest.raises(Invalid) as refused:
        asked(state="ajar").choice("state", ("", "open"))
    assert "open" in refused.value.hint


def test_links_keep_the_rest_of_the_state():
    here = asked(q="a b&c", sort="name")
    assert here.link(page=2) == "/fruit?q=a+b%26c&sort=name&page=2"
    assert here.link(q=None) == "/fruit?sort=name"
    assert here.twin() == "/fruit.json?q=a+b%26c&sort=name"
    assert Asked("/", {}, {}).twin() == "/overview.json"
