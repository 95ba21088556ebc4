"""Check a table against its schema: every way in which it is not as expected, how grave, and what to do.

All rules are compiled into one polars query, so that a table is read once however many rules there are; only for
those that fail is it read again, for the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from fettle.core.errors import nearest
from fettle.data.anomalies import KINDS, Facts, anomaly, examples_of, failed
from fettle.data.expectations import Expectation, expectations
from fettle.data.profiles import profile
from fettle.data.profiling.comparison import distance
from fettle.data.profiling.distances import GROUPS
from fettle.data.records import Anomaly, Profile, Report, Rule, Schema, Type
from fettle.data.records.schemas import FailingRow
from fettle.data.types import STORED, normalise, type_of

__all__ = ["KINDS", "accept", "failing_rows", "validate"]

FAILING = 20
"""Rows listed with an anomaly."""
_ORDER = {"error": 0, "warning": 1, "notice": 2}
_FITS: dict[Type, tuple[Type, ...]] = {"number": ("integer",), "datetime": ("date",)}
_ROW = "__row__"


def validate(
    frame: pl.DataFrame | pl.LazyFrame, schema: Schema, *, reference: Profile | None = None
) -> Report:
    """Check the rows of a table against a schema.

    Args:
        frame: The rows; an eager frame is normalised first, so NaN counts as missing.
        schema: What is expected.
        reference: The profile of good rows, for the rules with `drift_max`; None leaves those out.

    Returns:
        The anomalies, the gravest first, each with the first rows that fail; `report.ok` is False if one is an error.
    """
    lazy = _lazy(frame)
    types = lazy.collect_schema()
    asked = _asked(schema, types)
    counts = lazy.select(
        pl.len().alias("rows"),
        *(pl.col(name).null_count().alias(f"null:{name}") for name in types),
        *(each.bad.sum().alias(f"{index}") for index, each in enumerate(asked)),
    )
    found = counts.collect(engine="streaming").row(0, named=True)
    rows = int(found["rows"])
    if rows == 0:
        advice = "Check where it comes from."
        return Report(0, [anomaly("no-rows", "", "The table has no rows.", suggestion=advice)])
    anomalies = [*_too_few(schema, rows), *_structure(lazy, schema, types, found)]
    broken = [
        (each, int(found[f"{index}"] or 0))
        for index, each in enumerate(asked)
        if _breaks(each, int(found[f"{index}"] or 0), rows)
    ]
    anomalies += _values(lazy, broken, rows, schema.target)
    anomalies += _drifted(lazy, schema, types, reference)
    return Report(rows, sorted(anomalies, key=lambda each: (_ORDER[each.severity], -each.rows, each.column)))


def failing_rows(frame: pl.DataFrame | pl.LazyFrame, schema: Schema) -> pl.DataFrame:
    """All rows that break a rule about values: `row` (the first is 1), `column`, `kind`, `value` as text."""
    lazy = _lazy(frame)
    types = lazy.collect_schema()
    unfit = [
        Expectation(rule, "type", _unreadable(rule, types[rule.name]))
        for rule in schema.columns
        if rule.name in types and not _fits(rule, types[rule.name])
    ]
    asked = [*unfit, *_asked(schema, types)]
    counted = lazy.select(
        pl.len().alias("rows"), *(each.bad.sum().alias(f"{at}") for at, each in enumerate(asked))
    ).collect(engine="streaming")
    height = int(counted["rows"][0])
    broken = [each for at, each in enumerate(asked) if _breaks(each, int(counted[f"{at}"][0] or 0), height)]
    queries = [_failing(lazy, each, None) for each in broken]
    empty = pl.DataFrame(schema={"row": pl.Int64, "column": pl.String, "kind": pl.String, "value": pl.String})
    return pl.concat([empty, *pl.collect_all(queries)]).sort("row", maintain_order=True)


def accept(schema: Schema, anomalies: Iterable[Anomaly]) -> Schema:
    """Change a schema so that these anomalies are expected from now on: the suggested change of each, applied."""
    rules = {rule.name: rule for rule in schema.columns}
    rows_min = schema.rows_min
    for each in anomalies:
        change = each.change
        if change is None:
            continue
        if not each.column:
            rows_min = change.get("rows_min", rows_min)
            continue
        known = rules.get(each.column)
        base = msgspec.to_builtins(known) if known is not None else {"name": each.column}
        if "values" in change and change["values"] and base.get("values") is not None:
            change = change | {"values": sorted({*base["values"], *change["values"]})}
        rules[each.column] = msgspec.convert(base | change, Rule)
    return msgspec.structs.replace(schema, columns=list(rules.values()), rows_min=rows_min)


def _lazy(frame: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    if isinstance(frame, pl.DataFrame):
        return normalise(frame).lazy()
    floats = [name for name, dtype in frame.collect_schema().items() if dtype.is_float()]
    return frame.with_columns(pl.col(floats).fill_nan(None)) if floats else frame


def _asked(schema: Schema, types: pl.Schema) -> list[Expectation]:
    """What is asked of the values of the columns that are there and of the right type."""
    return [
        each
        for rule in schema.columns
        if rule.name in types and _fits(rule, types[rule.name])
        for each in expectations(rule, types[rule.name])
    ] + [
        Expectation(rule, "missing-rate", pl.col(rule.name).is_null())
        for rule in schema.columns
        if rule.name in types and not _fits(rule, types[rule.name]) and rule.missing_max is not None
    ]


def _fits(rule: Rule, dtype: pl.DataType) -> bool:
    found = type_of(dtype)
    return found == rule.type or found in _FITS.get(rule.type, ())


def _breaks(each: Expectation, count: int, rows: int) -> bool:
    allowed = each.rule.missing_max if each.kind == "missing-rate" else 0.0
    return count > (allowed or 0.0) * rows


def _too_few(schema: Schema, rows: int) -> Iterator[Anomaly]:
    if schema.rows_min is not None and rows < schema.rows_min:
        text = f"The table has {rows:,} row(s); at least {schema.rows_min:,} are expected."
        advice = f"Was it delivered whole? Or set rows_min = {rows}."
        yield anomaly("few-rows", "", text, rows, advice, {"rows_min": rows})


def _structure(
    lazy: pl.LazyFrame, schema: Schema, types: pl.Schema, found: dict[str, Any]
) -> Iterator[Anomaly]:
    """Columns that are missing, new or of another type."""
    known = [rule.name for rule in schema.columns]
    new = [name for name in types if name not in known]
    rows = int(found["rows"])
    for rule in schema.columns:
        if rule.name not in types:
            if rule.required:
                yield _missing_column(rule, new, rows)
        elif not _fits(rule, types[rule.name]) and (present := rows - found[f"null:{rule.name}"]):
            yield _retyped(lazy, rule, types[rule.name], present)
    for name in new:
        kind = type_of(types[name])
        text = f"The column {name!r} is not in the schema."
        advice = "Add it to the schema; a model trained before ignores it."
        yield anomaly("new-column", name, text, 0, advice, {"type": kind, "required": False})


def _missing_column(rule: Rule, new: Sequence[str], rows: int) -> Anomaly:
    close = nearest(rule.name, new)
    advice = f"Rename {close[0]!r} to {rule.name!r}, if that is it." if close else "Deliver it again."
    text = f"The column {rule.name!r} is missing."
    return anomaly("missing-column", rule.name, text, rows, advice, {"required": False})


def _retyped(lazy: pl.LazyFrame, rule: Rule, dtype: pl.DataType, present: int) -> Anomaly:
    """A column of another type: which values cannot be read as the expected one, if any."""
    kind = type_of(dtype)
    bad = Expectation(rule, "type", _unreadable(rule, dtype))
    column = pl.col(rule.name)
    unread, shown, failing = pl.collect_all(
        [
            lazy.select(bad.bad.sum()),
            lazy.select(column.drop_nulls().unique(maintain_order=True).head(5)),
            _failing(lazy, bad, FAILING),
        ]
    )
    count = int(unread.item() or 0)
    text = f"The column {rule.name!r} holds values of type {kind}, not {rule.type}"
    text += f"; {count:,} of {present:,} cannot be read as {rule.type}." if 0 < count < present else "."
    advice = "Convert the column: all its values can be read so. " if not count else ""
    advice += f"Deliver {rule.type} values; or set type = {kind!r} if it changed for good."
    nothing = dict.fromkeys(
        ("min", "max", "values", "regex", "min_length", "max_length", "min_at", "max_at", "monotone")
    )
    change = {"type": kind, **{key: None for key in nothing if getattr(rule, key) is not None}}
    rows = _listed(failing)
    return anomaly("type", rule.name, text, present, advice, change, examples_of(shown[rule.name]), rows)


def _unreadable(rule: Rule, dtype: pl.DataType) -> pl.Expr:
    """Whether a value cannot be read as the type that is expected."""
    column = pl.col(rule.name)
    if dtype.is_temporal() or (dtype == pl.Boolean and STORED[rule.type].is_temporal()):
        return column.is_not_null() if rule.type != "string" else pl.lit(False)
    if dtype == pl.String and rule.type == "boolean":
        return ~column.str.to_lowercase().is_in(["true", "false"])
    if dtype == pl.String and rule.type in ("date", "datetime"):
        read = column.str.to_datetime(strict=False, time_unit="us", format="%Y-%m-%d", exact=False)
        return column.is_not_null() & read.is_null()
    return column.is_not_null() & column.cast(STORED[rule.type], strict=False).is_null()


def _values(
    lazy: pl.LazyFrame, broken: list[tuple[Expectation, int]], rows: int, target: str | None
) -> Iterator[Anomaly]:
    """Every rule that is broken: what the bad values are like, and the first rows."""
    queries = [
        query
        for each, _ in broken
        for query in (_failing(lazy, each, FAILING), lazy.filter(each.bad).select(**_facts(each)))
    ]
    frames = pl.collect_all(queries)
    for (each, count), failing, facts in zip(broken, frames[::2], frames[1::2], strict=True):
        known = Facts(count, rows, **facts.row(0, named=True))
        yield failed(each.rule, each.kind, known, _listed(failing), is_target=each.name == target)


def _facts(each: Expectation) -> dict[str, pl.Expr]:
    """What is asked of the bad values, to say what is wrong."""
    column = pl.col(each.name)
    size = column.str.len_chars() if each.kind == "length" else column
    common = column.drop_nulls().value_counts(sort=True).struct.field(each.name)
    several = each.kind != "missing-rate"
    return {
        "low": size.min(),
        "high": size.max(),
        "values": (common if each.kind == "unseen-category" else column.head(0)).implode(),
        "examples": (column.unique(maintain_order=True).head(5) if several else column.head(0)).implode(),
    }


def _failing(lazy: pl.LazyFrame, each: Expectation, most: int | None) -> pl.LazyFrame:
    """The rows that break a rule, at most so many."""
    found = lazy.select(pl.col(each.name), each.bad.alias("__bad__")).with_row_index(_ROW, offset=1)
    found = found.filter(pl.col("__bad__"))
    return (found if most is None else found.head(most)).select(
        pl.col(_ROW).cast(pl.Int64).alias("row"),
        pl.lit(each.name).alias("column"),
        pl.lit(each.kind).alias("kind"),
        pl.col(each.name).cast(pl.String).alias("value"),
    )


def _listed(frame: pl.DataFrame) -> list[FailingRow]:
    return [FailingRow(row, value) for row, value in frame.select("row", "value").rows()]


def _drifted(
    lazy: pl.LazyFrame, schema: Schema, types: pl.Schema, reference: Profile | None
) -> Iterator[Anomaly]:
    """Columns whose values are spread otherwise than in the reference, by more than their rule allows."""
    if reference is None:
        return
    known = {each.name: each for each in reference.columns}
    rules = [
        rule
        for rule in schema.columns
        if rule.drift_max is not None and rule.name in types and rule.name in known
    ]
    if not rules:
        return
    now = profile(lazy.select([rule.name for rule in rules]), related=False)
    for rule in rules:
        was, column = known[rule.name], now.column(rule.name)
        apart = distance(was, column)
        if apart is None or rule.drift_max is None:
            continue
        groups = GROUPS if apart.ks is not None else was.distinct
        chance = groups * (1 / max(1, was.rows - was.missing) + 1 / max(1, column.rows - column.missing))
        moved = apart.psi - chance
        if moved > rule.drift_max:
            worst = float(f"{moved + 0.005:.2f}")
            text = (
                f"{rule.name!r} is spread otherwise than before: PSI {moved:.2f}, at most {rule.drift_max:g}."
            )
            advice = f"See what changed: fettle data compare; or set drift_max = {worst}."
            yield anomaly("drift", rule.name, text, now.rows, advice, {"drift_max": worst})
