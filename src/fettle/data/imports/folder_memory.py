"""What an import remembers on this machine: the digest of what was read before, under a key of 16 bytes."""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left
from pathlib import Path

from fettle.data.engine.format import FileRef
from fettle.storage.disks import disk_failure

_MAGIC = b"fettlemm"
_KEY, _DIGEST, _SIZE = 16, 32, 8
_ROW = _KEY + _DIGEST + _SIZE


class Memory:
    """Keys and the files they stand for; rows of 56 bytes, sorted, mapped from a file: a million take 56 MB of disk.

    It is a cache: a file that is missing, torn or of another kind counts as empty, and nothing is lost but time.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh: dict[bytes, bytes] = {}
        self._rows: mmap.mmap | bytes = b""
        self._count = 0
        self._open()

    def find(self, key: bytes) -> FileRef | None:
        """What a key stands for, if that is known."""
        row = self._fresh.get(key)
        if row is None:
            at = bisect_left(range(self._count), key, key=lambda i: self._row(i)[:_KEY])
            found = self._row(at) if at < self._count else b""
            if found[:_KEY] != key:
                return None
            row = found[_KEY:]
        return FileRef(row[:_DIGEST].hex(), int.from_bytes(row[_DIGEST:], "little"))

    def learn(self, key: bytes, ref: FileRef) -> None:
        """Remember, from the next `save` on for good."""
        self._fresh[key] = bytes.fromhex(ref.digest) + ref.size_bytes.to_bytes(_SIZE, "little")

    def save(self) -> None:
        """Write it down."""
        if not self._fresh:
            return
        rows = {self._row(i)[:_KEY]: self._row(i)[_KEY:] for i in range(self._count)} | self._fresh
        body = b"".join(key + rows[key] for key in sorted(rows))
        self._write(body)
        self._fresh.clear()
        self._open()

    # --- the file

    def _row(self, at: int) -> bytes:
        start = len(_MAGIC) + _ROW * at
        return self._rows[start : start + _ROW]

    def _open(self) -> None:
        self._rows, self._count = b"", 0
        try:
            with self._path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < len(_MAGIC) + _DIGEST:
                    return
                found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError:
            return
        if found[: len(_MAGIC)] == _MAGIC and _check(memoryview(found)[:-_DIGEST]) == found[-_DIGEST:]:
            self._rows, self._count = found, (size - len(_MAGIC) - _DIGEST) // _ROW

    def _write(self, body: bytes) -> None:
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                for each in (_MAGIC, body, _check(_MAGIC + body)):
                    file.write(each)
            partial.replace(self._path)
        except OSError as error:
            raise disk_failure(error, self._path) from error
        finally:
            partial.unlink(missing_ok=True)


def _check(data: bytes | memoryview) -> bytes:
    from blake3 import blake3

    return blake3(data).digest()
