"""The list of a foreign version's files: names and digests, as JSON, kept as an object of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from fettle.core import canonical
from fettle.core.errors import Invalid
from fettle.storage.objects import get_object, has_object, object_key
from fettle.tracking.names import check_path

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore

MOST_BYTES = 16 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_listing(blobs: BlobStore, digest: str) -> None:
    """Refuse what is no list of files that is kept here.

    Raises:
        Invalid: It is none, or a name in it leads elsewhere.
    """
    if not _DIGEST.fullmatch(digest) or not has_object(blobs, digest):
        raise Invalid(
            "The list of files is not kept in this workspace.",
            found=f"{digest[:80]!r}",
            hint="Store it first.",
        )
    info = blobs.info(object_key(digest))
    if info is not None and info.size_bytes > MOST_BYTES:
        raise Invalid("This is not a list of files.", found=f"{info.size_bytes:,} bytes")
    for path, each in listing(get_object(blobs, digest)).items():
        check_path(path)
        if not _DIGEST.fullmatch(each):
            raise Invalid("This is not a list of files.", found=f"{each[:80]!r} in place of a digest")


def listing(data: bytes) -> dict[str, str]:
    """The list of foreign files, as JSON: path → digest.

    Raises:
        Invalid: It is none.
    """
    try:
        return canonical.decode(data, dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("This is not a list of files.", found=str(error)) from error
