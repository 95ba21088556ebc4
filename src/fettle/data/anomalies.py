"""The kinds of anomalies: how grave each is, and the words for what is wrong and what to do about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import nearest
from fettle.data.records import Anomaly, Rule, Severity
from fettle.data.records.schemas import FailingRow

KINDS: dict[str, Severity] = {
    "missing-column": "error",
    "new-column": "notice",
    "type": "error",
    "missing-rate": "warning",
    "range": "warning",
    "infinite": "error",
    "unseen-category": "warning",
    "not-unique": "warning",
    "pattern": "warning",
    "length": "warning",
    "date-range": "warning",
    "not-monotone": "warning",
    "drift": "warning",
    "few-rows": "warning",
    "no-rows": "error",
}
"""Every kind of anomaly and its severity. A missing target or an unseen class is an error too.

Values out of range stay a warning however many they are: the world may have moved, which is drift and not a broken
delivery, and must not keep anyone from retraining.
"""

GRAVE_SHARE = 0.5
"""So much more missing than allowed is an error: the column was not delivered."""
EXAMPLES = 5

_Words = tuple[str, str, dict[str, Any] | None]


class Facts(msgspec.Struct, frozen=True):
    """What is known of the values that break a rule: how many of how many rows, their range, the values."""

    count: int
    rows: int
    low: Any = None
    high: Any = None
    values: list[Any] = []
    examples: list[Any] = []

    @property
    def share(self) -> float:
        """The share of all rows, in [0, 1]."""
        return self.count / self.rows

    @property
    def said(self) -> str:
        """How many rows, in words."""
        return f"{self.count:,} row(s) ({self.share:.1%})"


def anomaly(
    kind: str,
    column: str,
    text: str,
    rows: int = 0,
    suggestion: str = "",
    change: dict[str, Any] | None = None,
    examples: list[str] | None = None,
    failing: list[FailingRow] | None = None,
) -> Anomaly:
    """An anomaly with the severity of its kind."""
    return Anomaly(kind, column, KINDS[kind], text, rows, examples or [], suggestion, change, failing or [])


def failed(rule: Rule, kind: str, facts: Facts, failing: list[FailingRow], *, is_target: bool) -> Anomaly:
    """The anomaly of a rule about values that rows break."""
    text, advice, change = _WORDS[kind](rule, facts)
    severity = KINDS[kind]
    lost = kind == "missing-rate" and facts.share - (rule.missing_max or 0.0) >= GRAVE_SHARE
    if lost or (is_target and kind in ("missing-rate", "unseen-category")):
        severity = "error"
    examples = [str(each) for each in facts.examples]
    return Anomaly(kind, rule.name, severity, text, facts.count, examples, advice, change, failing)


def examples_of(values: pl.Series) -> list[str]:
    """Some values as texts."""
    return [str(each) for each in values.head(EXAMPLES).to_list()]


def _missing(rule: Rule, facts: Facts) -> _Words:
    worst = min(1.0, round(facts.share + 0.005, 2))
    text = f"{rule.name!r} is missing in {facts.said}; at most {rule.missing_max:.1%} may be."
    return text, f"Find out why; or set missing_max = {worst}.", {"missing_max": worst}


def _infinite(rule: Rule, facts: Facts) -> _Words:
    text = f"{rule.name!r} is infinite in {facts.said}."
    return text, "Correct the division or the overflow it comes from.", None


def _range(rule: Rule, facts: Facts) -> _Words:
    low, high = float(facts.low), float(facts.high)
    change = _wider(rule, "min", "max", low, high)
    bounds = (
        f"[{'-∞' if rule.min is None else f'{rule.min:g}'}, {'∞' if rule.max is None else f'{rule.max:g}'}]"
    )
    wanted = " and ".join(f"{key} = {value:g}" for key, value in change.items())
    text = f"{rule.name!r} lies outside {bounds} in {facts.said}: from {low:g} to {high:g}."
    return text, f"Check units and sensors; or set {wanted}.", change


def _wider(rule: Rule, low_key: str, high_key: str, low: Any, high: Any) -> dict[str, Any]:
    """The bounds that would let these values pass."""
    least, most = getattr(rule, low_key), getattr(rule, high_key)
    change = {low_key: low} if least is not None and low < least else {}
    return change | ({high_key: high} if most is not None and high > most else {})


def _unseen(rule: Rule, facts: Facts) -> _Words:
    unseen = facts.values
    shown = ", ".join(repr(each) for each in unseen[:EXAMPLES]) + (", …" if len(unseen) > EXAMPLES else "")
    close = nearest(unseen[0], rule.values or [])
    advice = f"Is {unseen[0]!r} meant to be {close[0]!r}? " if close else ""
    text = f"{rule.name!r} has {len(unseen)} value(s) never seen before, in {facts.said}: {shown}."
    return text, f"{advice}Correct them; or add them to values.", {"values": unseen}


def _repeated(rule: Rule, facts: Facts) -> _Words:
    text = f"{rule.name!r} repeats values in {facts.said}; each should occur once."
    return text, "Remove repeated rows; or set unique = false.", {"unique": False}


def _pattern(rule: Rule, facts: Facts) -> _Words:
    text = f"{rule.name!r} does not look like {rule.regex} in {facts.said}."
    return text, "Correct them; or change or remove regex.", {"regex": None}


def _length(rule: Rule, facts: Facts) -> _Words:
    change = _wider(rule, "min_length", "max_length", facts.low, facts.high)
    wanted = " and ".join(f"{key} = {value}" for key, value in change.items())
    text = f"{rule.name!r} has texts of {facts.low} to {facts.high} characters in {facts.said}."
    return text, f"Were they cut or joined? Or set {wanted}.", change


def _date_range(rule: Rule, facts: Facts) -> _Words:
    low, high = _utc(facts.low), _utc(facts.high)
    change = _wider(rule, "min_at", "max_at", low, high)
    wanted = " and ".join(f"{key} = {value:%Y-%m-%d}" for key, value in change.items())
    text = f"{rule.name!r} lies outside its time in {facts.said}: from {low:%Y-%m-%d} to {high:%Y-%m-%d}."
    return text, f"Check the clock, the zone and defaults such as 1970-01-01; or set {wanted}.", change


def _utc(value: date) -> datetime:
    whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return whole.replace(tzinfo=UTC) if whole.utcoffset() in (None, timedelta(0)) else whole.astimezone(UTC)


def _disordered(rule: Rule, facts: Facts) -> _Words:
    text = f"{rule.name!r} is not {rule.monotone} in {facts.said}."
    return text, "Sort the rows, or look for rows that came late; or remove monotone.", {"monotone": None}


_WORDS = {
    "missing-rate": _missing,
    "infinite": _infinite,
    "range": _range,
    "unseen-category": _unseen,
    "not-unique": _repeated,
    "pattern": _pattern,
    "length": _length,
    "date-range": _date_range,
    "not-monotone": _disordered,
}
