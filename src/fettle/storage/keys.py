"""Which names a blob may have, so that every backend can keep it under exactly that name."""

from __future__ import annotations

from fettle.core.errors import Invalid

MOST_BYTES = 1000
MOST_BYTES_IN_SEGMENT = 200


def checked_key(key: str) -> str:
    """Return the key if it is well-formed.

    Raises:
        Invalid: It is empty, too long, absolute, climbs out with `..`, or has characters a store would change.
    """
    fault = _fault(key)
    if fault:
        raise Invalid(
            f"{key[:80]!r} cannot be the key of a blob.",
            found=fault,
            hint="Use segments of letters, digits, '-', '_' and '.', divided by '/', such as 'objects/ab/abcd'.",
        )
    return key


def _fault(key: str) -> str:
    if not key:
        return "an empty key"
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        return "a lone surrogate"
    if len(encoded) > MOST_BYTES:
        return f"{len(encoded)} bytes; {MOST_BYTES} at most"
    if any(character < " " or character in "\\\x7f" for character in key):
        return "a backslash or control character"
    segments = key.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        return "an empty, '.' or '..' segment"
    if segments[0].startswith("."):
        return "a first segment that begins with a dot, which is the store's own"
    longest = max(len(segment.encode()) for segment in segments)
    return (
        f"a segment of {longest} bytes; {MOST_BYTES_IN_SEGMENT} at most"
        if longest > MOST_BYTES_IN_SEGMENT
        else ""
    )
