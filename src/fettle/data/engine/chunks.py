"""Content-defined chunks: FastCDC (Xia et al., 2020) over a stream, in bounded memory.

Boundaries depend on the bytes around them only, so an insertion changes the chunks it touches and no others. The cuts
are part of the data format: golden vectors and a second implementation in `tests/data/engine` hold them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fettle.data.engine.format import Chunking

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

_SIZES = Chunking()


def cutter() -> FastCDC:
    """The chunker with the sizes of the format."""
    from pyfastcdc import FastCDC

    return FastCDC(
        _SIZES.avg,
        min_size=_SIZES.min,
        max_size=_SIZES.max,
        normalized_chunking=_SIZES.normalization,
        seed=_SIZES.seed,
    )


def cut(blocks: Iterable[bytes]) -> Iterator[memoryview]:
    """The chunks of a stream, whatever its blocks are; views into them where a chunk lies within one.

    A chunk is certain once `max` bytes from its start are known. So the end of a block is cut together with the
    beginning of the next: only those few bytes are copied.
    """
    fastcdc = cutter()
    rest = memoryview(b"")
    for block in blocks:
        view = memoryview(block)
        at = 0
        while rest and at < len(view):
            joined = memoryview(b"".join((rest, view[at : at + _SIZES.max])))
            if len(joined) < _SIZES.max:
                rest, at = joined, len(view)
                continue
            size = next(iter(fastcdc.cut_buf(joined))).length
            if size >= len(rest):
                at += size - len(rest)
            yield joined[:size]
            rest = rest[size:]
        if at < len(view):
            certain, following = len(view) - _SIZES.max, iter(fastcdc.cut_buf(view[at:]))
            while at <= certain:
                size = next(following).length
                yield view[at : at + size]
                at += size
            rest = view[at:]
    if len(rest):
        for chunk in fastcdc.cut_buf(rest):
            yield chunk.data
