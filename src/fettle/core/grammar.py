"""What small languages share: cutting a text into words, reading them one by one, and pointing at a mistake.

A language is a table of what its words look like; its grammar is a reader that asks for one word after the other.

    class _Sums(Reader):
        def whole(self) -> int:
            made = int(self.take().value)
            while self.took("+"):
                made += int(self.take().value)
            return made
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn, TypeVar

from fettle.core.errors import FettleError, Invalid

T = TypeVar("T")
Kind = TypeVar("Kind", bound=FettleError)
_BEFORE, _BEHIND = 60, 40  # characters that are shown around a mistake


class Token(NamedTuple):
    """A word of a text: its kind, its value and where it begins."""

    kind: str
    value: str
    at: int


@dataclass(frozen=True)
class Language:
    """What the words of a language look like.

    Attributes:
        noun: What a text of it is called, such as `search`.
        pattern: Matches the next word behind any blanks; the name of the group that matched is the word's kind.
        keywords: Words of the kind `word` that belong to the language, in small letters; `none` means `null`.
        longest: Characters of a text.
        hint: What is said of a mistake where nothing better is known.
        values: Kind of the pattern → the kind that a token has and its value, from the text that matched.
        unseen: Matches what may stand nowhere.
    """

    noun: str
    pattern: re.Pattern[str]
    keywords: frozenset[str]
    longest: int
    hint: str
    values: Mapping[str, Callable[[str], tuple[str, str]]] = field(default_factory=dict[str, Callable])
    unseen: re.Pattern[str] | None = None

    def tokens(self, text: str) -> list[Token]:
        """The words of a text, an `end` last.

        Raises:
            Invalid: A sign that has no meaning, or a quote that does not end; the message points at it.
        """
        if len(text) > self.longest:
            raise Invalid(
                f"The {self.noun} is too long.",
                found=f"{len(text):,} characters",
                hint=f"At most {self.longest:,}.",
            )
        if self.unseen and (unseen := self.unseen.search(text)):
            raise self.wrong(text, unseen.start(), "this is a control character or half of one")
        found: list[Token] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = self.pattern.match(text, at)
            if match is None or match.end() > end:
                raise self._meaningless(text, at)
            kind = match.lastgroup or ""
            found.append(self._token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*found, Token("end", "", end)]

    def _meaningless(self, text: str, at: int) -> Invalid:
        place = at + len(text[at:]) - len(text[at:].lstrip())
        quote = text[place] in "'\"`"
        return self.wrong(
            text, place, "this quote does not end" if quote else "this sign has no meaning here"
        )

    def _token(self, kind: str, value: str, at: int) -> Token:
        if kind == "word" and value.lower() in self.keywords:
            return Token("keyword", "null" if value.lower() == "none" else value.lower(), at)
        meant = self.values.get(kind)
        return Token(*meant(value), at) if meant else Token(kind, value, at)

    def wrong(self, text: str, at: int, what: str, hint: str = "") -> Invalid:
        """The error that shows the text with a caret under the place."""
        return self.pointing(Invalid, text, at, what, hint)

    def pointing(self, kind: type[Kind], text: str, at: int, what: str, hint: str = "") -> Kind:
        """The same as another kind of error."""
        start = max(0, at - _BEFORE)
        shown = "".join(each if each.isprintable() else " " for each in text[start : at + _BEHIND])
        line = ("…" if start else "") + shown + ("…" if len(text) > at + _BEHIND else "")
        caret = " " * (at - start + (1 if start else 0)) + "^"
        return kind(
            f"The {self.noun} has a mistake at character {at + 1}: {what}.",
            found=f"\n    {line}\n    {caret}",
            hint=hint or self.hint,
        )


def unquoted(text: str) -> str:
    """A text without its quotes; a doubled quote within stands for one."""
    return text[1:-1].replace(text[0] * 2, text[0])


class Reader:
    """Goes through the words of a text; a grammar is a subclass with a method for each of its rules.

    Args:
        language: What the words look like.
        text: The text.
        deepest: How many `deeper` may be within each other.
    """

    def __init__(self, language: Language, text: str, deepest: int = 1) -> None:
        self.language = language
        self.text = text
        self._tokens = language.tokens(text)
        self._at = 0
        self._deepest = deepest
        self._depth = 0

    @property
    def next(self) -> Token:
        """The next word, or the `end`."""
        return self._tokens[self._at]

    @property
    def after(self) -> Token:
        """The word behind the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next word; the one behind it is next then."""
        token = self.next
        self._at += token.kind != "end"
        return token

    def has(self, *words: str) -> bool:
        """Whether one of these signs and words of the language comes next."""
        return self.next.kind in ("keyword", "sign") and self.next.value in words

    def took(self, *words: str) -> Token | None:
        """One of these signs and words, if it comes next."""
        return self.take() if self.has(*words) else None

    def need(self, word: str) -> Token:
        """This sign or word.

        Raises:
            Invalid: Something else comes next.
        """
        return self.took(word) or self.fail(f"{word!r} is expected")

    def listed(self, part: Callable[[], T], close: str) -> list[T]:
        """Parts with commas between them and perhaps one behind, up to the sign that closes the list."""
        made = [part()]
        while self.took(","):
            if self.has(close):
                break
            made.append(part())
        self.need(close)
        return made

    def deeper(self, at: int, part: Callable[[], T]) -> T:
        """A part within another.

        Raises:
            Invalid: They are too many.
        """
        self._depth += 1
        if self._depth > self._deepest:
            raise self.wrong(at, f"too deeply nested: deeper than {self._deepest}")
        made = part()
        self._depth -= 1
        return made

    def wrong(self, at: int, what: str, hint: str = "") -> Invalid:
        """The error that points at a place of the text."""
        return self.language.wrong(self.text, at, what, hint)

    def fail(self, what: str, hint: str = "") -> NoReturn:
        """Say what was expected instead of the next word."""
        token = self.next
        found = (
            f"instead of {token.value[:60]!r}"
            if token.kind != "end"
            else f"but the {self.language.noun} ends"
        )
        raise self.wrong(token.at, f"{what}, {found}", hint or self.hint_at(token))

    def hint_at(self, token: Token) -> str:
        """What may help where a word is not what was expected; empty if nothing is known."""
        del token
        return ""
