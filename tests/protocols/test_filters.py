"""The small filter language, held to a model."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.protocols.mlflow.errors import Refused
from fettle.protocols.mlflow.filters import like, parse
from fettle.protocols.mlflow.paging import offset_of, page, token_of

FAMILIES = {"attribute": {"name": str, "creation_time": int}, "tag": None}


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=8))
def test_like_is_sqls(pattern: str, text: str):
    meant = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in pattern)
    assert like(text, pattern) == bool(re.fullmatch(meant, text, re.DOTALL))


def test_like_takes_time_in_proportion():
    assert not like("a" * 5000, "%a" * 200 + "b")


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("name = 'a'", {("attribute", "name"): "a"}, True),
        ("attributes.name != 'a'", {("attribute", "name"): "b"}, True),
        ('tags.`a.b c` = "x"', {("tag", "a.b c"): "x"}, True),
        ("tag.a.b = 'x'", {("tag", "a.b"): "x"}, True),
        ("tags.a IS NULL", {}, True),
        ("tags.a IS NOT NULL", {}, False),
        ("tags.a != 'x'", {}, False),
        (
            "name IN ('a', 'b') AND creation_time >= 5",
            {("attribute", "name"): "b", ("attribute", "creation_time"): 5},
            True,
        ),
        ("name NOT IN ('a')", {("attribute", "name"): "b"}, True),
        ("name = 'it\\'s'", {("attribute", "name"): "it's"}, True),
        ("", {}, True),
    ],
)
def test_conditions(text: str, values: dict, holds: bool):
    assert parse(text, FAMILIES)(values) == holds


@pytest.mark.parametrize(
    "text",
    ["name", "name =", "name = a", "name > 'a'", "creation_time = 'x'", "name = 'a' OR name = 'b'", "foo.x = '1'",
     "bar = '1'", "name = 'a", "creation_time LIKE '5'", "name IN ()", "= 'a'", "x" * 30_000],
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str):
    with pytest.raises(Refused):
        parse(text, FAMILIES)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str):
    with contextlib.suppress(Refused):
        parse(text, FAMILIES)


def test_pages():
    some, token = page(range(5), None, 2)
    more, last = page(range(5), token, 3)
    assert (some, more, last) == ([0, 1], [2, 3, 4], None)
    assert offset_of(token_of(7)) == 7
    for bad in ("x", "bm9wZQ==", token_of(5)[:-3], token_of(-1)):
        with pytest.raises(Refused):
            offset_of(bad)
