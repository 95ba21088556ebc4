"""Blobs as files in a folder: the embedded store.

Publishing is: write to `.pending/`, fsync, rename over the key, fsync of the folder. What a kill leaves in `.pending/`
is swept when the store is next opened. Replacing, `create` and `swap` on one key exclude each other through one of 64
lock files, across threads and processes.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISGID, S_ISREG
from types import EllipsisType
from typing import BinaryIO

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.direct import write_chunks
from fettle.storage.disks import (
    disk_failure,
    make_folder,
    sync_file,
    sync_folder,
    write_all,
    write_atomically,
)
from fettle.storage.keys import checked_key
from fettle.storage.locks import FileLock, take
from fettle.storage.ports import BlobInfo

_STRIPES = 64
_CHUNK_BYTES = 1 << 20
_ABANDONED_AFTER_S = 60.0


class FileBlobStore:
    """A `BlobStore` whose keys are paths under one folder.

    Args:
        root: The folder; made if missing.
    """

    takes_at_once = True
    """Whether a chunk given to `put` may be overwritten once the next is asked for."""
    survives_fork = True
    """Whether a forked process may go on reading through it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._pending = self.root / ".pending"
        self._known_folders: set[Path] = set()
        try:
            for each in (self._pending, self.root / ".locks"):
                make_folder(each, _mode_in(each))
            self._locks = [FileLock(self.root / ".locks" / f"{stripe:02d}") for stripe in range(_STRIPES)]
            self._sweep()
        except OSError as error:
            raise disk_failure(error, self.root) from error

    # --- writing

    def put(self, key: str, data: bytes | Path | Iterable[bytes], *, create: bool = False) -> str:
        path = self._path(key)
        if create and path.exists():
            raise _exists(key)
        return self._publish(key, path, data, expected=None if create else ...)

    def swap(self, key: str, data: bytes, *, tag: str | None) -> str:
        return self._publish(key, self._path(key), data, expected=tag)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            with self._lock(key):
                path.unlink(missing_ok=True)
                if path.parent.is_dir():
                    sync_folder(path.parent)
        except NotADirectoryError:
            return
        except OSError as error:
            raise disk_failure(error, path) from error

    def _publish(
        self,
        key: str,
        path: Path,
        data: bytes | Path | Iterable[bytes],
        *,
        expected: str | EllipsisType | None,
    ) -> str:
        try:
            with self._written(data) as (pending, file), self._lock(key):  # slow work first, the lock last
                current = _info(key, path)
                if expected is not ... and (current.tag if current else None) != expected:
                    raise _exists(key) if expected is None else _changed(key)
                tag = _stamp(file, current)
                self._make_folder_of(path)
                pending.replace(path)
                sync_folder(path.parent)
                return tag
        except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
            raise Invalid(
                f"{key!r} cannot be a blob: part of it is one already, or it is the folder of others.",
                found=str(error),
            ) from error
        except OSError as error:
            raise disk_failure(error, path) from error

    @contextlib.contextmanager
    def _written(self, data: bytes | Path | Iterable[bytes]) -> Iterator[tuple[Path, BinaryIO]]:
        """A pending file with the data in it, locked so that no sweep takes it; gone when the block ends."""
        pending = self._pending / f"{os.getpid()}-{os.urandom(8).hex()}"
        with open(pending, "xb", opener=_open_readable) as file:
            try:
                take(file.fileno(), wait=True)
                if isinstance(data, bytes | bytearray | memoryview | Path):
                    write_all(file, data)
                else:
                    write_chunks(file, data)
                file.flush()
                sync_file(file.fileno())
                yield pending, file
            finally:
                pending.unlink(missing_ok=True)

    # --- reading

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        with self._opened(key) as file:
            file.seek(max(start, 0))
            return file.read() if end is None else file.read(max(end - max(start, 0), 0))

    def read_into(self, key: str, start: int, into: memoryview) -> int:
        """Read the bytes from `start` on into memory; how many there were. Errors as `get`."""
        path = self._path(key)
        with self._opened(key, buffering=0) as file:
            try:
                file.seek(start)
                done = 0
                while done < len(into) and (more := file.readinto(into[done:])):  # type: ignore[attr-defined]  # unbuffered files have it
                    done += more
            except OSError as error:
                raise disk_failure(error, path) from error
            return done

    def stream(self, key: str, *, chunk_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
        return _chunks(self._opened(key), chunk_bytes)

    def fetch(self, key: str, path: Path) -> None:
        with self._opened(key) as source:
            write_atomically(path, source)

    def info(self, key: str) -> BlobInfo | None:
        return _info(key, self._path(key))

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        folder = prefix.rpartition("/")[0]
        if folder:
            checked_key(folder)
        for key, path in _walk(self.root / folder, f"{folder}/" if folder else ""):
            found = _info(key, path) if key.startswith(prefix) else None
            if found is not None:  # it may have been deleted since the folder was read
                yield found

    def close(self) -> None:
        for lock in self._locks:
            lock.close()

    # --- parts

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _lock(self, key: str) -> FileLock:
        return self._locks[zlib.crc32(key.encode()) % _STRIPES]

    def _opened(self, key: str, buffering: int = -1) -> BinaryIO:
        path = self._path(key)
        try:
            return open(path, "rb", buffering=buffering)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"There is no blob {key!r}.", subject=f"blob:{key}") from None
        except OSError as error:
            raise disk_failure(error, path) from error

    def _make_folder_of(self, path: Path) -> None:
        if path.parent not in self._known_folders or not path.parent.is_dir():
            make_folder(path.parent, _mode_in(path.parent))
            self._known_folders.add(path.parent)

    def _sweep(self) -> None:
        """Remove what killed writers left: old, and locked by nobody."""
        for pending in self._pending.iterdir():
            with contextlib.suppress(FileNotFoundError), open(pending, "rb") as file:
                age_s = time.time() - os.fstat(file.fileno()).st_mtime
                if age_s > _ABANDONED_AFTER_S and take(file.fileno(), wait=False):
                    pending.unlink(missing_ok=True)


def _mode_in(folder: Path) -> int:
    """What a new folder allows: nobody else writes, but for the group that a folder above hands down (setgid)."""
    above = next(each for each in folder.parents if each.is_dir())
    return 0o775 if above.stat().st_mode & S_ISGID else 0o755


def _open_readable(path: str, flags: int) -> int:
    """Open a new file that only its owner writes; another version of it takes its place."""
    return os.open(path, flags, 0o644)


def _stamp(file: BinaryIO, current: BlobInfo | None) -> str:
    """Give the file a modification time after its predecessor's, even if the clock stood still; return its tag."""
    after = int(current.tag.partition("-")[0], 16) if current else 0
    moment = max(time.time_ns(), after + 1)
    os.utime(file.fileno(), ns=(moment, moment))
    return _tag(os.fstat(file.fileno()))


def _tag(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _info(key: str, path: Path) -> BlobInfo | None:
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise disk_failure(error, path) from error
    if not S_ISREG(stat.st_mode):
        return None
    return BlobInfo(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC), _tag(stat))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """All files below, in the order of their keys: a folder sorts as its name with a slash."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(
                (entry.name + "/" if entry.is_dir() else entry.name, entry.path)
                for entry in found
                if prefix or not entry.name.startswith(".")
            )
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise disk_failure(error, folder) from error
    for name, path in entries:
        if name.endswith("/"):
            yield from _walk(Path(path), prefix + name)
        else:
            yield prefix + name, Path(path)


def _chunks(file: BinaryIO, chunk_bytes: int) -> Iterator[bytes]:
    with file:
        while chunk := file.read(chunk_bytes):
            yield chunk


def _exists(key: str) -> Conflict:
    return Conflict(
        f"The blob {key!r} exists already.", hint="Read it, or choose another key.", subject=f"blob:{key}"
    )


def _changed(key: str) -> Conflict:
    return Conflict(
        f"The blob {key!r} was changed by somebody else.", hint="Read it again.", subject=f"blob:{key}"
    )
