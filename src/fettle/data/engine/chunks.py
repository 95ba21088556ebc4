"""Content-defined chunks: FastCDC (Xia et al., 2020) over a stream, in bounded memory.

Boundaries depend on the bytes around them only, so an insertion changes the chunks it touches and no others. The cuts
are part of the data format: golden vectors and a second implementation in `tests/data/engine` hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fettle.data.engine.blocks import ROOM, Block
from fettle.data.engine.format import Chunking

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

_SIZES = Chunking()


def fastcdc() -> FastCDC:
    """The chunker with the sizes of the format."""
    from pyfastcdc import FastCDC

    return FastCDC(
        _SIZES.avg,
        min_size=_SIZES.min,
        max_size=_SIZES.max,
        normalized_chunking=_SIZES.normalization,
        seed=_SIZES.seed,
    )


class Cutter:
    """Cuts one stream, whose blocks come in order; what the blocks are does not change the cuts.

    A chunk is certain once `max` bytes from its start are known. What is not certain at the end of a block is copied to
    the room in front of the next one, so a chunk lies within one block always.

    Attributes:
        rest: The end of the last block, not certain yet.
    """

    def __init__(self) -> None:
        self._fastcdc = fastcdc()
        self.rest = memoryview(b"")

    def chunks(self, block: Block) -> Iterator[memoryview]:
        """The chunks that are certain now, as views into the block; from its `begin` on, one after another.

        Take all of them, and keep the block as it is until the next one was given.
        """
        block.begin = ROOM - len(self.rest)
        block.view[block.begin : ROOM] = self.rest
        return self._cut(block.view[block.begin : block.end], block.end - block.begin - _SIZES.max)

    def last(self) -> Iterator[memoryview]:
        """The chunks of what is left, as views into the last block; behind those that were given before."""
        return self._cut(self.rest, len(self.rest) - 1)

    def _cut(self, view: memoryview, certain: int) -> Iterator[memoryview]:
        at, following = 0, self._fastcdc.cut_buf(view)
        while at <= certain:
            chunk = next(following).data
            yield chunk
            at += len(chunk)
        self.rest = view[at:]
