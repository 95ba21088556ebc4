"""Names for things: digests for content, time-ordered ids for events.

A digest is the BLAKE3-256 of plain bytes in hex: the same content has the same name everywhere.
An event id is a UUID of version 7 (RFC 9562): it sorts by time, and needs no one to hand it out.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid


class _Sequence:
    """Counts ids within a millisecond, so that those of one process strictly increase."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last_ms = 0
        self._count = 0

    def next(self, stamp_ms: int) -> int:
        with self._guard:
            if stamp_ms == self._last_ms:
                self._count += 1
            else:
                self._last_ms, self._count = stamp_ms, int.from_bytes(os.urandom(2), "big") >> 6
            return self._count


_sequence = _Sequence()


def event_id(at: datetime | None = None) -> str:
    """Make a new id that sorts by time, also within one millisecond of one process.

    Args:
        at: The time of the event, UTC; None means this machine's clock.

    Returns:
        A UUIDv7 in its usual form with dashes, 36 characters.
    """
    stamp = int(at.timestamp() * 1000) if at is not None else time.time_ns() // 1_000_000
    sequence = _sequence.next(stamp)
    stamp += sequence >> 12
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (sequence & 0xFFF) << 64 | 0b10 << 62 | tail
    return str(uuid.UUID(int=value))


def digest(data: bytes | bytearray | memoryview) -> str:
    """Name `data` by its BLAKE3-256 in hex, 64 characters.

    Example:
        >>> digest(b"fettle")[:16]
        '3a5d34535009189f'
    """
    from blake3 import blake3

    return blake3(data).hexdigest()


def digest_file(path: str | os.PathLike[str]) -> str:
    """Name a file by the BLAKE3-256 of its bytes; it is mapped, not read into memory."""
    from blake3 import blake3

    return blake3().update_mmap(Path(path)).hexdigest()


def digest_of(value: Any) -> str:
    """Name any JSON-able value or record by the digest of its canonical bytes."""
    from fettle.core.canonical import encode

    return digest(encode(value))


_SLUG = re.compile(r"[^\W_](?:[\w .+-]{0,126}[\w+-])?", re.UNICODE)


def check_name(kind: str, name: str) -> str:
    """Return `name` if it may name a dataset, model, endpoint or project; raise otherwise.

    Letters, digits, `_ . + -` and inner spaces, beginning with a letter or digit, at most 128 characters:
    a name is part of paths, URLs and references, so separators, `@` and control characters are refused.

    Raises:
        Invalid: The name has another form.
    """
    if not isinstance(name, str) or not _SLUG.fullmatch(name) or ".." in name:
        shown = repr(name if len(str(name)) <= 60 else str(name)[:60] + "…")
        raise Invalid(
            f"{shown} cannot name a {kind}.",
            found="a name that is empty, too long, or has characters such as / \\ @ : or control characters",
            hint="Use letters, digits, '_', '.', '+' or '-', beginning with a letter or digit; 128 at most.",
        )
    return name


def slug(text: str) -> str:
    """Turn any text into a valid name: `Bank marketing (2024).csv` becomes `bank-marketing-2024-csv`.

    Example:
        >>> slug("Bank marketing (2024)")
        'bank-marketing-2024'
    """
    words = re.findall(r"\w+", text.casefold().replace("_", "-"), re.UNICODE)
    return "-".join(words)[:64].strip("-") or "unnamed"
