"""A run as a small table, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fettle.tracking.records.runs import Run

_MOST_ROWS = 20


def html(run: Run) -> str:
    """Name, status, last metrics and parameters of a run; every text of a user is escaped."""
    metrics: dict[str, Any] = {**run.metrics, **run.not_finite}
    parts = [_rows("metric", metrics), _rows("parameter", run.params), _rows("tag", run.tags)]
    return (
        f"<table><caption><b>{escape(run.name)}</b> · {escape(run.experiment)} · {escape(run.status)}<br>"
        f"<code>{escape(run.id)}</code></caption>{''.join(parts)}</table>"
    )


def _rows(kind: str, values: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(str(key))}</td><td>{escape(_short(value))}</td></tr>"
        for key, value in values.items()
    ]
    if not rows:
        return ""
    more = len(rows) - _MOST_ROWS
    rest = f"<tr><td colspan=2>… {more:,} more</td></tr>" if more > 0 else ""
    return f"<tr><th colspan=2>{kind}s</th></tr>{''.join(rows[:_MOST_ROWS])}{rest}"


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
