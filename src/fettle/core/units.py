"""Durations and sizes as people write them, and back."""

from __future__ import annotations

import re

from fettle.core.errors import Invalid

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d|w)")


def duration_s(text: str | float) -> float:
    """Read a duration such as `90s`, `15m`, `1h30m`, `14d` or a plain number of seconds.

    Example:
        >>> duration_s("1h30m")
        5400.0

    Raises:
        Invalid: The text is no duration.
    """
    if isinstance(text, int | float):
        return float(text)
    compact = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", compact):
        return float(compact)
    parts = _PART.findall(compact)
    if not parts or _PART.sub("", compact).strip():
        raise Invalid(
            f"{text!r} is not a duration.", found=repr(text), hint="Write it as 90s, 15m, 12h, 14d or 2w."
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def duration_text(seconds: float) -> str:
    """Write seconds as a person would: `0.25 s`, `42 s`, `3 min 20 s`, `14 d`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    steps = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    rest, words = round(seconds), []
    for size, name in steps:
        count, rest = divmod(rest, size)
        if count:
            words.append(f"{count} {name}")
    return " ".join(words[:2])


def size_text(size_bytes: int) -> str:
    """Write a size in binary units: `812 B`, `4.0 KiB`, `1.3 GiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
