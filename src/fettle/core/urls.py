"""Addresses as they may be shown: what gives access is left out."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

HIDDEN = "•••"
_SHOWN = frozenset(("blobs", "endpoint", "region", "table", "sslmode", "path", "prefix"))


def shown(url: str) -> str:
    """The address without passwords, keys and tokens; what is no address is returned as it is.

    Example:
        >>> shown("postgresql://ada:secret@host/db?blobs=s3%3A%2F%2Fbucket&password=x")
        'postgresql://ada:•••@host/db?blobs=s3://bucket&password=•••'
    """
    if "://" not in url:
        return url
    parts = urlsplit(url)
    name, at, host = parts.netloc.rpartition("@")
    if ":" in name:
        name = f"{name.partition(':')[0]}:{HIDDEN}"
    elif at and not parts.scheme.startswith("postgres"):
        name = HIDDEN
    query = "&".join(
        f"{quote(key)}={quote(shown(value), safe='/:@•?=&') if key in _SHOWN else HIDDEN}"
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return urlunsplit(parts._replace(netloc=f"{name}{at}{host}", query=query, fragment="")).replace(
        quote(HIDDEN), HIDDEN
    )
