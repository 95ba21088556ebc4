"""Buckets of others, opened to read from: S3 and what speaks its protocol.

Nothing is written there, not even to try the store, as `S3BlobStore` does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    GenericError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from fettle.core.errors import Conflict, Denied, FettleError, Invalid, NotFound, Unavailable
from fettle.storage.disks import disk_failure, sync_file
from fettle.storage.ports import BlobInfo

if TYPE_CHECKING:
    from obstore.store import S3Config

    from fettle.core.progress import Step

_PIECE_BYTES = 8 << 20
_TRIES = 4


class ForeignBucket:
    """A bucket to read from.

    Args:
        url: `s3://bucket?endpoint=http://host:port&region=…&anonymous=true`; credentials come from the environment
            (`AWS_ACCESS_KEY_ID`, …), `anonymous=true` asks without any.
        name: What to call it in errors.
        scrub: Takes secrets out of what the store says.
    """

    def __init__(self, url: str, *, name: str, scrub: Callable[[str], str] = str) -> None:
        self.name = name
        self._scrub = scrub
        self._store = self._opened(url)

    def info(self, key: str) -> BlobInfo | None:
        """Size, time and entity tag of an object; None if there is none.

        Raises:
            Denied: It may not be read.
            Unavailable: The store cannot be reached.
        """
        try:
            found = obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise self._explained(key, error) from None
        return BlobInfo(key, found["size"], found["last_modified"], found["e_tag"] or "")

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """The objects whose key begins with the folder `prefix`, sorted by key; errors as `info`."""
        found: list[BlobInfo] = []
        try:
            for batch in obstore.list(self._store, prefix.strip("/") or None):
                found += [
                    BlobInfo(each["path"], each["size"], each["last_modified"], each["e_tag"] or "")
                    for each in batch
                ]
        except (BaseError, FileNotFoundError) as error:
            raise self._explained(prefix, error) from None
        yield from sorted(found, key=lambda each: each.key)

    def fetch(self, blob: BlobInfo, path: Path, *, step: Step) -> None:
        """Copy one version of an object to a file, which appears whole or not at all; what is there of it is kept.

        Raises:
            Conflict: The object was replaced meanwhile.
            Unavailable: The store broke off, again and again; the next call goes on there. Or the disk is full.
        """
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("ab") as target:
                if target.tell() > blob.size_bytes:
                    target.truncate(0)
                step(target.tell())
                while (start := target.tell()) < blob.size_bytes:
                    piece = self._piece(blob, start, min(start + _PIECE_BYTES, blob.size_bytes))
                    target.write(piece)
                    step(len(piece))
                target.flush()
                sync_file(target.fileno())
            os.replace(part, path)
        except OSError as error:
            raise disk_failure(error, path) from error

    def pieces(self, blob: BlobInfo, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of one version of an object from `start` up to, not including, `end`, 8 MiB at a time.

        Raises:
            Conflict: The object was replaced meanwhile.
            Unavailable: The store broke off, again and again.
        """
        end = blob.size_bytes if end is None else min(end, blob.size_bytes)
        for at in range(start, end, _PIECE_BYTES):
            yield self._piece(blob, at, min(at + _PIECE_BYTES, end))

    def _piece(self, blob: BlobInfo, start: int, end: int) -> bytes:
        options: obstore.GetOptions = {"range": (start, end)}
        if blob.tag:
            options["if_match"] = blob.tag
        for attempt in range(1, _TRIES + 1):
            try:
                return bytes(obstore.get(self._store, blob.key, options=options).bytes())
            except GenericError as error:
                if attempt == _TRIES:
                    raise self._explained(blob.key, error) from None
                time.sleep(0.05 * 2**attempt)
            except (BaseError, FileNotFoundError) as error:
                raise self._explained(blob.key, error) from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _opened(self, url: str) -> S3Store:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        strange = sorted(set(query) - {"endpoint", "region", "anonymous"})
        if not parts.netloc or strange:
            raise Invalid(
                f"{self.name} does not name a bucket.",
                found=f"unknown option {strange[0]!r}" if strange else "no bucket",
                hint="Use s3://bucket/key, with ?endpoint=http://host:port, &region=… or &anonymous=true if needed",
            )
        config: S3Config = {"region": query["region"]} if "region" in query else {}
        if "endpoint" in query:
            config = {"region": query.get("region", "us-east-1"), "endpoint": query["endpoint"].rstrip("/")}
        if query.get("anonymous", "").lower() in ("1", "true", "yes"):
            config["skip_signature"] = True
        try:
            return S3Store(
                parts.netloc,
                client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "300s"},
                retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
                config=config,
            )
        except BaseError as error:
            raise Invalid(f"{self.name} cannot be opened.", found=self._scrub(str(error))) from None

    def _explained(self, key: str, error: Exception) -> FettleError:
        found = self._scrub(str(error).split("\n\nDebug source:", maxsplit=1)[0].strip())[:400]
        if isinstance(error, NotFoundError | FileNotFoundError):
            return NotFound(
                f"There is nothing at {self.name}.", found=f"no object {key!r}", hint="Check bucket and key."
            )
        if isinstance(error, PreconditionError):
            return Conflict(
                f"{self.name} was changed while it was read.", found=f"the object {key!r}", hint="Try again."
            )
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            return Denied(
                f"{self.name} may not be read.",
                found=found,
                hint="Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment and the rights of that key; "
                "for a public bucket add ?anonymous=true",
            )
        hint = "Check the network, the endpoint and that the bucket exists; then try again."
        return Unavailable(f"{self.name} could not be reached or failed.", found=found, hint=hint)
