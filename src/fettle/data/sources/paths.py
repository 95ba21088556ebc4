"""Paths that name more than a file: folders, globs, a sheet in a workbook, a table in a database file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from glob import glob
from pathlib import Path

from fettle.core.errors import Invalid, NotFound
from fettle.data.sniff import DATA_SUFFIXES, exists, unreadable
from fettle.data.sources.fetched import Fetched

BOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
DATABASES = (".db", ".sqlite", ".sqlite3")


def several(path: Path) -> list[Path]:
    """The files of data in a folder, or those that a glob matches; none if the path is a file, or nothing.

    Raises:
        NotFound: The glob matches none.
        Denied: The folder may not be listed.
        Invalid: The folder has no file of data.
    """
    text = str(path)
    if exists(path):
        if not path.is_dir():
            return []
        try:
            inside = sorted(each for each in path.iterdir() if _is_data(each))
        except OSError as error:
            raise unreadable(path, error) from error
        if not inside:
            raise Invalid(
                f"{path} is a folder, not a file.",
                found="no data file in it",
                hint=f"Name a file, or many with a glob: '{path}/**/*.csv'",
            )
        return inside
    if not re.search(r"[*?\[]", text) or "\x00" in text:
        return []
    found = sorted(Path(each) for each in glob(text, recursive=True) if Path(each).is_file())
    if not found:
        raise NotFound(f"There is no file that matches {path}.", found="0 files", hint="Check the path.")
    return found


def here(paths: list[Path]) -> list[Fetched]:
    """Files of this machine, described as those of elsewhere are."""
    return [Fetched(each, str(each), "", datetime.fromtimestamp(each.stat().st_mtime, UTC)) for each in paths]


def split_sheet(text: str) -> tuple[Path, str | None]:
    """Take `book.xlsx#Sheet` and `shop.db#orders` apart, unless a file has that very name."""
    base, mark, sheet = text.rpartition("#")
    if mark and base.casefold().endswith((*BOOKS, *DATABASES)) and not exists(Path(text)):
        return Path(base), sheet
    return Path(text), None


def _is_data(path: Path) -> bool:
    return (
        path.is_file()
        and path.name[0] not in "._"
        and path.name.casefold().endswith((*DATA_SUFFIXES, *BOOKS))
    )
