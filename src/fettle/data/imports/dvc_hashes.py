"""The md5 of content as DVC takes it: of the bytes, or, up to DVC 2, of texts with CRLF made LF."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from fettle.core.errors import Unavailable

_BLOCK = 1 << 20
_LOOKED_AT = 512
_MOST_ODD = 0.30
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


class OtherContent(Unavailable):
    """Bytes that have not the md5 they should have."""


def held(pieces: Iterable[bytes], md5: str, *, legacy: bool) -> Iterator[bytes]:
    """The pieces, held to their md5 when the last has passed.

    Args:
        pieces: The bytes.
        md5: What is expected, in hex.
        legacy: Take it also as DVC 2 did: a MiB at a time, which is text or not by its first 512 bytes, or by those of
            the file (earlier releases).

    Raises:
        OtherContent: It is another.
    """
    plain = hashlib.md5(usedforsecurity=False)
    texts = _Texts() if legacy else None
    for piece in pieces:
        plain.update(piece)
        if texts is not None:
            texts.update(piece)
        yield piece
    found = {plain.hexdigest()} | (texts.found() if texts is not None else set())
    if md5 not in found:
        raise OtherContent(
            "The content is not what DVC recorded.", found=f"md5 {plain.hexdigest()}, not {md5}"
        )


class _Texts:
    """The md5s of texts with their line ends made the same."""

    def __init__(self) -> None:
        self._each = hashlib.md5(usedforsecurity=False)
        self._whole = hashlib.md5(usedforsecurity=False)
        self._is_text: bool | None = None
        self._waiting = bytearray()

    def update(self, piece: bytes) -> None:
        self._waiting += piece
        while len(self._waiting) >= _BLOCK:
            self._block(bytes(self._waiting[:_BLOCK]))
            del self._waiting[:_BLOCK]

    def found(self) -> set[str]:
        if self._waiting:
            self._block(bytes(self._waiting))
            self._waiting.clear()
        return {self._each.hexdigest(), self._whole.hexdigest()}

    def _block(self, block: bytes) -> None:
        text = _is_text(block[:_LOOKED_AT])
        self._is_text = text if self._is_text is None else self._is_text
        unix = block.replace(b"\r\n", b"\n")
        self._each.update(unix if text else block)
        self._whole.update(unix if self._is_text else block)


def _is_text(head: bytes) -> bool:
    """No NUL, and at most 30 % of bytes that texts in ASCII do not have."""
    return b"\0" not in head and len(head.translate(None, _TEXT)) <= _MOST_ODD * len(head)
