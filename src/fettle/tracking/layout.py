"""How many points lie in which chunk: large ones as soon as they are full, small ones at the end.

A series of n points is cut, from its beginning, into as many chunks of 65,536 points as it has, then of 4,096, then of
256, and one of what is left. An append rewrites from the largest boundary that it crosses: nearly always only the last
few points, rarely 4,096, more rarely 65,536; each point is written about three times in all, however it arrives.
"""

from __future__ import annotations

from collections.abc import Iterator

SIZES = (65_536, 4_096, 256)
OUTLINED = 4_096
"""Chunks of so many points and more have an outline, from which curves are drawn without reading them."""


def rewritten_from(before: int, after: int) -> int:
    """The first point whose chunk changes when a series grows from `before` points to `after`."""
    for size in SIZES:
        if before // size != after // size:
            return before // size * size
    return before // SIZES[-1] * SIZES[-1]


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The chunks of a series of `end` points from `start` on: first point and number of points.

    Args:
        start: A boundary, as `rewritten_from` gives it.
        end: How many points the series has.
    """
    while start < end:
        count = next((size for size in SIZES if start % size == 0 and start + size <= end), end - start)
        yield start, count
        start += count
