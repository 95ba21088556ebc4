"""Texts that look like others and are none of them: by the pattern of their characters, or as so many neutral words."""

from __future__ import annotations

from collections.abc import Set
from itertools import groupby

import numpy as np
import polars as pl

LONGEST = 200
ATTEMPTS = 20
WORDS = (
    "the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with", "as", "be", "at",
    "one", "have", "this", "from", "by", "not", "but", "what", "all", "were", "when", "we", "there", "can",
    "an", "your", "which", "their", "said", "if", "do", "will", "each", "about", "how", "up", "out", "them",
    "then", "many", "some", "so", "these", "would", "other", "into", "has", "more", "see", "time", "could",
    "no", "make", "than", "first", "been", "its", "now", "people", "made", "over", "did", "down", "only",
    "way", "find", "use", "may", "water", "long", "little", "very", "after", "word",
)  # fmt: skip
_LOWER = np.frombuffer("abcdefghijklmnopqrstuvwxyz".encode("utf-32-le"), dtype=np.uint32)
_UPPER = np.frombuffer("ABCDEFGHIJKLMNOPQRSTUVWXYZ".encode("utf-32-le"), dtype=np.uint32)
_DIGITS = np.frombuffer("0123456789".encode("utf-32-le"), dtype=np.uint32)
_ALPHABETS = {"a": _LOWER, "A": _UPPER, "9": _DIGITS, "h": np.concatenate([_DIGITS, _LOWER[:6]])}
_HEX = r"^[0-9a-f]{8,}(-[0-9a-f]+)*$"


def patterns(column: pl.Series) -> pl.Series:
    """The pattern of each text: letters and digits by kind, other characters as they are.

    Where all texts are hexadecimal, such as UUIDs, their digits are `h`.

    Example:
        >>> patterns(pl.Series(["Ab-12", "Zürich 8001"])).to_list()
        ['Aa-99', 'Aaaaaa 9999']
    """
    cut = column.str.slice(0, LONGEST)
    if len(cut) and cut.str.contains(_HEX).all():
        return cut.str.replace_all("[0-9a-f]", "h")
    letters = cut.str.replace_all(r"\p{Lu}", "A").str.replace_all(r"[\p{L}--\p{Lu}]", "a")
    return letters.str.replace_all(r"\p{N}", "9")


def generic(pattern: str) -> str:
    """The pattern with each run of letters and digits made one: what many texts have in common."""
    return "".join(kind for kind, _ in groupby(pattern))


def fill(generator: np.random.Generator, pattern: str, count: int) -> list[str]:
    """Texts of a pattern."""
    codes = np.empty((count, len(pattern)), dtype=np.uint32)
    for place, kind in enumerate(pattern):
        alphabet = _ALPHABETS.get(kind)
        codes[:, place] = (
            ord(kind) if alphabet is None else alphabet[generator.integers(0, len(alphabet), count)]
        )
    if not pattern:
        return [""] * count
    return np.ascontiguousarray(codes).view(f"<U{len(pattern)}")[:, 0].tolist()


def sentence(generator: np.random.Generator, words: int) -> str:
    """So many neutral words."""
    return " ".join(WORDS[place] for place in generator.integers(0, len(WORDS), max(1, words)))


def distinct(
    generator: np.random.Generator, pattern: str, count: int, avoid: Set[str], unique: bool
) -> list[str]:
    """Texts of a pattern that are none of `avoid`, none twice if `unique`; longer ones where there are too few."""
    found = fill(generator, pattern, count)
    taken: set[str] = set(avoid)
    for attempt in range(ATTEMPTS + 1):
        seen: set[str] = set()
        bad = []
        for place, text in enumerate(found):
            if text in taken or (unique and text in seen):
                bad.append(place)
            seen.add(text)
        if not bad:
            return found
        longer = (
            pattern + "9" * (1 + max(0, attempt - ATTEMPTS // 2)) if attempt >= ATTEMPTS // 2 else pattern
        )
        for place, text in zip(bad, fill(generator, longer, len(bad)), strict=True):
            found[place] = text
    return [f"{text}-{place}" for place, text in enumerate(found)]


def is_prose(column: pl.Series) -> bool:
    """Whether texts are sentences: three words or more on average."""
    spaces = column.str.count_matches(r"\s+").mean()
    return isinstance(spaces, int | float) and spaces >= 2


def word_counts(column: pl.Series) -> np.ndarray:
    """The number of words of each text."""
    return (column.str.strip_chars().str.count_matches(r"\s+") + 1).cast(pl.Float64).to_numpy()
