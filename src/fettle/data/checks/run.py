"""Answer all checks of a table: one `select` for every condition, and the rows only of those that fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.data.checks import sql
from fettle.data.checks.compiling import compile_condition
from fettle.data.checks.python import PythonCheck
from fettle.data.records import Type
from fettle.data.records.checks import Check, CheckedRow, CheckReport, CheckResult
from fettle.data.types import normalise, type_of

FAILING = 20
"""Rows listed with a failed check."""
_ROW = "__row__"
Lookup = Callable[[str], pl.LazyFrame]
"""Gives the rows of a dataset version, such as `customers@main`."""


class Condition(NamedTuple):
    """A check as an expression that is true for a good row."""

    check: Check
    good: pl.Expr
    whole: bool


class Rows(NamedTuple):
    """A check as the rows that fail."""

    check: Check
    bad: pl.LazyFrame


def run_checks(
    frame: pl.DataFrame | pl.LazyFrame,
    checks: Sequence[Check | PythonCheck],
    *,
    lookup: Lookup | None = None,
    failing: int = FAILING,
) -> CheckReport:
    """Make all checks of a table in one pass.

    Args:
        frame: The rows; an eager frame is normalised first.
        checks: Checks and Python checks.
        lookup: Where other datasets are found, for `references`; None: such checks are broken.
        failing: Rows listed with each check that fails.

    Returns:
        A result a check, in their order. A check that cannot be made (an unknown column, a wrong query) is `broken`,
        and the others are made all the same.
    """
    lazy = normalise(frame).lazy() if isinstance(frame, pl.DataFrame) else _without_nan(frame)
    schema = lazy.collect_schema()
    prepared = [_prepared(each, lazy, schema, lookup) for each in checks]
    conditions = [each for each in prepared if isinstance(each, Condition)]
    listed = [each for each in prepared if isinstance(each, Rows)]
    total, counts = _counted(lazy, conditions)
    made = {
        each.check.id: _judged(each.check, *counted) for each, counted in zip(conditions, counts, strict=True)
    }
    made |= {each.check.id: _rows_counted(each, total, failing) for each in listed}
    shown = [each for each in conditions if made[each.check.id].failed and not each.whole and failing]
    for each, rows in zip(shown, _failing(lazy, shown, failing), strict=True):
        found = made[each.check.id]
        made[each.check.id] = CheckResult(found.check, found.outcome, found.rows, found.failed, rows)
    results = [each if isinstance(each, CheckResult) else made[each.check.id] for each in prepared]
    return CheckReport(total, results)


def failing_rows(frame: pl.DataFrame | pl.LazyFrame, check: Check | PythonCheck) -> pl.DataFrame:
    """All rows that fail a check, whole, with their number (`row`, the first is 1) in front where it is known.

    Raises:
        Invalid: The check cannot be made on this table.
    """
    lazy = normalise(frame).lazy() if isinstance(frame, pl.DataFrame) else _without_nan(frame)
    made = _prepared(check, lazy, lazy.collect_schema(), None)
    if isinstance(made, CheckResult):
        raise Invalid(f"The check {made.check.id!r} cannot be made.", found=made.message)
    if isinstance(made, Rows):
        return made.bad.collect()
    numbered = lazy.with_columns(made.good.alias("__good__")).with_row_index("row", offset=1)
    return numbered.filter(~pl.col("__good__")).drop("__good__").collect()


def failing_table(
    frame: pl.LazyFrame, checks: Sequence[Check | PythonCheck], *, lookup: Lookup | None = None
) -> pl.DataFrame:
    """All failing rows of all checks that do not pass, long: `check`, `row` (the first is 1), `column`, `value`."""
    lazy = _without_nan(frame)
    results = run_checks(lazy, checks, lookup=lookup, failing=0).results
    pieces = []
    for given, result in zip(checks, results, strict=True):
        if result.outcome != "failed" or (result.rows == 1 and result.failed == 1):
            continue
        made = _prepared(given, lazy, lazy.collect_schema(), lookup)
        if isinstance(made, Condition):
            rows = _failing_of(lazy, made)
        elif isinstance(made, Rows):
            rows = made.bad
        else:
            continue
        pieces.append(_long(rows.collect(), result.check.id))
    empty = {"check": pl.String, "row": pl.Int64, "column": pl.String, "value": pl.String}
    return pl.concat([pl.DataFrame(schema=empty), *pieces])


def _long(rows: pl.DataFrame, id: str) -> pl.DataFrame:
    if "row" not in rows.columns:
        rows = rows.with_columns(pl.lit(0).alias("row"))
    texts = rows.select(pl.col("row").cast(pl.Int64), pl.exclude("row").cast(pl.String))
    long = texts.unpivot(index="row", variable_name="column", value_name="value")
    return long.select(pl.lit(id).alias("check"), "row", "column", "value").sort("row", maintain_order=True)


def _without_nan(frame: pl.LazyFrame) -> pl.LazyFrame:
    floats = [name for name, dtype in frame.collect_schema().items() if dtype.is_float()]
    return frame.with_columns(pl.col(floats).fill_nan(None)) if floats else frame


def _prepared(
    given: Check | PythonCheck, lazy: pl.LazyFrame, schema: pl.Schema, lookup: Lookup | None
) -> Condition | Rows | CheckResult:
    check = given.check if isinstance(given, PythonCheck) else given
    try:
        types: dict[str, Type] = {name: type_of(dtype) for name, dtype in schema.items()}
        made = _asked(given, check, lazy, types, lookup)
        if isinstance(made, Condition):
            _try_out(made, schema)
        return made
    except FettleError as error:
        return CheckResult(check, "broken", message=" ".join(str(error).split()))
    except pl.exceptions.PolarsError as error:
        return CheckResult(check, "broken", message=str(error).splitlines()[0])


def _try_out(made: Condition, schema: pl.Schema) -> None:
    """Run the condition on no rows: polars says what does not fit."""
    found = pl.DataFrame(schema=schema).lazy().select(made.good.alias("good")).collect()
    if found.schema["good"] not in (pl.Boolean, pl.Null):
        raise Invalid("The check gives no true or false.", found=f"values of type {found.schema['good']}")


def _asked(
    given: Check | PythonCheck,
    check: Check,
    lazy: pl.LazyFrame,
    types: dict[str, Type],
    lookup: Lookup | None,
) -> Condition | Rows:
    if isinstance(given, PythonCheck):
        return _answered(given, lazy)
    if check.expression:
        made = compile_condition(check.expression, types)
        return Condition(check, made.expr, made.whole)
    if check.sql:
        return Condition(check, sql.condition(check.sql), False)
    if check.query:
        return Rows(check, sql.rows_of(check.query, lazy.collect()).lazy())
    if check.unique:
        _known(check.unique, types)
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in check.unique)
        return Condition(check, compile_condition(f"unique({names})", types).expr, False)
    if check.references:
        return _referred(check, lazy, types, lookup)
    raise Invalid(
        f"The function {check.function!r} is not here.",
        hint="Give the file that declares it: --checks checks.py",
    )


def _answered(given: PythonCheck, lazy: pl.LazyFrame) -> Condition | Rows:
    try:
        answer = given(lazy)
    except (TypeError, ValueError, KeyError, AttributeError, NameError) as error:
        raise Invalid(
            f"The function {given.check.id!r} failed.", found=f"{type(error).__name__}: {error}"
        ) from error
    if isinstance(answer, pl.Expr):
        return Condition(given.check, answer, False)
    if isinstance(answer, pl.LazyFrame | pl.DataFrame):
        return Rows(given.check, answer.lazy())
    raise Invalid(
        f"The function {given.check.id!r} gives an expression, or a lazy frame of the rows that fail.",
        found=type(answer).__name__,
    )


def _referred(
    check: Check, lazy: pl.LazyFrame, types: dict[str, Type], lookup: Lookup | None
) -> Condition | Rows:
    """Values that must occur in another dataset; a missing value refers to nothing and passes."""
    place, _, columns = check.references.rpartition(":")
    there = [name.strip() for name in columns.split(",")]
    _known(check.columns, types)
    if lookup is None:
        raise Invalid("There is no workspace to look up other datasets in.", found=check.references)
    if len(there) != len(check.columns):
        raise Invalid("As many columns are needed here as there.", found=f"{check.columns} and {there}")
    other = lookup(place)
    _known(there, other.collect_schema())
    if len(there) == 1:
        values = other.select(pl.col(there[0]).drop_nulls().unique()).collect().to_series()
        column = pl.col(check.columns[0])
        good = pl.when(column.is_not_null()).then(column.is_in(values.implode()))
        return Condition(check, good, False)
    present = lazy.with_row_index("row", offset=1).drop_nulls(check.columns)
    return Rows(
        check, present.join(other.select(there).unique(), left_on=check.columns, right_on=there, how="anti")
    )


def _known(names: Sequence[str], known: Sequence[str] | dict[str, Type] | pl.Schema) -> None:
    for name in names:
        if name not in known:
            raise NotFound.among("column", name, known)


def _counted(lazy: pl.LazyFrame, conditions: list[Condition]) -> tuple[int, list[tuple[int, int]]]:
    """Rows of the table, and for each condition the rows it could be told of and those that fail."""
    asked = [pl.len().alias("rows")]
    for at, each in enumerate(conditions):
        asked.append((~each.good).sum().alias(f"bad:{at}"))
        if each.check.mostly < 1 and not each.whole:
            asked.append(each.good.count().alias(f"told:{at}"))
    found = lazy.select(asked).collect(engine="streaming").row(0, named=True)
    total = int(found["rows"])
    counts = [
        (1 if each.whole else int(found.get(f"told:{at}", total)), int(found[f"bad:{at}"] or 0))
        for at, each in enumerate(conditions)
    ]
    return total, counts


def _judged(check: Check, rows: int, failed: int) -> CheckResult:
    passed = failed == 0 or failed <= (1 - check.mostly) * rows + 1e-9
    return CheckResult(check, "passed" if passed else "failed", rows, failed)


def _rows_counted(each: Rows, total: int, most: int) -> CheckResult:
    try:
        frame = each.bad.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        return CheckResult(each.check, "broken", message=str(error).splitlines()[0])
    made = _judged(each.check, total, frame.height)
    return CheckResult(
        made.check, made.outcome, made.rows, made.failed, _listed(frame.head(most), each.check.columns)
    )


def _failing(lazy: pl.LazyFrame, shown: list[Condition], most: int) -> list[list[CheckedRow]]:
    queries = [_failing_of(lazy, each).head(most) for each in shown]
    return [_listed(frame, []) for frame in pl.collect_all(queries)]


def _failing_of(lazy: pl.LazyFrame, each: Condition) -> pl.LazyFrame:
    """The rows that fail, with their number and the columns looked at."""
    names = each.check.columns or [
        name for name in dict.fromkeys(each.good.meta.root_names()) if name != "row"
    ]
    found = lazy.select(*names, each.good.alias("__good__")).with_row_index(_ROW, offset=1)
    return found.filter(~pl.col("__good__")).drop("__good__").rename({_ROW: "row"})


def _listed(frame: pl.DataFrame, columns: Sequence[str]) -> list[CheckedRow]:
    numbered = "row" in frame.columns
    names = [name for name in frame.columns if name != "row" and (not columns or name in columns)]
    texts = frame.select(pl.col(name).cast(pl.String) for name in names)
    numbers = frame["row"].to_list() if numbered else [0] * frame.height
    return [
        CheckedRow(int(number), dict(zip(names, values, strict=True)))
        for number, values in zip(numbers, texts.rows(), strict=True)
    ]
