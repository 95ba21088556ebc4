"""The columns of a version in pictures: distributions, how two of them differ, and which columns hang together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from fettle.web import bars, heat
from fettle.web.formats import day, metric
from fettle.web.tables import Column

if TYPE_CHECKING:
    from fettle.data.records.profiles import Association, ColumnProfile, Histogram

TOP_SHOWN = 12
LISTED_SHARE = 0.2
"""Where the most frequent values are a lesser share of all, a picture of them would say nothing."""
BINS = 20
MATRIX_MOST = 24
STRENGTHS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9)
METHODS = {
    "pearson": "Pearson's r",
    "spearman": "Spearman's ρ",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio η",
}
PROFILE = (
    Column("name", "Column", lambda each: each.name.casefold()),
    Column("role", "Kind", lambda each: each.role),
    Column("missing", "Missing", lambda each: each.missing_rate, number=True),
    Column("distinct", "Distinct", lambda each: each.distinct, number=True),
    Column("", "Values"),
    Column("", "Distribution"),
)


def draw(column: ColumnProfile) -> Markup:
    """The histogram of numbers and times, or the most frequent values of others."""
    label = f"Distribution of {column.name}"
    found = _histogram(column)
    if found is not None:
        say = _say(column)
        names = [f"{say(low)} to {say(high)}" for low, high in pairwise(found.edges)]
        return bars.histogram(
            found.counts, names, label=label, ends=(say(found.edges[0]), say(found.edges[-1]))
        )
    if column.top and not column.unique:
        counts = {each.value: each.count for each in column.top[:TOP_SHOWN]}
        if not _tells(column, counts):
            return Markup("")
        counts = _with_others(counts, column)
        names = list(counts)
        ends = (names[0], names[-1] if len(names) > 1 else "")
        return bars.histogram(list(counts.values()), names, label=label, ends=ends)
    return Markup("")


def said(column: ColumnProfile) -> str:
    """The range or the most frequent values in few words; of texts that hardly repeat, how long they are."""
    from fettle.data.profiling import words

    if column.text is not None and not _tells(column, {each.value: each.count for each in column.top}):
        return f"{column.text.min_length} … {column.text.max_length} characters"
    return words.values(column)


def overlay(was: ColumnProfile, now: ColumnProfile) -> Markup:
    """Two distributions on the same bins: the newer as bars, the older as an outline."""
    label, titles = f"{now.name} before and after", ("after", "before")
    one, two = _histogram(was), _histogram(now)
    if one is not None and two is not None and (was.time is None) == (now.time is None):
        edges = _shared(one.edges, two.edges)
        say = _say(now)
        names = [f"{say(low)} to {say(high)}" for low, high in pairwise(edges)]
        ends = (say(edges[0]), say(edges[-1]))
        return bars.histogram(
            rebin(two, edges), names, label=label, ends=ends, against=rebin(one, edges), titles=titles
        )
    if was.top and now.top and not (was.unique or now.unique):
        before = {each.value: each.count for each in was.top}
        after = {each.value: each.count for each in now.top}
        names = list(dict.fromkeys([*list(after)[:TOP_SHOWN], *list(before)[:TOP_SHOWN]]))
        a, b = ({name: side.get(name, 0) for name in names} for side in (before, after))
        if not (_tells(was, a) or _tells(now, b)):
            return Markup("")
        a, b = _with_others(a, was), _with_others(b, now)
        every = list(dict.fromkeys([*b, *a]))
        return bars.histogram(
            [b.get(name, 0) for name in every],
            every,
            label=label,
            ends=(every[0], every[-1] if len(every) > 1 else ""),
            against=[a.get(name, 0) for name in every],
            titles=titles,
        )
    return Markup("")


def rebin(found: Histogram, edges: Sequence[float]) -> list[float]:
    """The counts on other bins, as if values lay evenly within each of theirs."""
    below = [0.0]
    for each in found.counts:
        below.append(below[-1] + each)

    def under(value: float) -> float:
        if value <= found.edges[0]:
            return 0.0
        if value >= found.edges[-1]:
            return below[-1]
        place = bisect_right(found.edges, value) - 1
        low, high = found.edges[place], found.edges[place + 1]
        part = (value - low) / (high - low) if high > low else 1.0
        return below[place] + part * (below[place + 1] - below[place])

    counts = [under(high) - under(low) for low, high in pairwise(edges)]
    if found.edges[0] == found.edges[-1]:  # all values are one: it stands in the first bin that reaches it
        counts = [0.0] * len(counts)
        counts[min(bisect_right(list(edges), found.edges[0]) - 1, len(counts) - 1)] = below[-1]
    return counts


def _shared(one: Sequence[float], two: Sequence[float]) -> list[float]:
    low, high = min(one[0], two[0]), max(one[-1], two[-1])
    return [low + (high - low) * place / BINS for place in range(BINS + 1)] if high > low else [low, low + 1]


def _histogram(column: ColumnProfile) -> Histogram | None:
    summary = column.number or column.time
    found = summary.histogram if summary is not None else None
    return found if found is not None and len(found.counts) > 1 else None


def _say(column: ColumnProfile) -> Callable[[float], str]:
    return _moment if column.time is not None else metric


def _moment(seconds: float) -> str:
    return day(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def _tells(column: ColumnProfile, counts: dict[str, int]) -> bool:
    return sum(counts.values()) >= LISTED_SHARE * (column.rows - column.missing)


def _with_others(counts: dict[str, int], column: ColumnProfile) -> dict[str, int]:
    rest = column.rows - column.missing - sum(counts.values())
    return {**counts, "all others": rest} if rest > 0 else counts


def related(found: Sequence[Association]) -> Markup:
    """A matrix of which columns hang together, the strongest association of each pair."""
    by_pair: dict[frozenset[str], Association] = {}
    for each in found:
        by_pair.setdefault(frozenset((each.a, each.b)), each)
    names = list(dict.fromkeys(name for each in found for name in (each.a, each.b)))[:MATRIX_MOST]
    if len(names) < 2:
        return Markup("")
    rows = [(one, [_cell(one, two, by_pair.get(frozenset((one, two)))) for two in names]) for one in names]
    return heat.draw(
        rows,
        [name if len(name) <= 12 else f"{name[:11]}…" for name in names],
        label="Columns that hang together",
        width=760,
        row_height=24,
    )


def _cell(one: str, two: str, found: Association | None) -> heat.Cell:
    if one == two:
        return heat.Cell(None, one)
    if found is None:
        return heat.Cell(0, f"{one} ~ {two}\nbelow 0.05, or not measured")
    tip = f"{one} ~ {two}\n{METHODS[found.method]} {found.value:+.3f} on {found.rows:,} rows"
    return heat.Cell(heat.level_of(abs(found.value), STRENGTHS), tip, mark=found.value <= -0.3)
