"""Which frames are worth compressing: tried on samples, remembered by folder and extension."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from fettle.core.errors import Unavailable
from fettle.data.engine.format import RAW, ZSTD

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

_SAMPLE_BYTES = 64 << 10
_WORTHWHILE = 0.95
_FIRST_PAUSE = 16
_LONGEST_PAUSE = 256
_MOST_GROUPS = 4096


class Prober:
    """Decides raw or zstd for frames that look alike, and compresses them.

    A group (a folder and extension, or one large file) is probed on its first frame. As long as zstd saves less than
    5 %, the next frames are kept raw and probing pauses for 16, 32, … up to 256 frames; once it saves, every frame is
    compressed. Belongs to one thread.
    """

    def __init__(self) -> None:
        self._waits: dict[str, tuple[int, int]] = {}
        self._zstd: ZstdCompressor | None = None

    def raw_run(self, group: str) -> int:
        """How many frames of the group may be kept raw without asking again."""
        return self._waits.get(group, (0, 0))[0]

    def skip(self, group: str, frames: int) -> None:
        """Tell that so many frames of a raw run were kept."""
        left, pause = self._waits[group]
        self._waits[group] = (left - frames, pause)

    def encode(self, data: bytes | memoryview, group: str) -> tuple[int, bytes | memoryview]:
        """The codec for a frame, and its stored bytes."""
        left, pause = self._waits.get(group, (0, 0))
        if left > 0:
            self._waits[group] = (left - 1, pause)
            return RAW, data
        if promising(data):
            packed = self._compressed(data)
            if len(packed) <= _WORTHWHILE * len(data):
                self._waits.pop(group, None)
                return ZSTD, packed
        if len(self._waits) >= _MOST_GROUPS:
            self._waits.clear()
        longer = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._waits[group] = (longer, longer)
        return RAW, data

    def _compressed(self, data: bytes | memoryview) -> bytes:
        if self._zstd is None:
            from zstandard import ZstdCompressor

            self._zstd = ZstdCompressor(level=1)
        return self._zstd.compress(data)


def promising(data: bytes | memoryview) -> bool:
    """Whether a sample shrinks at all; zlib is at hand, and spares loading zstd for noise."""
    sample = data[: _SAMPLE_BYTES // 16]
    return len(zlib.compress(sample, 1)) <= _WORTHWHILE * len(sample) if len(sample) else False


def decode(stored: bytes | memoryview, codec: int, raw: int) -> bytes | memoryview:
    """The plain bytes of a frame of `raw` bytes.

    Raises:
        Unavailable: The stored bytes cannot be decoded.
    """
    if codec == RAW:
        return stored
    if codec != ZSTD:
        raise Unavailable(
            f"A frame has the codec {codec}, which this fettle does not know.", hint="Upgrade fettle."
        )
    from zstandard import ZstdDecompressor, ZstdError

    try:
        return ZstdDecompressor().decompress(stored, max_output_size=raw)
    except ZstdError as error:
        raise Unavailable("A frame cannot be decompressed.", found=str(error)) from None
