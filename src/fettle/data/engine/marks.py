"""What is reachable, remembered in few bits: a Bloom filter over digests.

It may say yes for what was never marked (once in about a thousand), never no for what was. So gc may keep a little too
much, and a push may send a little too much; neither can lose anything.
"""

from __future__ import annotations

import struct

_BITS_PER_OBJECT = 20
_WORDS = struct.Struct("<4Q")


class Marks:
    """Marked digests.

    A digest is uniformly distributed already: its four 64-bit words are the four hash functions (Bloom, 1970). With 20
    bits an object the error rate is (1 - exp(-4/20))^4 = 0.0011.

    Args:
        objects: How many may be marked.
    """

    def __init__(self, objects: int) -> None:
        self._bits = max(objects * _BITS_PER_OBJECT, 4096)
        self._array = bytearray(self._bits // 8 + 1)

    def add(self, digest: bytes) -> None:
        """Mark a digest."""
        array, bits = self._array, self._bits
        for word in _WORDS.unpack(digest):
            at = word % bits
            array[at >> 3] |= 1 << (at & 7)

    def __contains__(self, digest: bytes) -> bool:
        array, bits = self._array, self._bits
        for word in _WORDS.unpack(digest):
            at = word % bits
            if not array[at >> 3] >> (at & 7) & 1:
                return False
        return True
