"""Import the objects below a prefix of a bucket: S3, and what speaks its protocol, such as MinIO, R2 and lakeFS."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from fettle.core.errors import Invalid
from fettle.data.engine.elsewhere import Bucket
from fettle.data.imports.folder import Imports, import_place
from fettle.data.imports.folder_commit import Order
from fettle.data.sources.addresses import source_address

if TYPE_CHECKING:
    from fettle.acts import Surface


def import_prefix(ws: Surface, url: str, order: Order) -> Imports:
    """Import `s3://bucket/prefix`, or one object.

    Entity tags of what was fetched are remembered on this machine, so a second import lists the prefix and fetches what
    changed.

    Args:
        ws: The workspace.
        url: `s3://bucket/prefix?endpoint=http://host:port&region=…&anonymous=true`; credentials come from the
            environment (`AWS_ACCESS_KEY_ID`, …).
        order: What is wanted.

    Raises:
        NotFound: There is no object there.
        Denied: It may not be read.
        Conflict: An object was replaced while it was read.
        Unavailable: The store cannot be reached.
    """
    place, only = open_prefix(url)
    return import_place(ws, place, order, kind="s3", only=only)


def open_prefix(url: str) -> tuple[Bucket, str]:
    """The place that a URL names, and the key in it if the URL names one object and no folder."""
    address = source_address(url)
    parts = urlsplit(address.url)
    if parts.scheme != "s3" or not parts.netloc:
        raise Invalid(f"{address.shown} names no bucket.", hint="Use s3://bucket/prefix")
    folder, _, name = parts.path.rpartition("/")
    if name:
        above = Bucket(urlunsplit(parts._replace(path=folder)))
        if above.look(unquote(name)) is not None:
            return above, unquote(name)
    return Bucket(urlunsplit(parts._replace(path=parts.path.rstrip("/")))), ""
