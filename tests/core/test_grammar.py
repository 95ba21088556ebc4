"""Cutting texts into words, reading them, and pointing at mistakes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.core.grammar import Language, Reader, unquoted

SUMS = Language(
    noun="sum",
    pattern=re.compile(r"\s*(?:(?P<number>\d+)|(?P<text>'(?:[^']|'')*')|(?P<word>[a-z]+)|(?P<sign>[-+(),]))"),
    keywords=frozenset(("plus", "none")),
    longest=200,
    hint="Such as 1 + 2.",
    values={"text": lambda value: ("text", unquoted(value))},
    unseen=re.compile("\x00"),
)


class _Sums(Reader):
    def whole(self) -> int:
        made = self.single()
        while self.took("+", "plus"):
            made += self.single()
        return made

    def single(self) -> int:
        if token := self.took("("):
            made = self.deeper(token.at, self.whole)
            self.need(")")
            return made
        if self.next.kind != "number":
            self.fail("a number is expected")
        return int(self.take().value)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20))
def test_a_grammar_reads_what_was_written(numbers: list[int]) -> None:
    assert _Sums(SUMS, " + ".join(map(str, numbers))).whole() == sum(numbers)


def test_words_have_a_kind_a_value_and_a_place() -> None:
    found = SUMS.tokens(" 12 plus none 'it''s' x ")
    assert [tuple(each) for each in found] == [
        ("number", "12", 1),
        ("keyword", "plus", 4),
        ("keyword", "null", 9),
        ("text", "it's", 14),
        ("word", "x", 22),
        ("end", "", 23),
    ]


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("1 + ?", 5, "this sign has no meaning here"),
        ("1 + 'x", 5, "this quote does not end"),
        ("1 + x", 5, "a number is expected, instead of 'x'"),
        ("1 +", 4, "a number is expected, but the sum ends"),
        ("(1 + 2", 7, "')' is expected, but the sum ends"),
        ("((1))", 2, "too deeply nested: deeper than 1"),
        ("1 \x00", 3, "a control character"),
    ],
)
def test_mistakes_are_pointed_at(text: str, at: int, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        _Sums(SUMS, text).whole()
    assert f"character {at}: " in caught.value.message
    assert words in caught.value.message
    assert caught.value.found.splitlines()[-1] == " " * (4 + at - 1) + "^"
    assert caught.value.hint == "Such as 1 + 2."


def test_a_long_text_is_cut_around_the_mistake() -> None:
    error = SUMS.pointing(NotFound, "1" * 90 + "\n" + "2" * 90, 90, "there is no such thing", "Look again.")
    _, line, caret = error.found.splitlines()
    assert line == "    …" + "1" * 60 + " " + "2" * 39 + "…"
    assert caret.index("^") == 4 + 1 + 60
    assert isinstance(error, NotFound)
    with pytest.raises(Invalid, match="too long"):
        SUMS.tokens("1" * 201)


def test_lists_end_with_their_sign_and_may_have_a_comma_before_it() -> None:
    reader = _Sums(SUMS, "1, 2, 3,) x")
    assert reader.listed(reader.single, ")") == [1, 2, 3]
    assert (reader.next.value, reader.after.kind) == ("x", "end")
