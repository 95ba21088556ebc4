"""Blobs over HTTP: the port of `fettle.storage` spoken to a server's streaming routes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.remote.wire import Wire
from fettle.storage.keys import checked_key
from fettle.storage.ports import BlobInfo

_ROOT = "/api/v1/blobs"


class HttpBlobStore:
    """The blobs of a remote workspace; see `fettle.storage.ports.BlobStore` for the contract."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def put(self, key: str, data: bytes | Path | Iterable[bytes], *, create: bool = False) -> str:
        headers = {"If-None-Match": "*"} if create else {}
        if isinstance(data, bytes | bytearray | memoryview):
            answer = self._wire.send("PUT", _path(key), content=bytes(data), headers=headers)
        else:
            path = _path(key)
            pieces = _read(data) if isinstance(data, Path) else iter(data)
            answer = self._wire.send_stream("PUT", path, pieces, headers)
        return answer.json()["tag"]

    def swap(self, key: str, data: bytes, *, tag: str | None) -> str:
        headers = {"If-None-Match": "*"} if tag is None else {"If-Match": quote(tag)}
        return self._wire.send("PUT", _path(key), content=data, headers=headers).json()["tag"]

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        if start < 0 or (end is not None and end < start):
            raise Invalid(f"{start}…{end} is no byte range.", hint="Give 0 ≤ start ≤ end.")
        params = {"start": str(start)} | ({} if end is None else {"end": str(end)})
        return self._wire.send("GET", _path(key), params=params).content

    def stream(self, key: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        opened = self._wire.stream(_path(key))
        answer = opened.__enter__()

        def pieces() -> Iterator[bytes]:
            try:
                yield from answer.iter_bytes(chunk_bytes)
            finally:
                opened.__exit__(None, None, None)

        return pieces()

    def fetch(self, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with fresh.open("wb") as file:
                for piece in self.stream(key):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def info(self, key: str) -> BlobInfo | None:
        try:
            return canonical.decode(
                self._wire.send("GET", _path(key), params={"info": "1"}).content, BlobInfo
            )
        except NotFound:
            return None

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        after = ""
        while True:
            answer = self._wire.send("GET", _ROOT, params={"prefix": prefix, "after": after})
            page = canonical.decode(answer.content, list[BlobInfo])
            yield from page
            if not page:
                return
            after = page[-1].key

    def delete(self, key: str) -> None:
        self._wire.send("DELETE", _path(key))

    def close(self) -> None:
        """Nothing to let go of: the wire belongs to the workspace."""


def _path(key: str) -> str:
    return f"{_ROOT}/{quote(checked_key(key), safe='/')}"


def _read(path: Path, piece_bytes: int = 1 << 20) -> Iterator[bytes]:
    if not path.is_file():
        raise NotFound(f"{path} cannot be put.", found="no such file", hint="Write the file first.")

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(piece_bytes):
                yield piece

    return pieces()
