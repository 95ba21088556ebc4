"""A profile or a comparison as it is handed to a person: lines for a terminal, HTML for a notebook or a file."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from fettle.data.profiling import html, words
from fettle.data.records.profiles import Association, ColumnChange, Comparison, Profile

WIDEST = 120
NAME_MOST, NAME_LEAST = 28, 10
VALUES_LEAST = 20
_SIGNS = {"pearson": "r", "spearman": "ρ", "cramers_v": "V", "correlation_ratio": "η"}
_RELATED_MOST = 8


class ProfileReport(msgspec.Struct, frozen=True):
    """A profile under a title."""

    title: str
    profile: Profile

    def lines(self) -> list[str]:
        """An aligned table with a small histogram a column, as wide as the terminal."""
        found = self.profile
        repeated = f" · {words.count(found.duplicate_rows)} repeated rows" if found.duplicate_rows else ""
        head = f"{self.title}: {words.count(found.rows)} rows × {len(found.columns)} columns{repeated}"
        rows = [
            [
                each.name,
                each.role,
                words.share(each.missing_rate) if each.missing else "",
                ("~" if "distinct" in each.approximate else "") + words.count(each.distinct),
                words.bars(words.shape(each)),
                words.values(each),
            ]
            for each in found.columns
        ]
        titles = ["column", "kind", "missing", "distinct", "shape", "values"]
        made = [head, "", *table(titles, rows, right={2, 3})]
        if related := strongest(found.associations):
            said = "hang together: " + "; ".join(_related(each) for each in related)
            made += ["", *_pieces(said, width())]
        return [*made, *(f"note: {note}" for note in found.notes)]

    def as_dict(self) -> dict[str, Any]:
        """The profile as JSON-able fields."""
        return {"title": self.title, **msgspec.to_builtins(self.profile)}

    def _repr_html_(self) -> str:
        return html.profile_html(self.profile, self.title)

    def page(self) -> str:
        """A whole HTML document that needs no other file."""
        return html.document(self.title, self._repr_html_())


class ComparisonReport(msgspec.Struct, frozen=True):
    """Two versions held against each other."""

    before: str
    after: str
    comparison: Comparison

    def lines(self) -> list[str]:
        """What changed, the most important first; columns in which nothing did are only counted."""
        found = self.comparison
        head = (
            f"{self.before} → {self.after}: {words.count(found.rows[0])} → {words.count(found.rows[1])} rows"
        )
        moved = [each for each in found.columns if each.said]
        rows = [[each.name, _distances(each), "; ".join(each.said)] for each in moved]
        made = [head, ""]
        if rows:
            made += table(["column", "distance", "what changed"], rows, right=set(), wrap=True)
        same = len(found.columns) - len(moved)
        return [*made, "", f"{same} column(s) are as before."] if same else made

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON-able fields."""
        return {"before": self.before, "after": self.after, **msgspec.to_builtins(self.comparison)}

    def _repr_html_(self) -> str:
        return html.comparison_html(self.comparison, self.before, self.after)

    def page(self) -> str:
        """A whole HTML document that needs no other file."""
        return html.document(f"{self.before} → {self.after}", self._repr_html_())


def _distances(change: ColumnChange) -> str:
    if change.change != "values":
        return change.change
    return f"PSI {change.psi:.2f}" if change.psi is not None else ""


def strongest(found: list[Association], most: int = _RELATED_MOST) -> list[Association]:
    """One association a pair, those of at least 0.3, the strongest first."""
    by_pair: dict[tuple[str, str], Association] = {}
    for each in found:
        if abs(each.value) >= 0.3:
            by_pair.setdefault((each.a, each.b), each)
    return list(by_pair.values())[:most]


def _related(each: Association) -> str:
    return f"{each.a} ~ {each.b} ({_SIGNS[each.method]} {each.value:+.2f})"


def table(titles: list[str], rows: Sequence[list[str]], *, right: set[int], wrap: bool = False) -> list[str]:
    """Rows as aligned lines; the last column gets what is left of the width, cut or continued below."""
    widths = [max(map(cells, column)) for column in zip(titles, *rows, strict=True)]
    others = sum(widths[1:-1]) + 2 * (len(titles) - 1)
    widths[0] = min(widths[0], NAME_MOST, max(NAME_LEAST, width() - others - VALUES_LEAST))
    rows = [[_cut(row[0], widths[0]), *row[1:]] for row in rows]
    last = max(VALUES_LEAST, width() - widths[0] - others)
    widths[-1] = min(widths[-1], last)
    made = [_line(titles, widths, right), "  ".join("─" * each for each in widths)]
    for row in rows:
        pieces = _pieces(row[-1], last) if wrap else [_cut(row[-1], last)]
        made.append(_line([*row[:-1], pieces[0]], widths, right))
        made += [_line([""] * (len(row) - 1) + [piece], widths, right) for piece in pieces[1:]]
    return made


def _line(row: list[str], widths: list[int], right: set[int]) -> str:
    filled = [
        " " * (wide - cells(text)) + text if at in right else text + " " * (wide - cells(text))
        for at, (text, wide) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(filled).rstrip()


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split()) if text.strip() else text
    if cells(text) <= most:
        return text
    while cells(text) >= most:
        text = text[:-1]
    return text + "…"


def _pieces(text: str, most: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, most) or [""]


def cells(text: str) -> int:
    """How many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def width() -> int:
    """The width to fill: that of the terminal, between 80 and 120."""
    seen = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDEST
    return max(80, min(WIDEST, seen))
