"""Durable steps on a file system, and what to tell a person when one fails."""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from fettle.core.errors import FettleError, NotFound, Unavailable

_COPY_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def disk_failure(error: OSError, path: str | os.PathLike[str]) -> FettleError:
    """Say what an `OSError` on `path` means for the user."""
    where = os.fspath(path)
    found = error.strerror or str(error)
    if error.errno in _FULL:
        return full_disk(where, found)
    if error.errno in _FORBIDDEN:
        hint = "Choose another folder, or give this user the right to write there (the disk may be mounted read-only)."
        return Unavailable(f"{where} cannot be read or written.", found=found, hint=hint)
    hint = "Check the disk (dmesg, df) and try again; what was acknowledged before is kept."
    return Unavailable(f"{where} cannot be read or written.", found=found, hint=hint)


def full_disk(where: str, found: str = "no space left") -> Unavailable:
    """The disk under `where` is full: nothing was published, and the same call works once there is room."""
    return Unavailable(
        f"The disk is full: {where} could not be written.",
        found=found,
        hint=f"Free some space (df -h {Path(where).parent}) and try again; nothing half-written was kept.",
    )


def sync_file(descriptor: int) -> None:
    """Return when the content of an open file is on the disk."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Return when the names in a folder are on the disk; Windows keeps them by itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


PRIVATE = 0o700
"""The mode of folders that are nobody else's business on this machine."""


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, durably; nothing happens if it is there.

    Args:
        folder: Where.
        mode: What those that are made allow at most; the process's umask takes away from it.
    """
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode, exist_ok=True)
        sync_folder(each.parent)


def write_atomically(path: Path, source: BinaryIO | Iterable[bytes]) -> None:
    """Write a file so that it appears whole or not at all, durably; its folder is made."""
    partial = path.with_name(f".{path.name[:180]}.{os.urandom(6).hex()}")
    try:
        make_folder(path.parent)
        try:
            with open(partial, "xb") as target:
                write_all(target, source)
                target.flush()
                sync_file(target.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise disk_failure(error, path) from error


def write_all(file: BinaryIO, data: bytes | Path | BinaryIO | Iterable[bytes]) -> None:
    """Write bytes, a file, or chunks to an open file."""
    if isinstance(data, bytes | bytearray | memoryview):
        file.write(data)
    elif isinstance(data, Path):
        if not data.is_file():
            raise NotFound(f"There is no file {data}.", subject=f"file:{data}")
        with open(data, "rb") as source:
            shutil.copyfileobj(source, file, _COPY_BYTES)
    elif isinstance(data, io.IOBase):
        shutil.copyfileobj(data, file, _COPY_BYTES)
    else:
        for chunk in data:
            file.write(chunk)
