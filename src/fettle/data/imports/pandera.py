"""Take over a pandera schema: what `to_json()` and `to_yaml()` write, or the schema object itself.

The package is not needed for files, and never imported: an object is read by its attributes. Custom checks are Python
and are listed as not taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from fettle.core.errors import FettleError, Invalid
from fettle.data.checks.vetting import vet
from fettle.data.imports.found import (
    Imported,
    NotMapped,
    Unmapped,
    bounds,
    column,
    kind_named,
    listed,
    named,
    value,
)
from fettle.data.records.checks import Check
from fettle.data.schemas import check_pattern

Arguments = Mapping[str, Any]


class _Asked(NamedTuple):
    """One check of a column: its name, its arguments, and whether it only warns."""

    name: str
    given: Arguments
    warns: bool = False


def from_schema(schema: Any) -> Imported:
    """The checks of a `DataFrameSchema` object of pandera, for pandas or for polars.

    Raises:
        Invalid: It is no such object.
    """
    if not hasattr(schema, "columns") or not hasattr(schema, "strict"):
        raise Invalid(
            "This is no pandera schema.", found=type(schema).__name__, hint="Give a DataFrameSchema."
        )
    columns = {name: _fields_of(each) for name, each in schema.columns.items()}
    return from_fields(
        {
            "name": schema.name,
            "columns": columns,
            "checks": [_check_fields(each) for each in schema.checks or []],
            "unique": list(schema.unique or []),
            "strict": schema.strict,
            "ordered": getattr(schema, "ordered", False),
        }
    )


def _fields_of(each: Any) -> dict[str, Any]:
    return {
        "dtype": str(each.dtype) if each.dtype is not None else None,
        "nullable": each.nullable,
        "unique": each.unique,
        "required": each.required,
        "regex": each.regex,
        "description": each.description,
        "checks": [_check_fields(check) for check in each.checks or []],
    }


def _check_fields(check: Any) -> dict[str, Any]:
    statistics = dict(getattr(check, "statistics", None) or {})
    options = {"check_name": str(check.name), "raise_warning": bool(check.raise_warning)}
    return {**statistics, "options": options}


def from_fields(fields: Mapping[str, Any]) -> Imported:
    """The checks of a schema as pandera serialises it."""
    made = _Import()
    columns = fields.get("columns") or {}
    for name, each in columns.items():
        made.column(str(name), each or {})
    if fields.get("unique"):
        wanted = fields["unique"]
        made.add("table-unique", lambda: {"unique": [wanted] if isinstance(wanted, str) else list(wanted)})
    plain = [str(name) for name, each in columns.items() if not (each or {}).get("regex")]
    optional = any(
        not (each or {}).get("required", True) or (each or {}).get("regex") for each in columns.values()
    )
    if fields.get("strict") is True and optional:
        made.leave("strict", "table", "some of its columns need not be there")
    elif fields.get("ordered") and fields.get("strict") is True:
        names = ", ".join(value(name) for name in plain)
        made.add("table-columns", lambda: {"expression": f"columns_are({names})"})
    elif fields.get("strict") is True:
        made.add("table-columns", lambda: {"expression": f"columns() = {len(plain)}"})
    elif fields.get("ordered") or fields.get("strict"):
        made.leave(
            "ordered" if fields.get("ordered") else "strict", "table", "it has no counterpart by itself"
        )
    for asked in _checks(fields.get("checks")):
        made.leave(asked.name, "table", "checks of whole rows are Python; write them as an expression")
    if fields.get("index"):
        made.leave("index", "table", "a table has no index here")
    return Imported(f"pandera schema {fields.get('name') or ''}".rstrip(), made.checks, made.unmapped)


class _Import:
    """The checks made so far, and what was left."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.unmapped: list[Unmapped] = []
        self._taken: set[str] = set()

    def leave(self, name: str, about: str, reason: str) -> None:
        self.unmapped.append(Unmapped(name, about, reason))

    def add(
        self,
        id: str,
        build: Callable[[], dict[str, Any]],
        *,
        about: str = "table",
        said: str = "",
        warns: bool = False,
    ) -> None:
        try:
            form = build()
            severity = "warning" if warns else "error"
            made = Check(id=named(id, self._taken), **form, severity=severity, description=said)
            self.checks.append(vet(made))
        except NotMapped as reason:
            self.leave(id, about, str(reason))
        except FettleError as error:
            self.leave(id, about, f"{error.message} {error.found}".strip())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.leave(id, about, f"its arguments are not as expected: {error!r}")

    def column(self, name: str, each: Mapping[str, Any]) -> None:
        """All that is asked of one column."""
        if each.get("regex"):
            self.leave("regex", name, "one rule for all columns that match a pattern; write a check a column")
            return
        said = str(each.get("description") or "")
        if each.get("required", True):
            self.add(
                f"{name}-exists", lambda: {"expression": f"has_column({value(name)})"}, about=name, said=said
            )
        else:
            self.leave("required=False", name, "the column's other checks are broken where it is missing")
        if each.get("dtype"):
            kind = str(each["dtype"])
            self.add(f"{name}-type", lambda: {"expression": _typed(name, kind)}, about=name, said=said)
        if not each.get("nullable", False):
            text = f"{column(name)} is not null"
            self.add(f"{name}-present", lambda: {"expression": text}, about=name, said=said)
        if each.get("unique"):
            self.add(
                f"{name}-unique", lambda: {"expression": f"unique({column(name)})"}, about=name, said=said
            )
        for asked in (*_checks(each.get("checks")), *_flat(each)):
            self.add(
                f"{name}-{asked.name.replace('_', '-')}",
                lambda asked=asked: {"expression": _expression(name, asked)},
                about=name,
                said=said,
                warns=asked.warns,
            )


def _typed(name: str, kind: str) -> str:
    return f"type_of({column(name)}) = {value(kind_named(kind))}"


_KNOWN = frozenset(
    (
        *(
            "title",
            "description",
            "dtype",
            "nullable",
            "checks",
            "unique",
            "coerce",
            "required",
            "regex",
            "default",
        ),
        *("metadata", "report_duplicates", "parsers", "drop_invalid_rows"),
    )
)


def _flat(each: Mapping[str, Any]) -> Iterator[_Asked]:
    """Checks that stand among the fields of a column, as releases since 0.24 write them."""
    for name, given in each.items():
        if name not in _KNOWN:
            yield _asked(str(name), given)


def _checks(found: Any) -> Iterator[_Asked]:
    """Checks under `checks`: by name, or a list with `options.check_name`."""
    if isinstance(found, Mapping):
        for name, given in found.items():
            yield _asked(str(name), given)
    for each in found if isinstance(found, list) else []:
        options = each.get("options") or {}
        yield _asked(str(options.get("check_name") or "custom"), each)


def _asked(name: str, given: Any) -> _Asked:
    if not isinstance(given, Mapping):
        return _Asked(name, {"value": given})
    options = given.get("options") or {}
    warns = bool(given.get("raise_warning") or options.get("raise_warning"))
    return _Asked(name, {key: each for key, each in given.items() if key != "options"}, warns)


def _expression(name: str, asked: _Asked) -> str:
    if asked.name not in _MAPPED:
        raise NotMapped("it is a custom check, or has no counterpart")
    return _MAPPED[asked.name](column(name), asked.given)


def _one(given: Arguments, *names: str) -> Any:
    """The only argument of a check, under whichever name a release writes it."""
    for name in (*names, "value"):
        if name in given:
            return given[name]
    raise NotMapped("it has no value")


def _compared(sign: str, *names: str) -> Callable[[str, Arguments], str]:
    return lambda what, given: f"{what} {sign} {value(_one(given, *names))}"


def _in_range(what: str, given: Arguments) -> str:
    return bounds(
        what,
        given["min_value"],
        given["max_value"],
        strict_low=not given.get("include_min", True),
        strict_high=not given.get("include_max", True),
    )


def _length(what: str, given: Arguments) -> str:
    exact = given.get("exact_value", given.get("value"))
    if exact is not None:
        return f"len({what}) = {value(exact)}"
    return bounds(f"len({what})", given.get("min_value"), given.get("max_value"))


def _pattern(what: str, given: Arguments, front: str = "") -> str:
    pattern = check_pattern(f"{front}(?:{_one(given, 'pattern')})" if front else str(_one(given, "pattern")))
    return f"matches({what}, {value(pattern)})"


def _all_values(what: str, given: Arguments) -> str:
    wanted = _one(given, "values")
    there = " and ".join(f"share({what} = {value(each)}) > 0" for each in wanted)
    return f"{what} in {listed(wanted)} and {there}"


_MAPPED: dict[str, Callable[[str, Arguments], str]] = {
    "equal_to": _compared("="),
    "not_equal_to": _compared("!="),
    "greater_than": _compared(">", "min_value"),
    "greater_than_or_equal_to": _compared(">=", "min_value"),
    "less_than": _compared("<", "max_value"),
    "less_than_or_equal_to": _compared("<=", "max_value"),
    "in_range": _in_range,
    "isin": lambda what, given: f"{what} in {listed(_one(given, 'allowed_values'))}",
    "notin": lambda what, given: f"{what} not in {listed(_one(given, 'forbidden_values'))}",
    "str_matches": lambda what, given: _pattern(what, given, "^"),
    "str_contains": _pattern,
    "str_startswith": lambda what, given: f"starts({what}, {value(_one(given, 'string'))})",
    "str_endswith": lambda what, given: f"ends({what}, {value(_one(given, 'string'))})",
    "str_length": _length,
    "unique_values_eq": _all_values,
}
"""Check of pandera → the expression that asks the same."""
