"""The fenced blocks of a report: what each asks for in its lines, and how it is drawn.

    ```chart                         ```runs                            ```compare
    where: params.model = "tree"     experiment: churn                  runs: 0198…, 0199…
    metrics: loss, accuracy          where: metrics.loss < 0.3          all: yes
    x: time                          order_by: metrics.loss             ```
    smoothing: 0.6                   columns: params.lr, metrics.loss
    scale: log                       limit: 10
    ```                              ```

A line is `key: value`; what begins with `#` is a remark. `experiment`, `where`, `runs`, `order_by` and `limit` choose
runs in every block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, nearest
from fettle.web import overlay, searching
from fettle.web.formats import given, metric, segment
from fettle.web.tracking import best_of, frequent_metrics

CHOOSING = ("experiment", "where", "runs", "order_by", "limit")
KEYS = {
    "chart": (*CHOOSING, "metrics", "x", "smoothing", "scale"),
    "runs": (*CHOOSING, "columns"),
    "compare": (*CHOOSING, "all"),
}
USUAL = {"chart": 10, "runs": 20, "compare": 5}
MOST = {"chart": 30, "runs": 200, "compare": 20}
MOST_BLOCKS = 40
Fields = Mapping[str, str]


def drawer(ws: Surface) -> Callable[[str, str], Markup | None]:
    """What draws the blocks of one report from what there is now; a block that asks wrongly says what is wrong.

    Args:
        ws: The workspace.
    """
    drawn = 0

    def draw(kind: str, text: str) -> Markup | None:
        nonlocal drawn
        if kind not in KEYS:
            return None
        drawn += 1
        try:
            if drawn > MOST_BLOCKS:
                raise Invalid("A report has no more blocks than that.", found=f"more than {MOST_BLOCKS}")
            return _DRAW[kind](ws, read(kind, text))
        except FettleError as error:
            return _wrong(error)

    return draw


def read(kind: str, text: str) -> dict[str, str]:
    """The lines of a block.

    Raises:
        Invalid: A line is no `key: value`, or its key is not known.

    Example:
        >>> read("runs", "where: name = 'a: b'\\nlimit: 3")
        {'where': "name = 'a: b'", 'limit': '3'}
    """
    fields: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or key not in KEYS[kind]:
            close = nearest(key, KEYS[kind])
            raise Invalid(
                f"A block {kind!r} has no line {key[:40]!r}.",
                found=line[:100],
                hint=f"Did you mean {close[0]!r}?" if close else f"Lines are: {', '.join(KEYS[kind])}.",
            )
        fields[key] = value
    return fields


def parts(text: str) -> list[str]:
    """The parts of a value with commas between; a comma within quotes parts nothing."""
    found, quote = [""], ""
    for sign in text:
        quote = ("" if sign == quote else quote) if quote else sign if sign in "'\"`" else ""
        if sign == "," and not quote:
            found.append("")
        else:
            found[-1] += sign
    return [each.strip() for each in found if each.strip()]


def runs_of(ws: Surface, kind: str, fields: Fields) -> list[Any]:
    """The runs that a block is about.

    Raises:
        Invalid: Its search cannot be read.
    """
    limit = fields.get("limit", str(USUAL[kind]))
    if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit) <= MOST[kind]:
        raise Invalid(f"limit is a whole number from 1 to {MOST[kind]}.", found=repr(limit[:20]))
    ids = parts(fields.get("runs", ""))
    if ids:
        return ws.call("tracking.runs_of", ids=ids[: int(limit) if "limit" in fields else MOST[kind]])
    return ws.call(
        "tracking.search",
        where=searching.where_of(fields.get("where", "")),
        experiments=parts(fields.get("experiment", "")) or None,
        order_by=parts(fields.get("order_by", "")) or None,
        limit=int(limit),
    ).runs


def _chart(ws: Surface, fields: Fields) -> Markup:
    runs = runs_of(ws, "chart", fields)
    look = overlay.Look(
        _one(fields, "x", overlay.AXES),
        overlay.smoothing_of(fields.get("smoothing", "")),
        _one(fields, "scale", overlay.SCALES) == "log",
    )
    keys = parts(fields.get("metrics", "")) or frequent_metrics(runs, most=1)
    names, places = {run.id: run.name for run in runs}, {run.id: place for place, run in enumerate(runs)}
    pictures = []
    for key in keys:
        found = overlay.read_curves(ws, [run.id for run in runs], key.removeprefix("metrics."), look)
        label = f"{key} of {len(found)} runs"
        picture = overlay.overlay(found, names, look, label=label, places=places)
        pictures.append(_figure(key, picture or Markup('<p class="low">No run has a curve of it.</p>')))
    legend = Markup("").join(
        Markup('<li>{}<a href="/runs/{}">{}</a></li>').format(overlay.swatch(place), segment(run.id), run.name)
        for place, run in enumerate(runs)
    )
    return Markup('<div class="report-block stack"><div class="pair">{}</div><ul class="legend">{}</ul></div>').format(
        Markup("").join(pictures), legend
    )


def _figure(title: str, body: Markup) -> Markup:
    return Markup('<figure class="card"><header><b>{}</b></header><div class="body">{}</div></figure>').format(title, body)


def _listed(ws: Surface, fields: Fields) -> Markup:
    runs = runs_of(ws, "runs", fields)
    columns = parts(fields.get("columns", "")) or [searching.named("metrics", key) for key in frequent_metrics(runs)]
    known = [searching.field_of(each) for each in columns]
    cells = [[searching.value_of(run, field) for field in known] for run in runs]
    elsewhere = [text for text, field in zip(columns, known, strict=True) if field.statistic != "last"]
    if elsewhere and runs:
        _fill(ws, runs, columns, elsewhere, cells)
    heads = ["Run", *(each.partition(".")[2].replace("`", "") or each for each in columns)]
    best = [
        best_of(field.key, [row[at] for row in cells]) if field.family == "metrics" else None
        for at, field in enumerate(known)
    ]
    rows = [
        [_link(run), *(_cell(value, field, best[at]) for at, (value, field) in enumerate(zip(row, known, strict=True)))]
        for run, row in zip(runs, cells, strict=True)
    ]
    return _table(heads, [False, *(field.family == "metrics" for field in known)], rows)


def _fill(ws: Surface, runs: Sequence[Any], columns: Sequence[str], elsewhere: list[str], cells: list[list[Any]]) -> None:
    """Put in what a run itself does not tell, such as the least value of a metric."""
    ids = [run.id for run in runs]
    table = ws.call("tracking.table", fields=elsewhere, where=searching.among(ids), limit=len(ids))
    for name, values in zip(table.names, table.columns, strict=True):
        known = dict(zip(table.runs, values, strict=True))
        at = columns.index(name)
        for run, row in zip(runs, cells, strict=True):
            row[at] = known.get(run.id)


def _compare(ws: Surface, fields: Fields) -> Markup:
    runs = runs_of(ws, "compare", fields)
    if len(runs) < 2:
        raise Invalid("Two or more runs can be compared.", found=str(len(runs)), hint="Choose others by runs: or where:")
    every = _one(fields, "all", ("no", "yes")) == "yes"
    found = ws.call("tracking.compare", runs=[run.id for run in runs], all=every)
    rows = [
        [Markup('<th scope="row">{}</th>').format(row.key), *(_plain(value, row.section) for value in row.values)]
        for row in found.rows
        if (row.section, row.key) != ("about", "name")
    ]
    return _table(["", *(_name(run) for run in runs)], [False] * (len(runs) + 1), rows)


def _plain(value: Any, section: str) -> Markup:
    return Markup("<td>{}</td>").format(_short(metric(value) if section == "metrics" else given(value)))


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"


def _name(run: Any) -> Markup:
    return Markup('<a href="/runs/{}">{}</a>').format(segment(run.id), run.name)


def _link(run: Any) -> Markup:
    return Markup('<th scope="row">{}</th>').format(_name(run))


def _cell(value: Any, field: Any, best: float | None) -> Markup:
    if field.family != "metrics":
        return Markup("<td>{}</td>").format(_short(given(value)))
    kind = "num best" if value is not None and value == best else "num"
    return Markup('<td class="{}">{}</td>').format(kind, metric(value))


def _table(heads: Sequence[Any], numbers: Sequence[bool], rows: Sequence[Sequence[Markup]]) -> Markup:
    if not rows:
        return Markup('<p class="low report-block">Nothing fits what is asked for here.</p>')
    tops = [
        Markup('<th scope="col" class="num">{}</th>' if number else '<th scope="col">{}</th>').format(head)
        if head
        else Markup("<td></td>")
        for head, number in zip(heads, numbers, strict=True)
    ]
    body = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(row)) for row in rows)
    return Markup(
        '<div class="card report-block"><div class="flush" tabindex="0" role="region" aria-label="Runs">'
        '<table class="compare"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></div>'
    ).format(Markup("").join(tops), body)


def _one(fields: Fields, key: str, choices: tuple[str, ...]) -> str:
    value = fields.get(key) or choices[0]
    if value not in choices:
        raise Invalid(f"{key}: {value[:40]} is not known.", hint=f"One of: {', '.join(choices)}.")
    return value


def _wrong(error: FettleError) -> Markup:
    said = Markup('<pre class="caret">{}</pre>').format(error.found.strip("\n")) if error.found else ""
    return Markup('<div class="notice bad report-block"><div>{}{}<span class="low">{}</span></div></div>').format(
        error.message, said, error.hint
    )


_DRAW: dict[str, Callable[[Surface, Fields], Markup]] = {"chart": _chart, "runs": _listed, "compare": _compare}
