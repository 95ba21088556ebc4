"""How a source is to be read: what a user may decide, and what is found out where nothing is said."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from fettle.data.ragged import OnRagged
from fettle.data.recognise import OnMixed

MOST_BYTES = 64 << 30


class Reading(msgspec.Struct, frozen=True):
    """What was decided about reading a source.

    Attributes:
        mixed: What to do with a few texts in a column of numbers or dates.
        encoding: The encoding of a text, such as `windows-1252`; None: find out.
        ragged: What to do with rows of another width than the header's.
        separator: What divides the values of a CSV file; None: find out.
        sheet: The sheet of a workbook, or the table of a database file; None: the first that is not empty, or the only.
        cache: The folder for downloads; None: the user's own.
        max_bytes: The most that may be downloaded.
    """

    mixed: OnMixed = "error"
    encoding: str | None = None
    ragged: OnRagged = "error"
    separator: str | None = None
    sheet: str | None = None
    cache: Path | None = None
    max_bytes: int = MOST_BYTES


class Read(msgspec.Struct, frozen=True):
    """What came of it: the table, notes for the user, and how many rows were left out."""

    frame: pl.DataFrame
    notes: list[str]
    rejected: int = 0
