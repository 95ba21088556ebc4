"""Which checks are asked of a table: those kept with its dataset, and those of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.data.checks import files
from fettle.data.checks.python import PythonCheck, load_checks
from fettle.data.records.checks import Check
from fettle.data.records.versions import Commit

if TYPE_CHECKING:
    from fettle.acts import Surface


def gathered(
    ws: Surface, commit: Commit | None, paths: Sequence[Path], title: str
) -> list[Check | PythonCheck]:
    """The checks kept with the dataset of a version, and those of files; a file's check replaces one of the same id.

    Raises:
        NotFound: There is none at all, or no such file.
        Invalid: A file has a mistake.
    """
    found: dict[str, Check | PythonCheck] = {}
    if commit is not None:
        found |= {each.id: each for each in ws.call("data.checks", dataset=commit.dataset)}
    for path in paths:
        if path.suffix == ".py":
            found |= {each.check.id: each for each in load_checks(path)}
        else:
            found |= {each.id: each for each in files.read(path)}
    if not found:
        raise NotFound(
            f"There is no check for {title}.",
            hint="fettle data add-check DATASET amount-is-positive 'amount > 0', or --checks checks.toml",
            subject="check",
        )
    return list(found.values())
