"""How values are written for people. Used as filters in the templates."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from fettle.core.units import duration_text, size_text

DASH = "–"
SHORTEST_S = 0.001
LONGEST_EXACT = 12
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_AGES = (
    (60, "s", 1),
    (3600, "min", 60),
    (172_800, "h", 3600),
    (5_184_000, "d", 86_400),
    (63_072_000, "months", 2_629_800),
)


def count(value: float | None) -> str:
    """A whole number with its thousands apart: `45,312`."""
    return DASH if value is None else f"{value:,.0f}"


def metric(value: Any) -> str:
    """A metric in five significant signs; what is not finite by its name."""
    if value is None:
        return DASH
    if not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e9:
        return f"{value:,.0f}" if abs(value) >= 10 else f"{value:g}"
    return (
        f"{value:,.1f}"
        if abs(value) >= 1e5
        else f"{value:.5g}"
        if abs(value) >= 1
        else f"{value:.4f}"
        if abs(value) >= 1e-3
        else f"{value:.3g}"
    )


def percent(value: float | None, digits: int = 1) -> str:
    """A share in [0, 1] as `84.2 %`."""
    return DASH if value is None or not math.isfinite(value) else f"{value * 100:.{digits}f} %"


def milliseconds(value: float | None) -> str:
    """A latency."""
    if not value:
        return DASH
    return f"{value:.2f} ms" if value < 10 else f"{value:,.0f} ms"


def size(value: int | None) -> str:
    """Bytes in binary units."""
    return DASH if value is None else size_text(value)


def duration(value: float | None) -> str:
    """Seconds in words; nothing measurable, as where a replay's clock stood still, is a dash."""
    return DASH if value is None or value < SHORTEST_S else duration_text(value)


def day(value: datetime | None) -> str:
    """`3 Mar 1997`."""
    return DASH if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> Markup:
    """`3 Mar 1997, 14:30` with the exact instant beside it for programs and pointers."""
    if value is None:
        return Markup(DASH)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}", f"{value.day} {value:%b %Y}, {value:%H:%M}"
    )


def age(value: datetime | None, now: datetime) -> Markup:
    """`4 min ago`, with the instant for pointers."""
    if value is None:
        return Markup(DASH)
    past = (now - value).total_seconds()
    text = "just now" if past < 5 else _age_text(past)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S}", text
    )


def _age_text(past: float) -> str:
    for limit, name, unit in _AGES:
        if past < limit:
            return f"{past / unit:.0f} {name} ago"
    return f"{past / 31_557_600:.1f} years ago"


def short(value: str | None) -> str:
    """The first signs of a digest or id, enough to tell it from others."""
    if not value:
        return DASH
    return value.rsplit("-", 1)[-1][-8:] if value.count("-") == 4 else value[:10]


def segment(value: Any) -> str:
    """A name as one part of a path."""
    return quote(str(value), safe="@:+,=~")


def plural(number: float, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{number:,.0f} {one if number == 1 else many or one + 's'}"


def shown(value: Any) -> str:
    """Any small value: numbers as metrics, nothing as a dash, lists with commas."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return metric(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value) or DASH
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(each)}" for key, each in value.items()) or DASH
    if isinstance(value, str) and _INSTANT.match(value):
        return _instant(value)
    return str(value)


def mark(value: str) -> str:
    """A name for a part of a page: the same for the same text, and safe as an id."""
    return f"m{hashlib.blake2b(value.encode(errors='replace'), digest_size=8).hexdigest()}"


def given(value: Any) -> str:
    """A parameter as it was set: `0.3`, `1e-05`; very long numbers shortened."""
    if isinstance(value, float):
        text = f"{value:g}" if len(repr(value)) > LONGEST_EXACT else repr(value).removesuffix(".0")
        return text
    return f"{value}" if isinstance(value, int) and not isinstance(value, bool) else shown(value)


def _instant(text: str) -> str:
    """An instant as JSON writes it, in words."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return day(at) if (at.hour, at.minute) == (0, 0) else f"{day(at)}, {at:%H:%M}"


_TONES = {
    "ok": "finished ready passed promoted reused accepted none ok closed",
    "busy": "running decided training evaluating stopping waiting",
    "warn": "warning notice stale acknowledged observed blocked down",
    "bad": "failed killed critical error open rejected stopped",
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}


def tone(status: str) -> str:
    """The colour and sign of a status: ok, busy, warn, bad or idle."""
    return _TONE_OF.get(status, "idle")


FILTERS = {
    "tone": tone,
    "count": count,
    "metric": metric,
    "percent": percent,
    "milliseconds": milliseconds,
    "size": size,
    "duration": duration,
    "day": day,
    "moment": moment,
    "short": short,
    "segment": segment,
    "plural": plural,
    "shown": shown,
    "given": given,
    "mark": mark,
}
