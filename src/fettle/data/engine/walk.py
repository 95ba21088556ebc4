"""Walk a folder once: the names of its files and what the disk says of each, a block a folder.

Symbolic links are taken as links and never followed. What is neither file, link nor folder is refused.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from fettle.core.errors import FettleError, Invalid, Unavailable
from fettle.data.engine.ignore import ALWAYS, IGNORE_FILE, PARTIAL, Rules, read_rules

FIELDS = 5
ROW = struct.Struct(f"<{FIELDS}q")
"""What tells whether a file changed: size, mtime_ns, ctime_ns, inode, mode."""

Row = tuple[int, int, int, int, int]

row_of: Callable[[os.stat_result], Row] = attrgetter(
    "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_mode"
)

_MOST_INODE = (1 << 63) - 1


class Listed(NamedTuple):
    """A folder as it was found.

    Attributes:
        folder: Relative to the root; empty for the root itself.
        names: Of its files and links, joined by NUL, in the order of the disk.
        stats: A `ROW` for each.
    """

    folder: str
    names: bytes
    stats: bytes


class Tracked(NamedTuple):
    """What is data already, and stays so even where an ignore file names it."""

    names: Callable[[str], Container[str]]
    below: Callable[[str], bool]


NOTHING_TRACKED = Tracked(lambda _folder: (), lambda _folder: False)


def walk(
    root: str, rules: Rules | None = None, *, start: str = "", tracked: Tracked = NOTHING_TRACKED
) -> Iterator[Listed]:
    """List a folder and all below it.

    Args:
        root: The folder.
        rules: What the folders above it ignore; ignore files in and below it are read on the way.
        start: Begin at this folder, relative to the root.
        tracked: What is data already.

    Raises:
        Invalid: There is a special file (a device, socket or pipe).
        Unavailable: A folder or file cannot be read; it is named.
    """
    waiting = [(start, _rules_on_the_way(root, start, rules))]
    while waiting:
        folder, above = waiting.pop()
        here = os.path.join(root, folder) if folder else root
        with _opened(here) as place:
            files, folders, odd = _scanned(place, here)
            inner = above
            if odd:
                if any(each.name == IGNORE_FILE for each in files):
                    inner = read_rules(root, folder, above)
                files = [each for each in files if _may_be_data(each.name)]
            if inner is not None:
                files, folders = _wanted(folder, files, folders, inner, tracked)
            listed = _listed(folder, files, here)
        yield listed
        prefix = f"{folder}/" if folder else ""
        waiting.extend((prefix + each.name, inner) for each in folders)


def rows_of(stats: bytes) -> Iterator[Row]:
    """The rows of a block."""
    return ROW.iter_unpack(stats)  # type: ignore[return-value]  # tuples of FIELDS integers


def row_at(stats: bytes, place: int) -> Row:
    """One row of a block."""
    return ROW.unpack_from(stats, ROW.size * place)  # type: ignore[return-value]  # a tuple of FIELDS integers


def names_of(names: bytes) -> list[str]:
    """The names of a block."""
    return os.fsdecode(names).split("\0") if names else []


def join_names(names: list[str]) -> bytes:
    """Names as a block holds them."""
    return os.fsencode("\0".join(names))


def pack_rows(rows: list[Row]) -> bytes:
    """Rows as a block holds them; an inode beyond 63 bits loses the rest."""
    try:
        return struct.pack(f"<{FIELDS * len(rows)}q", *chain.from_iterable(rows))
    except struct.error:
        return b"".join(ROW.pack(a, b, c, ino & _MOST_INODE, mode) for a, b, c, ino, mode in rows)


def lstat_row(path: str) -> Row | None:
    """What the disk says of one file now; None if it is gone."""
    try:
        size, mtime, ctime, inode, mode = row_of(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return size, mtime, ctime, inode & _MOST_INODE, mode


def _rules_on_the_way(root: str, start: str, rules: Rules | None) -> Rules | None:
    parts = start.split("/") if start else []
    for count in range(len(parts)):
        folder = "/".join(parts[:count])
        if os.path.isfile(os.path.join(root, folder, IGNORE_FILE)):
            rules = read_rules(root, folder, rules)
    return rules


@contextmanager
def _opened(here: str) -> Iterator[int | str]:
    """An open folder, through which the disk finds its files without the way there; where that fails, its path."""
    if os.scandir not in os.supports_fd:
        yield here
        return
    try:
        place = os.open(here, os.O_RDONLY)
    except OSError as error:
        raise unreadable(here, error) from error
    try:
        yield place
    finally:
        os.close(place)


def _scanned(place: int | str, here: str) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]], bool]:
    """The files and the folders in a folder, and whether any file has a name that means something to us."""
    try:
        with os.scandir(place) as found:
            entries = list(found)
    except OSError as error:
        raise unreadable(here, error) from error
    folders = [each for each in entries if each.is_dir(follow_symlinks=False)]
    files = entries
    if folders:
        files = [each for each in entries if not each.is_dir(follow_symlinks=False)]
        folders = [each for each in folders if each.name not in ALWAYS]
    odd = any(each.name.startswith((".fettle", ".git")) for each in files)
    return files, folders, odd


def _may_be_data(name: str) -> bool:
    return name not in ALWAYS and not name.startswith(PARTIAL)


def _wanted(
    folder: str,
    files: list[os.DirEntry[str]],
    folders: list[os.DirEntry[str]],
    rules: Rules,
    tracked: Tracked,
) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    prefix = f"{folder}/" if folder else ""
    known = tracked.names(folder)
    files = [
        each for each in files if not rules.ignores(prefix + each.name, folder=False) or each.name in known
    ]
    folders = [
        each
        for each in folders
        if not rules.ignores(prefix + each.name, folder=True) or tracked.below(prefix + each.name)
    ]
    return files, folders


def _listed(folder: str, files: list[os.DirEntry[str]], here: str) -> Listed:
    try:
        rows = [row_of(each.stat(follow_symlinks=False)) for each in files]
    except OSError:  # one went away, or cannot be looked at: find out which
        files, rows = _one_by_one(files, here)
    if not {row[4] >> 12 for row in rows} <= _DATA:
        name, mode = next(
            (each.name, row[4]) for each, row in zip(files, rows, strict=True) if row[4] >> 12 not in _DATA
        )
        raise _special(os.path.join(here, name), mode)
    return Listed(folder, join_names([each.name for each in files]), pack_rows(rows))


_DATA = frozenset((stat.S_IFREG >> 12, stat.S_IFLNK >> 12))


def _one_by_one(files: list[os.DirEntry[str]], here: str) -> tuple[list[os.DirEntry[str]], list[Row]]:
    kept, rows = [], []
    for each in files:
        try:
            row = row_of(each.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unreadable(os.path.join(here, each.name), error) from error
        kept.append(each)
        rows.append(row)
    return kept, rows


def unreadable(path: str, error: OSError) -> FettleError:
    """Say that a file or folder of the user's cannot be read."""
    return Unavailable(
        f"{shown(path)} cannot be read.",
        found=error.strerror or str(error),
        hint="Mend its permissions, or name it in .fettleignore.",
    )


def shown(path: str) -> str:
    """A path for a person: what is no text, or would break the line, as escapes."""
    if path.isprintable():
        return path
    raw = os.fsencode(path)
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in raw.decode("utf-8", "backslashreplace")
    )


def _special(path: str, mode: int) -> Invalid:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return Invalid(
        f"{shown(path)} is no file that can be versioned.",
        found=kinds.get(stat.S_IFMT(mode), "a special file"),
        hint="Remove it, or name it in .fettleignore.",
    )
