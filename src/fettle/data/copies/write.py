"""Bring files of a tree into a folder, and take others out; nothing is followed that could lead out of it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, Invalid, Unavailable
from fettle.core.progress import phase
from fettle.data.copies.placing import mode_to_make, place_files, wish
from fettle.data.engine import trees
from fettle.data.engine.ignore import ALWAYS, PARTIAL
from fettle.data.engine.walk import Row, lstat_row, shown

if TYPE_CHECKING:
    from fettle.data.engine.repository import Repository

MANY = 2000
"""From so many files on they are made in place, where that is allowed."""

_AT_ONCE = 2000
_LINKED_NS = 315_532_800_000_000_000
"""The modification time of files in the link cache, 1980-01-01: one that has another was written to."""


def write_files(
    repository: Repository, root: str, files: Sequence[trees.Entry], cache: str = "", *, resumes: bool = False
) -> dict[str, Row]:
    """Put files into a folder, each whole or not at all; return what the disk says of them.

    The disk is asked soon after a file was written, so that what another program does to it later is seen.

    Args:
        repository: Where the bytes are.
        root: The folder; made if missing.
        files: Which, in any order.
        cache: A folder of whole files to link from; empty: copies.
        resumes: Whether it is written down that this is going on. Then many files are made in place, which is quicker,
            and a kill may leave the beginning of one.

    Raises:
        Invalid: A path leads to where data has no business (`.git`, `.fettle`).
        Conflict: A link stands where a folder is needed.
        Unavailable: The disk is full or cannot be written, or bytes are missing or damaged.
    """
    rows: dict[str, Row] = {}
    folders: set[str] = set()
    if resumes and not cache and len(files) >= MANY:
        for each in files:
            _make_folder_of(root, each.path, folders)
        return place_files(repository, root, files)
    with phase("Checking out", total=len(files), unit="files") as step:
        for some in _batches(files):
            for each in some:
                _make_folder_of(root, each.path, folders)
            if cache:
                _link(repository, root, some, cache)
            else:
                repository.fetch_many((wish(root, each) for each in some), step=step)
            for each in some:
                row = lstat_row(os.path.join(root, each.path))
                if row is not None:
                    rows[each.path] = row
    return rows


def remove_files(root: str, paths: Iterable[str]) -> None:
    """Take files out of a folder, and folders that are empty then."""
    emptied: set[str] = set()
    for path in paths:
        whole = os.path.join(root, path)
        try:
            os.unlink(whole)
        except (FileNotFoundError, NotADirectoryError):
            pass  # gone already
        except OSError as error:
            raise _cannot(whole, error) from error
        emptied.add(os.path.dirname(path))
    for folder in sorted(emptied, key=len, reverse=True):
        _remove_if_empty(root, folder)


def clear_partial(root: str) -> None:
    """Remove what an interrupted checkout left half-written."""
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in ALWAYS]
        for name in names:
            if name.startswith(PARTIAL):
                os.unlink(os.path.join(folder, name))


def clear_way(root: str, path: str) -> None:
    """Remove what stands where a file is to be: a folder with all in it."""
    whole = os.path.join(root, path)
    if os.path.isdir(whole) and not os.path.islink(whole):
        shutil.rmtree(whole)


def _batches(files: Iterable[trees.Entry]) -> Iterator[list[trees.Entry]]:
    rest = iter(files)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _make_folder_of(root: str, path: str, known: set[str]) -> None:
    """Make the folder of a file; no part of it may be a link, or it could lie anywhere."""
    if trees.stray(trees.path_bytes(path)):
        raise Invalid(
            f"{shown(path)} cannot be written: such names are no data.", found="a tree made elsewhere"
        )
    folder = path.rpartition("/")[0]
    if folder in known:
        return
    parts = path.split("/")
    place = root
    os.makedirs(place, exist_ok=True)
    for part in parts[:-1]:
        place = os.path.join(place, part)
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            _make(place)
            continue
        if not stat.S_ISDIR(mode):
            raise Conflict(
                f"{shown(place)} stands where a folder is needed.",
                found="a link" if stat.S_ISLNK(mode) else "a file",
                hint="Move it away, or check out with --force.",
            )
    known.add(folder)


def _make(folder: str) -> None:
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    except OSError as error:
        raise _cannot(folder, error) from error


def _remove_if_empty(root: str, folder: str) -> None:
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = os.path.dirname(folder)


def _link(repository: Repository, root: str, files: Sequence[trees.Entry], cache: str) -> None:
    """Link files from the cache of whole files, which is filled first."""
    plain = [each for each in files if each.mode != trees.SYMLINK]
    missing = {_cached(cache, each): each for each in plain if not _sound(_cached(cache, each), each)}
    for place in {os.path.dirname(each) for each in missing}:
        os.makedirs(place, exist_ok=True)
    repository.fetch_many((each.digest, place, mode_to_make(each)) for place, each in missing.items())
    for place, each in missing.items():
        os.chmod(place, 0o555 if each.mode == trees.EXECUTABLE else 0o444)
        os.utime(place, ns=(_LINKED_NS, _LINKED_NS))
    for each in plain:
        _replace_by_link(_cached(cache, each), os.path.join(root, each.path))
    links = [each for each in files if each.mode == trees.SYMLINK]
    repository.fetch_many((each.digest, os.path.join(root, each.path), each.mode) for each in links)


def _cached(cache: str, entry: trees.Entry) -> str:
    name = entry.digest + ("x" if entry.mode == trees.EXECUTABLE else "")
    return os.path.join(cache, entry.digest[:2], name)


def _sound(place: str, entry: trees.Entry) -> bool:
    """Whether a cached file is as it was put there."""
    row = lstat_row(place)
    return row is not None and row[0] == entry.size_bytes and row[1] == _LINKED_NS


def _replace_by_link(source: str, target: str) -> None:
    partial = os.path.join(os.path.dirname(target), f"{PARTIAL}{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.link(source, partial)
        os.replace(partial, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP):
            raise Unavailable(
                f"{shown(target)} cannot be linked to the cache.",
                found=error.strerror or str(error),
                hint="Links need one file system for both; check out without --link to have copies.",
            ) from error
        raise _cannot(target, error) from error


def _cannot(path: str, error: OSError) -> Exception:
    from fettle.storage.disks import disk_failure

    return disk_failure(error, path)
