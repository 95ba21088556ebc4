"""Find out what a path is before it is read: a file with a table in it, and of which kind; or why not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fettle.core.errors import Denied, Invalid, NotFound, nearest
from fettle.data.encodings import is_text

FORMATS = "CSV, Parquet, Arrow, JSON, JSON-lines, Excel or SQLite file, or an SQL query"
DATA_SUFFIXES = (
    ".csv",
    ".tsv",
    ".parquet",
    ".json",
    ".jsonl",
    ".ndjson",
    ".xlsx",
    ".xls",
    ".ods",
    ".arrow",
    ".feather",
    ".ipc",
    ".arrows",
    ".db",
    ".sqlite",
    ".sqlite3",
    ".gz",
    ".zst",
    ".txt",
)
HEAD_BYTES = 1 << 16

_TABLES = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow-stream"),
    (b"SQLite format 3\x00", "sqlite"),
)

_BINARY = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"FEA1", "a Feather file of the first version; write it again with pandas or pyarrow"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)


def exists(path: Path) -> bool:
    """Whether something is there under that name; False too where one may not look."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def check_file(path: Path) -> os.stat_result:
    """What the system knows of a file.

    Raises:
        NotFound: There is none; the nearest names are offered.
        Denied: One may not look there.
        Invalid: It is a folder or a device, or empty.
    """
    try:
        facts = path.stat()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(facts.st_mode):
        raise Invalid(f"{path} is a folder, not a file.", hint="Name a file in it.")
    if not stat.S_ISREG(facts.st_mode):
        raise Invalid(f"{path} is not a regular file.", found="a device, pipe or socket", hint="Give a file.")
    if facts.st_size == 0:
        raise Invalid(f"{path} is empty.", found="0 bytes", hint="Give a file with a header and rows.")
    return facts


def _missing(path: Path) -> NotFound:
    folder = path.parent
    try:
        names = [each.name for each in folder.iterdir() if not each.name.startswith(".")]
    except OSError:
        return NotFound(
            f"There is no file {path}.",
            found=f"no folder {folder}" if not exists(folder) else f"the folder {folder} cannot be listed",
            hint="Check the path.",
        )
    close = nearest(path.name, names)
    data = sorted(name for name in names if name.casefold().endswith(DATA_SUFFIXES))
    found = f"{len(data)} data file(s) in {folder.resolve()}" + (f": {', '.join(data[:5])}" if data else "")
    hint = (
        f"Did you mean {' or '.join(repr(str(folder / name)) for name in close)}?"
        if close
        else "Check the path."
    )
    return NotFound(f"There is no file {path}.", found=found, hint=hint, subject=f"file:{path}")


def unreadable(path: Path, error: Exception) -> Denied | Invalid:
    """The error for a file that the system will not hand out, in its own words."""
    kind = Denied if isinstance(error, PermissionError) else Invalid
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return kind(f"{path} cannot be read.", found=reason, hint=f"Look at it with: ls -l '{path}'")


def first_bytes(path: Path) -> bytes:
    """The beginning of a file.

    Raises:
        Denied: It may not be read.
        Invalid: It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error


def kind_of(path: Path, head: bytes, *, encoding: str | None = None) -> str:
    """What a file is, by its first bytes, then by its name.

    One of `csv`, `parquet`, `arrow`, `arrow-stream`, `json`, `jsonl`, `excel`, `sqlite` or `sql`.
    With an encoding named it is a text, whatever its bytes.

    Raises:
        Invalid: It is none of these.
    """
    suffix = path.suffix.casefold()
    if magic := next((kind for mark, kind in _TABLES if head.startswith(mark)), ""):
        return magic
    if head.startswith(b"\xd0\xcf\x11\xe0") or (head.startswith(b"PK") and _is_workbook(head, suffix)):
        return "excel"
    if head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        inner = Path(path.stem).suffix.casefold()
        return "jsonl" if inner in (".jsonl", ".ndjson") else "json" if inner == ".json" else "csv"
    _refuse_binary(path, head, is_text(head) or encoding is not None)
    if suffix == ".sql":
        return "sql"
    if suffix in (".xlsx", ".xls", ".ods", ".parquet", ".arrow", ".feather", ".ipc", ".sqlite", ".sqlite3"):
        raise Invalid(
            f"{path} is not the {suffix[1:]} file its name promises.",
            found="plain text",
            hint="If it is a CSV file, rename it to end in .csv.",
        )
    start = head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip(b"\xff\xfe \t\r\n")
    if start[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Invalid(
            f"{path} is a web page or XML, not a table.",
            found=start[:60].decode("utf-8", "replace"),
            hint="It may be a sign-in or download page; fetch the file itself.",
        )
    if start[:1] in (b"{", b"[") and suffix not in (".csv", ".tsv"):
        return "jsonl" if suffix in (".jsonl", ".ndjson") else "json"
    return "jsonl" if suffix in (".jsonl", ".ndjson") else "json" if suffix == ".json" else "csv"


def _is_workbook(head: bytes, suffix: str) -> bool:
    marks = (b"xl/", b"[Content_Types].xml", b"opendocument.spreadsheet")
    return suffix in (".xlsx", ".ods") or any(mark in head for mark in marks)


def _refuse_binary(path: Path, head: bytes, text: bool) -> None:
    known = next((words for magic, words in _BINARY if head.startswith(magic)), "")
    if known or not text:
        raise Invalid(
            f"{path} is a binary file, not a table.",
            found=known or "bytes that no text has",
            hint=f"Give a {FORMATS}.",
        )
