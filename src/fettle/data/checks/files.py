"""Checks in a TOML file that people edit: a `[[check]]` table each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from fettle.core.errors import Invalid, NotFound
from fettle.data.checks.vetting import vet
from fettle.data.records.checks import Check
from fettle.data.schemas import toml_value

_SEE = "See docs/how-to/checks.md."


def from_toml(text: str) -> list[Check]:
    """Read checks.

    Raises:
        Invalid: The text is no TOML, a value is of the wrong type, an expression cannot be parsed, a name occurs twice.
        NotFound: An unknown key; the nearest is offered.
    """
    try:
        fields = tomllib.loads(text)
        listed = fields.pop("check", [])
        if fields:
            raise NotFound.among("table of checks", next(iter(fields)), ["check"], hint="[[check]]")
        checks = [msgspec.convert(_known(each), Check) for each in listed]
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Invalid("The checks have a mistake.", found=str(error), hint=_SEE) from error
    for each in checks:
        vet(each)
    names = [each.id for each in checks]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Invalid(f"The check {twice!r} occurs twice.", hint="Give each an id of its own.")
    return checks


def to_toml(checks: Iterable[Check]) -> str:
    """Write checks; `from_toml` reads them back."""
    lines = ["# What is asked of each row; see docs/how-to/checks.md."]
    for each in checks:
        lines += ["", "[[check]]"]
        empty = Check(id="")
        for key in Check.__struct_fields__:
            value = getattr(each, key)
            if value != getattr(empty, key):
                lines.append(f"{key} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def read(path: Path) -> list[Check]:
    """The checks of a TOML file.

    Raises:
        NotFound: There is no such file.
        Invalid: See `from_toml`.
    """
    try:
        return from_toml(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no file {str(path)!r}.", hint="Write checks into it: [[check]] …"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.", found=str(error), hint="It is a text in UTF-8.") from error


def _known(fields: Any) -> Any:
    keys = Check.__struct_fields__
    unknown = [key for key in fields if key not in keys] if isinstance(fields, dict) else []
    if unknown:
        raise NotFound.among(f"key of the check {fields.get('id', '?')!r}", unknown[0], keys)
    return fields
