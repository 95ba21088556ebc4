"""Take over checks from a file of another tool, whichever it is, and say what could not be taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from fettle.core.errors import Invalid, NotFound
from fettle.data.imports import great_expectations, pandera
from fettle.data.imports.found import Imported, Unmapped

__all__ = ["Imported", "Unmapped", "read_suite"]


def read_suite(path: Path) -> Imported:
    """Read a Great Expectations suite (JSON of 0.18 or 1.x) or a pandera schema (YAML or JSON).

    Raises:
        NotFound: There is no such file.
        Invalid: It is neither.
        MissingExtra: It is YAML, and PyYAML is not installed.
    """
    fields = _read(path)
    if isinstance(fields, dict) and "expectations" in fields:
        return great_expectations.from_suite(fields)
    if isinstance(fields, dict) and "columns" in fields:
        return pandera.from_fields(fields)
    raise Invalid(
        f"{path.name} is neither a Great Expectations suite nor a pandera schema.",
        found=f"the keys {', '.join(list(fields)[:6])}"
        if isinstance(fields, dict)
        else type(fields).__name__,
        hint="A suite has `expectations`, a schema written by to_yaml() or to_json() has `columns`.",
    )


def _read(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {str(path)!r}.", hint="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.", found=str(error)) from error
    if path.suffix.lower() in (".yaml", ".yml"):
        return _yaml(text, path)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(f"{path.name} is not JSON.", found=str(error), hint="Is it cut?") from error


def _yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return json.loads(json.dumps(yaml.safe_load(text), default=str))
    except yaml.YAMLError as error:
        raise Invalid(f"{path.name} is not YAML.", found=str(error)) from error
