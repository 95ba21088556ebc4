"""Fetch objects of a bucket: one by its key, a folder, or those that a glob matches."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fettle.core import ids, progress
from fettle.core.errors import Invalid, NotFound
from fettle.core.units import size_text
from fettle.data.reading import Reading
from fettle.data.sniff import DATA_SUFFIXES
from fettle.data.sources.addresses import Address
from fettle.data.sources.fetched import Fetched, folder_of
from fettle.storage.locks import FileLock

if TYPE_CHECKING:
    from fettle.storage.buckets import ForeignBucket
    from fettle.storage.ports import BlobInfo

MOST_OBJECTS = 10_000
_GLOB = re.compile(r"[*?\[]")


def fetch(address: Address, reading: Reading) -> list[Fetched]:
    """Fetch what `s3://bucket/key`, `s3://bucket/folder/` or `s3://bucket/folder/*.parquet` names.

    An object that was fetched before is asked for by its entity tag, and fetched again only if that changed.

    Raises:
        NotFound: There is no such object, or none matches.
        Denied: It may not be read.
        Invalid: It is larger than allowed, or matches too many.
        Conflict: An object was replaced while it was read.
        Unavailable: The store cannot be reached.
    """
    from fettle.storage.buckets import ForeignBucket

    parts = urlsplit(_escaped(address.url))
    bucket = ForeignBucket(
        f"s3://{parts.netloc}" + (f"?{parts.query}" if parts.query else ""),
        name=address.shown,
        scrub=address.scrub,
    )
    key = unquote(parts.path).lstrip("/")
    blobs = _matching(bucket, key, address.shown)
    size = sum(each.size_bytes for each in blobs)
    if size > reading.max_bytes:
        raise Invalid(
            f"{address.shown} is too large.",
            found=f"{size_text(size)}, where {size_text(reading.max_bytes)} are allowed",
            hint="Allow more with --max-bytes, or name fewer objects.",
        )
    where = f"s3://{parts.netloc}?{parts.query}"
    with progress.phase("Fetching", total=size, unit="bytes") as step:
        return [_fetched(bucket, each, where, parts.netloc, reading, step) for each in blobs]


def _fetched(
    bucket: ForeignBucket, blob: BlobInfo, where: str, host: str, reading: Reading, step: progress.Step
) -> Fetched:
    folder = folder_of(reading.cache, f"{where} {blob.key}")
    version = ids.digest(f"{blob.tag} {blob.size_bytes} {blob.modified_at}".encode())[:16]
    name = re.sub(r"[^\w.-]", "_", PurePosixPath(blob.key).name)[-80:]
    path = folder / f"{version}-{name}"
    lock = folder / "lock"
    with FileLock(lock):
        if path.exists():
            step(blob.size_bytes)
        else:
            bucket.fetch(blob, path, step=step)
            for old in set(folder.iterdir()) - {path, lock}:
                old.unlink(missing_ok=True)
    return Fetched(path, f"s3://{host}/{blob.key}", blob.tag, blob.modified_at)


def _matching(bucket: ForeignBucket, key: str, shown: str) -> list[BlobInfo]:
    if key and not key.endswith("/") and not _GLOB.search(key) and (found := bucket.info(key)):
        return [found]
    glob = _GLOB.search(key)
    folder = key[: glob.start()].rpartition("/")[0] if glob else key.rstrip("/")
    found = [
        each
        for each in bucket.list(folder)
        if each.size_bytes and (_matches(each.key, key) if glob else _is_data(each.key))
    ]
    if not found:
        raise NotFound(
            f"There is nothing at {shown}.", found="no object of data there", hint="Check bucket and key."
        )
    if len(found) > MOST_OBJECTS:
        raise Invalid(
            f"{shown} matches {len(found):,} objects.", found=f"at most {MOST_OBJECTS:,} are read at once"
        )
    return found


def _matches(key: str, pattern: str) -> bool:
    """Whether a key matches a glob in which `*` stays within a folder and `**` does not."""
    if "**" in pattern:
        return fnmatchcase(key, pattern.replace("**/", "*").replace("**", "*"))
    names, patterns = key.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _is_data(key: str) -> bool:
    name = PurePosixPath(key).name
    return not name.startswith(("_", ".")) and name.casefold().endswith(DATA_SUFFIXES)


def _escaped(url: str) -> str:
    """The same address, a question mark of a glob in its path kept from beginning the parameters."""
    path, mark, query = url.rpartition("?")
    if mark and re.fullmatch(r"(\w+=[^&]*)(&\w+=[^&]*)*", query):
        return f"{path.replace('?', '%3F')}?{query}"
    return url.replace("?", "%3F")
