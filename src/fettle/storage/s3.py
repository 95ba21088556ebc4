"""Blobs in S3, or any store that speaks its protocol *and* honours conditional writes.

`create` and `swap` are one conditional request each (`If-None-Match`, `If-Match`). Some S3-compatible servers accept
the headers and ignore them, so that all of sixteen racing creators win; this is tried at opening, and such a store
refused.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from fettle.core.errors import Conflict, FettleError, Invalid, NotFound, Unavailable
from fettle.core.ids import event_id
from fettle.storage.disks import write_atomically
from fettle.storage.keys import checked_key
from fettle.storage.ports import BlobInfo

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

T = TypeVar("T")

_PIECE_BYTES = 8 << 20
_TRIES = 5
_MOST_BYTES_AT_ONCE = 5 << 30
_RETRY: RetryConfig = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=3), "base": 2},
}


class S3BlobStore:
    """A `BlobStore` in a bucket, below an optional prefix.

    Args:
        url: `s3://bucket/prefix?endpoint=http://host:port&region=…`; credentials come from the environment.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._store = _connected(url)
        self._probe()

    # --- writing

    def put(self, key: str, data: bytes | Path | Iterable[bytes], *, create: bool = False) -> str:
        checked_key(key)
        if isinstance(data, Path) and not data.is_file():
            raise NotFound(f"There is no file {data}.", subject=f"file:{data}")
        if create:
            return self._create(key, data)
        return self._tag(key, self._asked(key, lambda: obstore.put(self._store, key, data)))

    def _create(self, key: str, data: bytes | Path | Iterable[bytes]) -> str:
        """A conditional write is one request, so chunks are gathered in a temporary file before it."""
        if isinstance(data, Path):
            if data.stat().st_size > _MOST_BYTES_AT_ONCE:
                hint = "Name it by its content (put_object), where a second put does no harm."
                raise Invalid(f"{data} is too large to be created exclusively; 5 GiB at most.", hint=hint)
        elif not isinstance(data, bytes | bytearray | memoryview):
            with tempfile.TemporaryDirectory() as folder:
                gathered = Path(folder) / "data"
                write_atomically(gathered, data)
                return self._create(key, gathered)
        return self._tag(key, self._asked(key, lambda: obstore.put(self._store, key, data, mode="create")))

    def swap(self, key: str, data: bytes, *, tag: str | None) -> str:
        if tag is None:
            return self.put(key, data, create=True)
        checked_key(key)
        mode = obstore_version(tag)
        return self._tag(key, self._asked(key, lambda: obstore.put(self._store, key, data, mode=mode)))

    def delete(self, key: str) -> None:
        checked_key(key)
        try:
            self._asked(key, lambda: obstore.delete(self._store, key))
        except NotFound:
            return

    # --- reading

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        checked_key(key)
        start = max(start, 0)
        if end is not None and end <= start:
            self._require(key)
            return b""
        return self._range(key, start, end, None)

    def stream(self, key: str, *, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        return self._chunks(self._require(key), chunk_bytes)

    def fetch(self, key: str, path: Path) -> None:
        write_atomically(path, self._chunks(self._require(key), _PIECE_BYTES))

    def info(self, key: str) -> BlobInfo | None:
        checked_key(key)
        try:
            found = self._asked(key, lambda: obstore.head(self._store, key))
        except NotFound:
            return None
        return BlobInfo(key, found["size"], found["last_modified"], found["e_tag"] or "")

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        folder = prefix.rpartition("/")[0]
        if folder:
            checked_key(folder)
        try:
            for batch in obstore.list(self._store, folder or None):
                for found in batch:
                    if found["path"].startswith(prefix) and not found["path"].startswith("."):
                        yield BlobInfo(
                            found["path"], found["size"], found["last_modified"], found["e_tag"] or ""
                        )
        except BaseError as error:
            raise self._explained(prefix, error) from error

    def close(self) -> None:
        """Nothing is held open."""

    # --- parts

    def _require(self, key: str) -> BlobInfo:
        found = self.info(key)
        if found is None:
            raise _missing(key)
        return found

    def _chunks(self, blob: BlobInfo, chunk_bytes: int) -> Iterator[bytes]:
        """The blob piece by piece, each a request of its own, so that a broken one costs only itself."""
        for start in range(0, blob.size_bytes, _PIECE_BYTES):
            piece = self._range(blob.key, start, min(start + _PIECE_BYTES, blob.size_bytes), blob.tag)
            for at in range(0, len(piece), chunk_bytes):
                yield piece[at : at + chunk_bytes]

    def _range(self, key: str, start: int, end: int | None, tag: str | None) -> bytes:
        """One request for a range, of one version if a tag is given; asked again if the body broke off."""
        options: obstore.GetOptions = {} if tag is None else {"if_match": tag}
        if end is not None:
            options["range"] = (start, end)
        elif start > 0:
            options["range"] = {"offset": start}
        for attempt in range(1, _TRIES + 1):
            try:
                return bytes(obstore.get(self._store, key, options=options).bytes())
            except GenericError as error:
                if "range" in options and self._require(key).size_bytes <= start:
                    return b""
                if attempt == _TRIES:
                    raise self._explained(key, error) from error
                time.sleep(0.05 * 2**attempt)
            except (BaseError, FileNotFoundError) as error:
                raise self._explained(key, error) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _tag(self, key: str, result: obstore.PutResult) -> str:
        tag = result["e_tag"]
        if tag is None:
            raise Unavailable(
                f"{self.url} gave no entity tag for {key!r}.", hint="Use a store that gives ETags."
            )
        return tag

    def _asked(self, key: str, request: Callable[[], T]) -> T:
        try:
            return request()
        except (BaseError, FileNotFoundError) as error:
            raise self._explained(key, error) from error

    def _explained(self, key: str, error: Exception) -> FettleError:
        found = str(error).split("\n\nDebug source:", maxsplit=1)[0].strip()[:500]
        if isinstance(error, NotFoundError | FileNotFoundError):
            return _missing(key)
        if isinstance(error, AlreadyExistsError):
            hint = "Read it, or choose another key."
            return Conflict(f"The blob {key!r} exists already.", hint=hint, subject=f"blob:{key}")
        if isinstance(error, PreconditionError):
            hint = "Read it again."
            return Conflict(
                f"The blob {key!r} was changed by somebody else.", hint=hint, subject=f"blob:{key}"
            )
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            hint = (
                "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and the rights of that key on the bucket."
            )
            return Unavailable(f"{self.url} refused access.", found=found, hint=hint)
        hint = "Check the network, the endpoint and that the bucket exists; then try again."
        return Unavailable(f"{self.url} could not be reached or failed.", found=found, hint=hint)

    def _probe(self) -> None:
        """See with our own eyes that conditional writes are conditional."""
        key = f".probe/{event_id()}"
        try:
            tag = self._tag(key, self._asked(key, lambda: obstore.put(self._store, key, b"1", mode="create")))
            kept = self._refuses(key, "create")
            self._asked(key, lambda: obstore.put(self._store, key, b"2", mode=obstore_version(tag)))
            kept = self._refuses(key, obstore_version(tag)) and kept
            self._asked(key, lambda: obstore.delete(self._store, key))
        except Conflict as error:
            raise self._untrustworthy(error.message) from error
        except NotFound as error:
            raise self._explained(key, GenericError(str(error.__cause__))) from error
        if not kept:
            raise self._untrustworthy("a second creation or an update of an old version was accepted")

    def _refuses(self, key: str, mode: obstore.PutMode) -> bool:
        try:
            self._asked(key, lambda: obstore.put(self._store, key, b"3", mode=mode))
        except Conflict:
            return True
        return False

    def _untrustworthy(self, found: str) -> Unavailable:
        return Unavailable(
            f"{self.url} does not honour conditional writes; two writers could overwrite each other unnoticed.",
            found=found,
            hint="Use a store that supports If-Match and If-None-Match on PUT (AWS S3, MinIO, Ceph, R2, …).",
        )


def obstore_version(tag: str) -> obstore.UpdateVersion:
    """The condition "only if it is still this version"."""
    return {"e_tag": tag}


def _connected(url: str) -> S3Store:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    strange = sorted(set(query) - {"endpoint", "region"})
    if not parts.netloc or strange:
        raise Invalid(
            f"{url!r} does not name a bucket.",
            found=f"unknown option {strange[0]!r}" if strange else "no bucket",
            hint="Use s3://bucket/prefix, with ?endpoint=http://host:port and &region=… if needed",
        )
    config: S3Config = {"region": query["region"]} if "region" in query else {}
    if "endpoint" in query:
        config = {"region": query.get("region", "us-east-1"), "endpoint": query["endpoint"].rstrip("/")}
    try:
        return S3Store(
            parts.netloc,
            prefix=unquote(parts.path).strip("/") or None,
            client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "300s"},
            retry_config=_RETRY,
            config=config,
            disable_bulk_delete=True,  # plain DELETE: not every store knows the other
        )
    except BaseError as error:
        raise Invalid(f"{url!r} cannot be opened.", found=str(error)) from error


def _missing(key: str) -> NotFound:
    return NotFound(f"There is no blob {key!r}.", subject=f"blob:{key}")
