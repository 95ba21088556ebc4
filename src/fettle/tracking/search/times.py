"""Moments in a search: `2026-01-31`, `2026-01-31T12:00+01:00`, `7 days ago`, milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_AGO = re.compile(r"(\d{1,6})\s*(minute|hour|day|week)s?\s+ago", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From `first` until before `end`: a day for a date, no time at all for a moment."""

    first: datetime
    end: datetime


def span_of(text: str, now: datetime) -> Span | None:
    """The time a text names; None if it names none. A time without zone is UTC."""
    text = text.strip()
    if text.lower() == "now":
        return Span(now, now)
    try:
        if ago := _AGO.fullmatch(text):
            at = now - timedelta(**{ago[2].lower() + "s": int(ago[1])})
            return Span(at, at)
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        return Span(at, at + timedelta(days=1) if _DAY.fullmatch(text) else at)
    except (ValueError, OverflowError):
        return None


def at_milliseconds(number: float) -> Span | None:
    """The moment so many milliseconds after 1970; None outside of the years 1 to 9999."""
    try:
        at = _EPOCH + timedelta(milliseconds=number)
    except (ValueError, OverflowError):
        return None
    return Span(at, at)
