"""Whether a table can be learned from: asked before anything is written, so that a mistake costs seconds, no trace.

The recipe checks the same again where it matters; here the answer comes first, in the words of who typed the command.
"""

from __future__ import annotations

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data import split, versions
from fettle.projects.records import Project
from fettle.projects.rows import LEAST_ROWS
from fettle.training.targets import task_of


def check_learnable(frame: pl.DataFrame, project: Project) -> None:
    """Hold a table against what a project wants from it.

    Args:
        frame: The whole table.
        project: Its target, time, task and ignored columns are looked at.

    Raises:
        NotFound: A named column is not in the table; the nearest names are offered.
        Invalid: The time is no time; fewer than 50 rows have a target (and a time); the target is one value only, or
            cannot be predicted in the way that was asked for.
    """
    named = {"target": project.target, "time": project.time}
    for role, name in [*named.items(), *(("ignored column", each) for each in project.ignore)]:
        if name and name not in frame.columns:
            raise _missing_column(role, name, frame.columns)
    if project.target == project.time:
        raise Invalid(
            f"The column {project.target!r} cannot be both the target and the time.",
            found=f"--target {project.target} --time {project.time}",
            hint="Name another column as one of them, or leave the time out.",
        )
    if project.time:
        frame = versions.timed(frame, project.time)
    _check_rows(frame, project)
    usable = frame.drop_nulls([name for name in named.values() if name])
    task_of(usable[project.target], project.task)
    if project.time:
        _check_older(split.by_time(usable, project.time)[0], project)


def _check_older(older: pl.DataFrame, project: Project) -> None:
    """Make sure that the rows to be learned from, which are the oldest, know more than one answer."""
    values = older[project.target]
    if values.n_unique() > 1:
        return
    raise Invalid(
        f"The target {project.target!r} has one value only in the older rows, which are learned from.",
        found=f"{values[0]!r} in all {older.height:,} rows up to {older[project.time][-1]}; others come later",
        hint="Give rows from further back; or leave the time out, if the order of the rows means nothing.",
        subject=f"column:{project.target}",
    )


def _missing_column(role: str, name: str, names: list[str]) -> NotFound:
    """Say which column was asked for as what, and which there are."""
    error = NotFound.among("column", name, names, hint="Names are as in the first row of the file.")
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return NotFound(
        f"There is no column {name!r} to be the {role}.",
        found=f"{len(names)} columns: {shown}",
        hint=error.hint,
        subject=error.subject,
    )


def _check_rows(frame: pl.DataFrame, project: Project) -> None:
    target, time = frame[project.target], project.time
    known = len(target) - target.null_count()
    if known == 0:
        raise Invalid(
            f"The target {project.target!r} has no values.",
            found=f"it is missing in all {len(target):,} rows",
            hint="Choose another target column, or fill it where the answer is known.",
            subject=f"column:{project.target}",
        )
    usable = frame.drop_nulls([project.target, *([time] if time else [])]).height
    if usable >= LEAST_ROWS:
        return
    gaps = [f"{len(target):,} rows"]
    if known < len(target):
        gaps.append(f"{len(target) - known:,} without {project.target!r}")
    if time and (untimed := frame[time].null_count()):
        gaps.append(f"{untimed:,} without {time!r}")
    raise Invalid(
        f"There are too few rows to learn from: {usable} with a value of {project.target!r}"
        + (f" and of {time!r}." if time else "."),
        found=", ".join(gaps),
        hint=f"At least {LEAST_ROWS} are needed; some hundreds make a useful model.",
    )
