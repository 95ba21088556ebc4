"""Lay runs side by side: what they share and what they differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fettle.core import canonical
from fettle.tracking.records.comparisons import ComparedRow, Comparison, Section
from fettle.tracking.records.runs import Run

_CODE = ("git.", "code.")
_ENVIRONMENT = ("python.", "host.", "seed.")
CHANGES = "captured/changes.diff"
ENVIRONMENT = "captured/environment.json"


def differences(
    runs: Sequence[Run], packages: Sequence[Mapping[str, str]], *, all: bool = False
) -> Comparison:
    """The table of a comparison.

    Args:
        runs: Complete runs, with their files.
        packages: For each the versions of what was installed; empty where that is not known.
        all: What is the same in all of them too.
    """
    sections: list[tuple[Section, list[dict[str, Any]]]] = [
        ("about", [_about(run) for run in runs]),
        ("params", [run.params for run in runs]),
        ("metrics", [{**run.metrics, **run.not_finite} for run in runs]),
        ("tags", [_tags(run, other=True) for run in runs]),
        ("code", [_tags(run, *_CODE) | _changes(run) for run in runs]),
        (
            "environment",
            [_tags(run, *_ENVIRONMENT) | dict(each) for run, each in zip(runs, packages, strict=True)],
        ),
        ("data", [_data(run) for run in runs]),
    ]
    rows = [row for section, values in sections for row in _rows(section, values)]
    return Comparison(
        [run.id for run in runs], [run.name for run in runs], [row for row in rows if all or row.differs]
    )


def _rows(section: Section, values: Sequence[dict[str, Any]]) -> list[ComparedRow]:
    keys = dict.fromkeys(key for each in values for key in each)
    names = list(keys) if section == "about" else sorted(keys)
    return [_row(section, key, [each.get(key) for each in values]) for key in names]


def _row(section: Section, key: str, values: list[Any]) -> ComparedRow:
    return ComparedRow(section, key, values, _differ(values))


def _differ(values: Sequence[Any]) -> bool:
    """Whether the values are not all written alike: 1 and 1.0 differ, and so do 1 and true."""
    first = values[0]
    if isinstance(first, list | dict):
        return len({canonical.encode(each) for each in values}) > 1
    kind = type(first)
    return any(each != first or type(each) is not kind for each in values)


def _about(run: Run) -> dict[str, Any]:
    lasted = None if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
    return {
        "experiment": run.experiment,
        "name": run.name,
        "status": run.status,
        "author": run.author,
        "started_at": run.started_at.isoformat(),
        "duration_s": lasted,
    }


def _tags(run: Run, *beginnings: str, other: bool = False) -> dict[str, Any]:
    known = (*_CODE, *_ENVIRONMENT) if other else beginnings
    return {key: value for key, value in run.tags.items() if key.startswith(known) != other}


def _changes(run: Run) -> dict[str, Any]:
    """What was not committed, by its digest."""
    file = next((each for each in run.artifacts if each.path == CHANGES), None)
    return {} if file is None else {"uncommitted changes": file.digest[:12]}


def _data(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for reference in run.inputs:
        name, _, version = reference.partition("@")
        found[name] = f"{found[name]}, {version}" if name in found else version
    return found
