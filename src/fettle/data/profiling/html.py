"""Draw a profile or a comparison as HTML: fragments for a notebook or a page, and whole documents.

Nothing is loaded from elsewhere: pictures are inline SVG, the style is in the document, and it follows the reader's
choice of dark or light. All names and values are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from fettle.data.profiling import words
from fettle.data.profiling.styles import STYLE
from fettle.data.records.profiles import (
    Association,
    ColumnChange,
    ColumnProfile,
    Comparison,
    Histogram,
    Profile,
)

WIDTH, HEIGHT = 220, 54
MATRIX_MOST = 24
TOP_SHOWN = 6


def document(title: str, body: str) -> str:
    """A whole HTML document around a fragment."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title></head>'
        f'<body class="fp-page">{body}</body></html>\n'
    )


def profile_html(profile: Profile, title: str = "Profile") -> str:
    """A fragment: tiles, a card for each column, and which columns hang together."""
    missing = sum(each.missing for each in profile.columns)
    cells = max(1, profile.rows * len(profile.columns))
    tiles = [
        ("rows", words.count(profile.rows)),
        ("columns", words.count(len(profile.columns))),
        ("missing values", words.share(missing / cells)),
        ("repeated rows", words.count(profile.duplicate_rows)),
        ("constant columns", str(sum(each.constant for each in profile.columns))),
    ]
    cards = "".join(column_html(each) for each in profile.columns)
    notes = "".join(f"<p>{escape(note)}</p>" for note in profile.notes)
    related = associations_html(profile.associations)
    return (
        f'{STYLE}<div class="fp"><h1>{escape(title)}</h1>{_tiles(tiles)}'
        f'<div class="fp-cards">{cards}</div>{related}<div class="fp-notes">{notes}</div></div>'
    )


def column_html(column: ColumnProfile) -> str:
    """The card of one column: what it is, how full it is, its shape and its numbers."""
    about = "~" if "distinct" in column.approximate else ""
    facts = [("distinct", about + words.count(column.distinct)), *_facts(column)]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    full = 100 * (1 - column.missing_rate)
    empty = f"{words.share(column.missing_rate)} missing" if column.missing else "complete"
    return (
        f'<section class="fp-card"><header><b>{escape(column.name)}</b><i>{escape(column.role)}</i></header>'
        f'<div class="fp-full" title="{escape(empty)}"><u style="width:{full:.2f}%"></u></div>'
        f"<small>{escape(empty)}</small>{picture(column)}<dl>{rows}</dl></section>"
    )


def _facts(column: ColumnProfile) -> list[tuple[str, str]]:
    if column.number is not None:
        found, number = column.number, words.number
        middle = found.quantiles
        facts = [
            ("min · max", f"{number(found.min)} · {number(found.max)}"),
            ("mean ± std", number(found.mean) + (f" ± {number(found.std)}" if found.std is not None else "")),
            ("quartiles", " · ".join(number(middle[key]) for key in ("0.25", "0.5", "0.75"))),
            ("zeros · negative", f"{words.count(found.zeros)} · {words.count(found.negatives)}"),
        ]
        return [*facts, ("infinite", words.count(found.infinite))] if found.infinite else facts
    if column.time is not None:
        order = "in order" if column.time.ordered else "not in order"
        return [
            ("first", words.day(column.time.min_at)),
            ("last", words.day(column.time.max_at)),
            ("rows", order),
        ]
    if column.text is not None:
        text = column.text
        facts = [("length", f"{text.min_length} · {text.mean_length:.1f} · {text.max_length}")]
        return [*facts, ("blank", words.count(text.blank))] if text.blank else facts
    return []


def picture(column: ColumnProfile) -> str:
    """The histogram of numbers and times, bars of the most frequent values of others."""
    summary = column.number or column.time
    if summary is not None and summary.histogram is not None and len(summary.histogram.counts) > 1:
        return _histogram(summary.histogram, times=column.time is not None)
    if column.top and not column.unique:
        return _bars(column)
    return '<div class="fp-none">all different</div>' if column.unique else '<div class="fp-none">–</div>'


def _histogram(found: Histogram, *, times: bool) -> str:
    say = words.moment if times else words.number
    most, wide = max(found.counts) or 1, WIDTH / len(found.counts)
    drawn = []
    for at, (count, (low, high)) in enumerate(zip(found.counts, pairwise(found.edges), strict=True)):
        tall = max(1.0 if count else 0.0, HEIGHT * count / most)
        title = f"<title>{escape(say(low))} to {escape(say(high))}: {count:,}</title>"
        drawn.append(
            f'<rect x="{at * wide + 0.5:.1f}" y="{HEIGHT - tall:.1f}" width="{wide - 1:.1f}" '
            f'height="{tall:.1f}" rx="1">{title}</rect>'
        )
    ends = f"<span>{escape(say(found.edges[0]))}</span><span>{escape(say(found.edges[-1]))}</span>"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" preserveAspectRatio="none">{"".join(drawn)}</svg>'
        f'<div class="fp-ends">{ends}</div>'
    )


def _bars(column: ColumnProfile) -> str:
    present = max(1, column.rows - column.missing)
    shown = [(each.value, each.count) for each in column.top[:TOP_SHOWN]]
    rest = present - sum(count for _, count in shown)
    if rest > 0:
        shown.append(("all others", rest))
    most = max(count for _, count in shown)
    lines = "".join(
        f'<li title="{count:,}"><u style="width:{100 * count / most:.1f}%"></u>'
        f"<span>{escape(value) or '<em>empty</em>'}</span><b>{words.share(count / present)}</b></li>"
        for value, count in shown
    )
    return f'<ul class="fp-bars">{lines}</ul>'


def associations_html(found: Sequence[Association]) -> str:
    """A matrix of the strongest associations; nothing where no columns hang together."""
    by_pair: dict[frozenset[str], Association] = {}
    for each in found:
        by_pair.setdefault(frozenset((each.a, each.b)), each)
    names = list(dict.fromkeys(name for each in found for name in (each.a, each.b)))[:MATRIX_MOST]
    if len(names) < 2:
        return ""
    head = "".join(f"<th><span>{escape(name)}</span></th>" for name in names)
    rows = "".join(
        f"<tr><th>{escape(a)}</th>"
        + "".join(_cell(by_pair.get(frozenset((a, b))) if a != b else None) for b in names)
        + "</tr>"
        for a in names
    )
    return (
        "<h2>Columns that hang together</h2><p class='fp-hint'>Pearson or Spearman for numbers, Cramér's V for "
        "categories, the correlation ratio η for a category with a number; empty: below 0.05.</p>"
        f'<div class="fp-scroll"><table class="fp-matrix"><tr><th></th>{head}</tr>{rows}</table></div>'
    )


def _cell(each: Association | None) -> str:
    if each is None:
        return "<td></td>"
    colour = "var(--fp-bar)" if each.value >= 0 else "var(--fp-warn)"
    title = f"{each.a} ~ {each.b}: {each.method} {each.value:+.3f} on {each.rows:,} rows"
    strength = f"color-mix(in srgb, {colour} {abs(each.value):.0%}, transparent)"
    return f'<td title="{escape(title)}" style="background:{strength}">{each.value:.2f}</td>'


def comparison_html(found: Comparison, before: str, after: str) -> str:
    """A fragment: a row for each column, those that changed most first."""
    moved = sum(1 for each in found.columns if each.said)
    tiles = [
        ("rows before", words.count(found.rows[0])),
        ("rows after", words.count(found.rows[1])),
        ("columns that changed", str(moved)),
        ("columns as before", str(len(found.columns) - moved)),
    ]
    names = ("column", "what changed", "missing", "distinct", "mean", "PSI", "JS", "KS")
    head = "".join(f"<th>{each}</th>" for each in names)
    rows = "".join(_change(each) for each in found.columns)
    return (
        f'{STYLE}<div class="fp"><h1>{escape(before)} → {escape(after)}</h1>{_tiles(tiles)}'
        f'<div class="fp-scroll"><table class="fp-changes"><tr>{head}</tr>{rows}</table></div></div>'
    )


def _change(each: ColumnChange) -> str:
    said = "; ".join(each.said) or "as before"
    missing = " → ".join(words.share(value) for value in each.missing) if each.missing else ""
    distinct = " → ".join(words.count(value) for value in each.distinct) if each.distinct else ""
    mean = " → ".join(words.number(value) for value in each.mean) if each.mean else ""
    apart = [f"{value:.3f}" if value is not None else "" for value in (each.psi, each.js, each.ks)]
    cells = "".join(f"<td>{escape(value)}</td>" for value in (missing, distinct, mean, *apart))
    mark = ' class="fp-moved"' if each.said else ""
    return f"<tr{mark}><th>{escape(each.name)}</th><td>{escape(said)}</td>{cells}</tr>"


def _tiles(tiles: list[tuple[str, str]]) -> str:
    made = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in tiles)
    return f'<div class="fp-tiles">{made}</div>'
