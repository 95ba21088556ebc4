"""Fetch a file over HTTP: once, whole or not at all, and no further than was allowed.

What was fetched is kept in a folder that only the user may read, with its ETag and time; asked again, the server says
whether it changed. A download that broke off goes on where it stopped, if the server can tell that the file is still
the same. httpx would log addresses with the tokens in them; while we fetch, it logs nothing.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

from fettle.core import ids, progress
from fettle.core.errors import Denied, FettleError, Invalid, NotFound, Unavailable
from fettle.core.units import size_text
from fettle.data.reading import Reading
from fettle.data.sources.addresses import Address
from fettle.data.sources.fetched import Fetched, folder_of
from fettle.storage.locks import FileLock

TRIES = 4
_SUFFIXES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/gzip": ".csv.gz",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_TIMEOUT = httpx.Timeout(60, connect=10)
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")
_private: ContextVar[bool] = ContextVar("fettle_private_requests", default=False)


class _Kept(msgspec.Struct, frozen=True):
    """What is known of a file that was fetched, or of a part of one."""

    file: str = ""
    etag: str = ""
    modified: str = ""


class _Broken(Exception):
    """The transfer broke off; asking again may help."""


def fetch(address: Address, reading: Reading) -> Fetched:
    """Fetch the file at an address, or find that the one fetched before is still right.

    Raises:
        NotFound: The server has no such file.
        Denied: It wants another sign-in.
        Invalid: The file is larger than allowed, or the address is wrong.
        Unavailable: The server cannot be reached, fails, or breaks off again and again.
    """
    folder = folder_of(reading.cache, address.url)
    with FileLock(folder / "lock"), _quietly():
        try:
            with httpx.Client(
                follow_redirects=True,
                max_redirects=8,
                timeout=_TIMEOUT,
                event_hooks={"response": [_no_downgrade]},
            ) as client:
                return _persistently(client, address, folder, reading.max_bytes)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise Invalid(
                f"{address.shown} cannot be fetched.",
                found=address.scrub(str(error)),
                hint="Check the address.",
            ) from None


def _persistently(client: httpx.Client, address: Address, folder: Path, most: int) -> Fetched:
    for attempt in range(1, TRIES + 1):
        try:
            return _once(client, address, folder, most)
        except (httpx.TransportError, _Broken) as error:
            if attempt == TRIES or isinstance(error, httpx.UnsupportedProtocol):
                raise Unavailable(
                    f"{address.shown} cannot be fetched.",
                    found=address.scrub(str(error)) or type(error).__name__,
                    hint="Check the network and the address and try again; it goes on where it stopped.",
                ) from None
            time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _once(client: httpx.Client, address: Address, folder: Path, most: int) -> Fetched:
    kept, begun, part = _known(folder / "kept.json"), _known(folder / "begun.json"), folder / "part"
    held = part.stat().st_size if part.exists() and begun.etag else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "fettle"}
    if held:
        headers |= {"Range": f"bytes={held}-", "If-Range": begun.etag}
    elif kept.file and (folder / kept.file).exists():
        headers |= {"If-None-Match": kept.etag} if kept.etag else {}
        headers |= {"If-Modified-Since": kept.modified} if kept.modified else {}
    with client.stream("GET", address.url, headers=headers) as response:
        if response.status_code == 304:
            return _fetched(folder, kept, address)
        if response.status_code >= 400 and response.status_code != 416:
            raise _refused(response, address)
        begin = _begin(response, part, held, begun)
        _check_size(begin + int(response.headers.get("content-length") or 0), most, address)
        found = _described(response)
        whole = "content-encoding" in response.headers or found.etag.startswith("W/")
        _keep(folder / "begun.json", msgspec.structs.replace(found, etag="" if whole else found.etag))
        with part.open("ab" if begin else "wb") as target:
            _write(response, target, begin, most, address)
    os.replace(part, folder / found.file)
    _keep(folder / "kept.json", found)
    if kept.file not in ("", found.file):
        (folder / kept.file).unlink(missing_ok=True)
    return _fetched(folder, found, address)


def _begin(response: httpx.Response, part: Path, held: int, begun: _Kept) -> int:
    """Where the answer's bytes belong: behind what is held if they are of the same version, else at the beginning.

    What is held of another version is removed before the new version's mark is written down.
    """
    if response.status_code == 200:
        part.unlink(missing_ok=True)
        return 0
    same = response.headers.get("etag", begun.etag) == begun.etag
    if (
        response.status_code == 206
        and same
        and response.headers.get("content-range", "").startswith(f"bytes {held}-")
    ):
        return held
    part.unlink(missing_ok=True)
    raise _Broken("the server sent another part than it was asked for")


def _described(response: httpx.Response) -> _Kept:
    headers = response.headers
    return _Kept(_file_name(response), headers.get("etag", ""), headers.get("last-modified", ""))


def _write(response: httpx.Response, target: BinaryIO, begin: int, most: int, address: Address) -> None:
    total = begin + int(response.headers.get("content-length") or 0)
    size = begin
    with progress.phase("Fetching", total=total or None, unit="bytes") as step:
        step(begin)
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > most:
                target.truncate(0)
                _check_size(size, most, address)
            target.write(chunk)
            step(len(chunk))
    target.flush()
    os.fsync(target.fileno())


def _check_size(size: int, most: int, address: Address) -> None:
    if size > most:
        raise Invalid(
            f"{address.shown} is too large.",
            found=f"at least {size_text(size)}, where {size_text(most)} are allowed",
            hint="Allow more with --max-bytes, or fetch it yourself and give the file.",
        )


def _refused(response: httpx.Response, address: Address) -> FettleError | _Broken:
    status = response.status_code
    found = f"HTTP {status} {response.reason_phrase}".strip()
    if status in (404, 410):
        return NotFound(f"There is nothing at {address.shown}.", found=found, hint="Check the address.")
    if status in (401, 403, 407):
        return Denied(
            f"{address.shown} may not be read.",
            found=found,
            hint="Give the sign-in by way of the environment, as in 'https://${USER}:${PASSWORD}@host/file.csv'.",
        )
    if status in (408, 425, 429) or status >= 500:
        return _Broken(found)
    return Invalid(f"{address.shown} cannot be fetched.", found=found, hint="Check the address.")


def _no_downgrade(response: httpx.Response) -> None:
    """A redirect must not lead from https to http, where everybody reads along."""
    following = response.next_request
    if following is not None and response.url.scheme == "https" and following.url.scheme != "https":
        raise Denied(
            "The server sends us from https to http.",
            found=f"a redirect to {following.url.host}",
            hint="Use another address.",
        )


def _file_name(response: httpx.Response) -> str:
    """What to call the file: as the server says, or the last part of the address."""
    said = re.search(r'filename="?([^";]+)"?', response.headers.get("content-disposition", ""))
    name = said[1] if said else PurePosixPath(unquote(urlsplit(str(response.url)).path)).name
    name = re.sub(r"[^\w.-]", "_", name).lstrip(".")[-80:] or "download"
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return f"file-{name}" if PurePosixPath(name).suffix else f"file-{name}{_SUFFIXES.get(kind, '')}"


def _fetched(folder: Path, kept: _Kept, address: Address) -> Fetched:
    modified_at = None
    if kept.modified:
        try:
            modified_at = parsedate_to_datetime(kept.modified).astimezone(UTC)
        except ValueError:
            modified_at = None
    path = folder / kept.file
    return Fetched(
        path, address.shown, kept.etag, modified_at or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    )


def _known(path: Path) -> _Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return _Kept()


def _keep(path: Path, kept: _Kept) -> None:
    partial = path.with_suffix(f".{ids.event_id()}")
    partial.write_bytes(msgspec.json.encode(kept))
    os.replace(partial, path)


@contextmanager
def _quietly() -> Iterator[None]:
    """Within the context, the HTTP library logs nothing: its words hold whole addresses."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _withheld not in logger.filters:
            logger.addFilter(_withheld)
    token = _private.set(True)
    try:
        yield
    finally:
        _private.reset(token)


def _withheld(_record: logging.LogRecord) -> bool:
    return not _private.get()
