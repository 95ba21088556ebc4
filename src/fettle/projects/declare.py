"""Write and read `fettle.toml`, the declarative form of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fettle.core.config import Settings, setting_of
from fettle.core.errors import Conflict, Unavailable
from fettle.projects.records import Project, project_of

FILE = "fettle.toml"


def read_project(folder: Path, flags: Mapping[str, Any] | None = None) -> Project:
    """Read the project of `folder`; `flags` are settings by key that win over the file."""
    return project_of(Settings.read(folder, flags), folder)


def read_values(folder: Path) -> dict[str, Any]:
    """The settings that `fettle.toml` in `folder` states, by key; empty if there is no such file."""
    return {
        each.setting.key: each.value for each in Settings.read(folder).all() if each.origin == "fettle.toml"
    }


def write_project(folder: Path, values: Mapping[str, Any], *, replace: bool = False) -> Path:
    """Write `fettle.toml` with the given settings, by key, in the order of the table.

    Raises:
        Conflict: The file exists and says something else, and `replace` is False.
        Unavailable: The folder cannot be written.
    """
    path = folder / FILE
    text = render(values)
    try:
        if path.exists() and path.read_text("utf-8") != text and not replace:
            raise Conflict(
                f"{path} exists already.",
                found="other settings in it",
                hint="Edit it, or remove it first; `fettle run` uses it as it is.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".toml.new")
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written.", found=str(error), hint="Choose a folder you may write to."
        ) from error
    return path


def render(values: Mapping[str, Any]) -> str:
    """The text of `fettle.toml` for settings given by key.

    Example:
        >>> print(render({"project.name": "churn", "train.trials": 12}))
        [project]
        name = "churn"
        <BLANKLINE>
        [train]
        trials = 12
        <BLANKLINE>
    """
    tables: dict[str, list[str]] = {}
    listed: list[str] = []
    for key, value in values.items():
        if setting_of(key).kind == "tables":
            listed += [_listed(key, each) for each in value]
            continue
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {_toml(value)}")
    parts = [
        ("" if not table else f"[{table}]\n") + "\n".join(lines) + "\n" for table, lines in tables.items()
    ]
    return "\n".join([*parts, *listed])


def _listed(key: str, table: Mapping[str, Any]) -> str:
    """One of several tables of the same name; they stand last, for what follows them would belong to them."""
    return f"[[{key}]]\n" + "".join(f"{name} = {_toml(each)}\n" for name, each in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
