"""A run of another tool, as its reader found it."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from fettle.core.errors import Invalid
from fettle.tracking.chunks import Points
from fettle.tracking.records.runs import Status

Curves = Iterator[tuple[str, Points]]
"""Metric and points, in the order of their logging; a metric may come in several pieces."""


def _nothing() -> Iterator[Any]:
    return iter(())


@dataclass(frozen=True)
class ForeignRun:
    """One run to be brought over.

    Attributes:
        id: Its id here: made from what names it there, so that a second import finds it.
        experiment: The experiment it goes to.
        name: What people call it.
        status: How it ended.
        started_at: When it began; None where that is not known.
        ended_at: When it ended.
        params: Parameter → value.
        tags: Tag → text.
        notes: Its notes, in Markdown.
        parent: Id of the run that it is a part of.
        inputs: What it read.
        curves: Opens the points of its metrics.
        files: Opens its files: name in the run, and where it lies.
        left: What of it cannot be brought, in words.
    """

    id: str
    experiment: str
    name: str = ""
    status: Status = "finished"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    parent: str | None = None
    inputs: list[str] = field(default_factory=list)
    curves: Callable[[], Curves] = _nothing
    files: Callable[[], Iterator[tuple[str, Path]]] = _nothing
    left: list[str] = field(default_factory=list)


def id_of(tool: str, *parts: str) -> str:
    """An id that is always the same for the same run of a tool.

    Example:
        >>> id_of("tensorboard", "logs/a")
        'tensorboard-6e25ec7ab8ee7213f0d5'
    """
    named = "\0".join(parts).encode()
    return f"{tool}-{hashlib.blake2b(named, digest_size=10).hexdigest()}"


def points_of(rows: Iterable[tuple[int, int, float]]) -> Points:
    """Points from rows of step, time in microseconds since 1970, and value."""
    table = list(rows)
    return Points(
        np.array([row[0] for row in table], "<i8"),
        np.array([row[1] for row in table], "<i8"),
        np.array([row[2] for row in table], "<f8"),
    )


def files_below(root: Path | None, left: list[str]) -> Iterator[tuple[str, Path]]:
    """The files of a folder, by their path in it; nothing where there is no folder.

    Links are never followed: whoever made the folder may have pointed them at anything on this machine.

    Args:
        root: The folder.
        left: Gets what was passed over, in words.
    """
    if root is None or root.is_symlink() or not root.is_dir():
        return
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                left.append(f"{path.relative_to(root).as_posix()} (a link, or no ordinary file)")
            else:
                yield path.relative_to(root).as_posix(), path


@dataclass(frozen=True)
class Unreadable:
    """A run that could not be read, and why."""

    name: str
    why: str


UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, OSError,
    struct.error, Invalid,
)  # fmt: skip
"""What damaged or crafted files end in; the run they belong to is passed over."""


def attempt(name: str, read: Callable[[], ForeignRun]) -> ForeignRun | Unreadable:
    """Read one run; if that fails, the others are read all the same."""
    try:
        return read()
    except UNREADABLE as error:
        return Unreadable(name, why(error))


def why(error: BaseException) -> str:
    """An error in one short line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


Found = Iterator[ForeignRun | Unreadable]
"""What a reader gives."""
