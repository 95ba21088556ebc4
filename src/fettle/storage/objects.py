"""Content-addressed objects in a blob store: the name is the BLAKE3 digest of the bytes, and is checked when read."""

from __future__ import annotations

import os
from pathlib import Path

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.core.ids import digest, digest_file
from fettle.storage.ports import BlobStore

_DIGEST_CHARACTERS = 64


def object_key(name: str) -> str:
    """Where the object of a digest is kept: `objects/ab/abcd…`.

    Raises:
        Invalid: It is not a digest.
    """
    if len(name) != _DIGEST_CHARACTERS or set(name) - set("0123456789abcdef"):
        raise Invalid(f"{name[:80]!r} is not a digest.", hint="A digest has 64 characters of 0-9 and a-f.")
    return f"objects/{name[:2]}/{name}"


def put_object(blobs: BlobStore, data: bytes | Path) -> str:
    """Keep bytes or a file, unless they are kept already; return their digest."""
    name = digest_file(data) if isinstance(data, Path) else digest(data)
    key = object_key(name)
    if blobs.info(key) is None:
        blobs.put(key, data)
    return name


def has_object(blobs: BlobStore, name: str) -> bool:
    """Whether the object of a digest is kept here."""
    return blobs.info(object_key(name)) is not None


def get_object(blobs: BlobStore, name: str) -> bytes:
    """The bytes of an object.

    Raises:
        NotFound: It is not kept here.
        Unavailable: What is kept under the digest has other content: the store is damaged.
    """
    try:
        data = blobs.get(object_key(name))
    except NotFound as error:
        raise _missing(name) from error
    if digest(data) != name:
        raise _damaged(name)
    return data


def fetch_object(blobs: BlobStore, name: str, path: Path) -> None:
    """Copy an object to a file, which appears whole and right or not at all; errors as `get_object`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        blobs.fetch(object_key(name), partial)
        if digest_file(partial) != name:
            raise _damaged(name)
        os.replace(partial, path)
    except NotFound as error:
        raise _missing(name) from error
    finally:
        partial.unlink(missing_ok=True)


def _missing(name: str) -> NotFound:
    return NotFound(
        f"There is no object {name[:12]}… in this workspace.",
        hint="Was it made in another workspace, or removed by gc?",
        subject=f"object:{name}",
    )


def _damaged(name: str) -> Unavailable:
    return Unavailable(
        f"The object {name[:12]}… is damaged: its content does not match its digest.",
        found="other bytes than were stored under this name",
        hint="Restore the blob from a backup, or put the original data again after removing it.",
        subject=f"object:{name}",
    )
