"""Check a table against its schema: every way in which it is not as expected, how grave, and what to do.

All rules are compiled into one polars query, so that a table is read once however many rules there are; only for
those that fail is it read again, for examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import nearest
from fettle.data.records import Anomaly, Report, Rule, Schema, Severity, Type
from fettle.data.types import normalise, type_of

KINDS: dict[str, Severity] = {
    "missing-column": "error",
    "new-column": "notice",
    "type": "error",
    "missing-rate": "warning",
    "range": "warning",
    "infinite": "error",
    "unseen-category": "warning",
    "not-unique": "warning",
    "no-rows": "error",
}
"""Every kind of anomaly and its severity. A missing target or an unseen class is an error too.

Values out of range stay a warning however many they are: the world may have moved, which is drift and not a broken
delivery, and must not keep anyone from retraining.
"""

GRAVE_SHARE = 0.5
"""So much more missing than allowed is an error: the column was not delivered."""
EXAMPLES = 5
_ORDER = {"error": 0, "warning": 1, "notice": 2}
_FITS: dict[Type, tuple[Type, ...]] = {"number": ("integer",), "datetime": ("date",)}


def validate(frame: pl.DataFrame, schema: Schema) -> Report:
    """Check the rows of a table against a schema.

    Args:
        frame: The rows; normalised first, so NaN counts as missing.
        schema: What is expected.

    Returns:
        The anomalies, the gravest first; `report.ok` is False if one is an error.
    """
    frame = normalise(frame)
    if frame.height == 0:
        nothing = Anomaly(
            "no-rows", "", "error", "The table has no rows.", suggestion="Check where it comes from."
        )
        return Report(0, [nothing])
    anomalies = list(_structure(frame, schema))
    failed = {each.column for each in anomalies}
    rules = [rule for rule in schema.columns if rule.name in frame.columns and rule.name not in failed]
    anomalies += _values(frame, rules, schema.target)
    return Report(
        frame.height, sorted(anomalies, key=lambda each: (_ORDER[each.severity], -each.rows, each.column))
    )


def accept(schema: Schema, anomalies: Iterable[Anomaly]) -> Schema:
    """Change a schema so that these anomalies are expected from now on: the suggested change of each, applied."""
    rules = {rule.name: rule for rule in schema.columns}
    for anomaly in anomalies:
        change = anomaly.change
        if change is None:
            continue
        known = rules.get(anomaly.column)
        base = msgspec.to_builtins(known) if known is not None else {"name": anomaly.column}
        if "values" in change and base.get("values") is not None:
            change = change | {"values": sorted({*base["values"], *change["values"]})}
        rules[anomaly.column] = msgspec.convert(base | change, Rule)
    return msgspec.structs.replace(schema, columns=list(rules.values()))


def _structure(frame: pl.DataFrame, schema: Schema) -> Iterator[Anomaly]:
    """Columns that are missing, new or of another type."""
    known = [rule.name for rule in schema.columns]
    new = [name for name in frame.columns if name not in known]
    for rule in schema.columns:
        if rule.name not in frame.columns:
            if rule.required:
                close = nearest(rule.name, new)
                advice = (
                    f"Rename {close[0]!r} to {rule.name!r}, if that is it." if close else "Deliver it again."
                )
                text = f"The column {rule.name!r} is missing."
                yield _anomaly("missing-column", rule.name, text, frame.height, advice, {"required": False})
            continue
        column = frame[rule.name]
        found = type_of(column.dtype)
        if found != rule.type and found not in _FITS.get(rule.type, ()) and column.null_count() < len(column):
            yield _anomaly(
                "type",
                rule.name,
                f"The column {rule.name!r} holds values of type {found}, not {rule.type}.",
                len(column) - column.null_count(),
                f"Deliver {rule.type} values; or set type = {found!r} if it changed for good.",
                {"type": found, "min": None, "max": None, "values": None},
                _examples(column.drop_nulls()),
            )
    for name in new:
        found = type_of(frame.schema[name])
        text = f"The column {name!r} is not in the schema."
        advice = "Add it to the schema; a model trained before ignores it."
        yield _anomaly("new-column", name, text, 0, advice, {"type": found, "required": False})


def _values(frame: pl.DataFrame, rules: list[Rule], target: str | None) -> Iterator[Anomaly]:
    """Rules about values: all counted in one query."""
    checks = [(rule, kind, bad) for rule in rules for kind, bad in _checks(rule, frame.schema[rule.name])]
    if not checks:
        return
    counted = frame.select(bad.sum().alias(f"{index}") for index, (_, _, bad) in enumerate(checks)).row(0)
    for (rule, kind, bad), count in zip(checks, counted, strict=True):
        if count and not (kind == "missing-rate" and count <= (rule.missing_max or 0.0) * frame.height):
            bad_values = frame.filter(bad)[rule.name]
            yield _failed(rule, kind, int(count), frame, bad_values, rule.name == target)


def _checks(rule: Rule, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    """The expressions that are true for a row that breaks a rule."""
    column = pl.col(rule.name)
    if rule.missing_max is not None:
        yield "missing-rate", column.is_null()
    if dtype == pl.Float64:
        yield "infinite", column.is_infinite()
    if dtype.is_numeric() and (rule.min is not None or rule.max is not None):
        below = column < rule.min if rule.min is not None else pl.lit(False)
        above = column > rule.max if rule.max is not None else pl.lit(False)
        yield "range", (below | above) & column.is_finite()
    if rule.values is not None and dtype == pl.String:
        yield "unseen-category", column.is_not_null() & ~column.is_in(rule.values)
    if rule.unique:
        yield "not-unique", column.is_not_null() & column.is_duplicated()


def _failed(
    rule: Rule, kind: str, count: int, frame: pl.DataFrame, bad: pl.Series, is_target: bool
) -> Anomaly:
    share = count / frame.height
    text, advice, change = _words(rule, kind, count, share, bad)
    severity = KINDS[kind]
    lost = kind == "missing-rate" and share - (rule.missing_max or 0.0) >= GRAVE_SHARE
    if lost or (is_target and kind in ("missing-rate", "unseen-category")):
        severity = "error"
    examples = [] if kind == "missing-rate" else _examples(bad)
    return Anomaly(kind, rule.name, severity, text, count, examples, advice, change)


def _words(
    rule: Rule, kind: str, count: int, share: float, bad: pl.Series
) -> tuple[str, str, dict[str, Any] | None]:
    """What is wrong, what to do, and the change of the rule that would allow it."""
    name, rows = repr(rule.name), f"{count:,} row(s) ({share:.1%})"
    if kind == "missing-rate":
        worst = min(1.0, round(share + 0.005, 2))
        text = f"{name} is missing in {rows}; at most {rule.missing_max:.1%} may be."
        return text, f"Find out why; or set missing_max = {worst}.", {"missing_max": worst}
    if kind == "infinite":
        return f"{name} is infinite in {rows}.", "Correct the division or the overflow it comes from.", None
    if kind == "range":
        low, high = float(bad.min()), float(bad.max())  # type: ignore[arg-type] - a numeric column, not empty
        change = {}
        if rule.min is not None and low < rule.min:
            change["min"] = low
        if rule.max is not None and high > rule.max:
            change["max"] = high
        bounds = f"[{'-∞' if rule.min is None else f'{rule.min:g}'}, {'∞' if rule.max is None else f'{rule.max:g}'}]"
        wanted = " and ".join(f"{key} = {value:g}" for key, value in change.items())
        text = f"{name} lies outside {bounds} in {rows}: from {low:g} to {high:g}."
        return text, f"Check units and sensors; or set {wanted}.", change
    if kind == "unseen-category":
        unseen = bad.value_counts(sort=True)[rule.name].to_list()
        shown = ", ".join(repr(each) for each in unseen[:EXAMPLES]) + (
            ", …" if len(unseen) > EXAMPLES else ""
        )
        close = nearest(unseen[0], rule.values or [])
        advice = f"Is {unseen[0]!r} meant to be {close[0]!r}? " if close else ""
        text = f"{name} has {len(unseen)} value(s) never seen before, in {rows}: {shown}."
        return text, f"{advice}Correct them; or add them to values.", {"values": unseen}
    text = f"{name} repeats values in {rows}; each should occur once."
    return text, "Remove repeated rows; or set unique = false.", {"unique": False}


def _anomaly(
    kind: str,
    column: str,
    text: str,
    rows: int,
    advice: str,
    change: dict[str, Any] | None,
    examples: list[str] | None = None,
) -> Anomaly:
    return Anomaly(kind, column, KINDS[kind], text, rows, examples or [], advice, change)


def _examples(values: pl.Series) -> list[str]:
    return [str(each) for each in values.unique(maintain_order=True).head(EXAMPLES).to_list()]
