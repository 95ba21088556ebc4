"""Propose which categories are one, written in two ways: for a person to confirm as the mapping of a `merge`."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from difflib import SequenceMatcher

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.records.cleaning import Pair

LIKENESS = 0.84
MOST_CATEGORIES = 2000
SHORT = 4


def propose(frame: pl.DataFrame, column: str, *, likeness: float = LIKENESS) -> list[Pair]:
    """Find categories that look alike, the likest first; each points from the rarer to the more frequent.

    Texts are compared without case, accents, signs and order of words, by the share of characters they have in common
    (Ratcliff and Metzener 1988). Texts of up to four characters must then be equal, and so must digits.

    Args:
        frame: The rows.
        column: A column of texts with at most 2,000 different ones.
        likeness: Least share in common, in [0, 1].

    Raises:
        NotFound: There is no such column.
        Invalid: It is not of texts, or has too many different ones.

    Example:
        >>> found = propose(pl.DataFrame({"city": ["Zürich", "Zürich", "Zurich ", "Bern"]}), "city")
        >>> [(each.value, each.instead, each.likeness) for each in found]
        [('Zurich ', 'Zürich', 1.0)]
    """
    if column not in frame.columns:
        raise NotFound.among("column", column, frame.columns)
    if frame[column].dtype != pl.String:
        raise Invalid(f"Only texts look alike; {column!r} is of type {frame[column].dtype}.")
    counts = (
        frame[column].drop_nulls().value_counts(name="rows").sort(["rows", column], descending=[True, False])
    )
    if counts.height > MOST_CATEGORIES:
        raise Invalid(
            f"The column {column!r} has too many different texts to compare all pairs.",
            found=f"{counts.height:,}, where {MOST_CATEGORIES:,} can be compared",
            hint='Write them alike first (do = "text"), or look at the frequent ones only.',
        )
    known = [(value, rows, _essence(value)) for value, rows in counts.iter_rows()]
    found = []
    for place, (value, rows, essence) in enumerate(known):
        best = max(
            ((_likeness(essence, other[2], likeness), -at, other) for at, other in enumerate(known[:place])),
            default=None,
            key=lambda each: each[:2],
        )
        if best is not None and best[0] >= likeness:
            found.append(Pair(column, value, best[2][0], round(best[0], 4), rows, best[2][1]))
    return sorted(found, key=lambda pair: (-pair.likeness, pair.value))


def mapping_of(pairs: list[Pair]) -> dict[str, str]:
    """Confirmed pairs as the mapping of a `merge`: chains lead to their end."""
    direct = {pair.value: pair.instead for pair in pairs}
    ends = defaultdict(str)
    for value, instead in direct.items():
        while instead in direct:
            instead = direct[instead]
        ends[value] = instead
    return dict(ends)


def _essence(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each if each.isalnum() else " " for each in folded if not unicodedata.combining(each))
    return " ".join(sorted(plain.split()))


def _likeness(one: str, other: str, least: float) -> float:
    if one == other:
        return 1.0 if one else 0.0
    if min(len(one), len(other)) <= SHORT or _digits(one) != _digits(other):
        return 0.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return 0.0
    return matcher.ratio()


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def as_toml(column: str, pairs: list[Pair]) -> str:
    """Pairs as a `merge` to be confirmed by a person: strike out what is wrong."""
    ends = mapping_of(pairs)
    lines = [
        f"{_quoted(pair.value)} = {_quoted(ends[pair.value])}"
        f"  # {pair.likeness:.2f} alike; {pair.rows} and {pair.instead_rows} rows"
        for pair in pairs
    ]
    head = f'[[clean]]\ndo = "merge"\ncolumns = [{_quoted(column)}]\n\n[clean.mapping]\n'
    return head + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
