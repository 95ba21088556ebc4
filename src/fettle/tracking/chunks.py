"""Metric points as compressed columns: what the database keeps instead of a row for each point.

Steps and times are written as differences, every column is turned so that equal byte positions lie together, and the
whole is compressed: a smooth curve takes about 7 bytes a point. Decoding gives back every bit, NaN payloads included.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import zstandard

from fettle.tracking.records.metrics import Column

FULL = 4096
"""A chunk of this many points is closed; a smaller one is grown by the next append."""

_HEAD = struct.Struct("<BI")
_FORMAT = 1


@dataclass(frozen=True)
class Points:
    """The points of one metric as three arrays of one length: int64, int64 (µs since 1970), float64."""

    steps: np.ndarray
    at_us: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def of(cls, column: Column) -> Points:
        """Unpack what a client sent.

        Raises:
            ValueError: The three parts do not have one length.
        """
        steps = np.frombuffer(column.steps, "<i8")
        at_us = np.frombuffer(column.at_us, "<i8")
        values = np.frombuffer(column.values, "<f8")
        if not len(steps) == len(at_us) == len(values):
            raise ValueError(f"{len(steps)} steps, {len(at_us)} times, {len(values)} values")
        return cls(steps, at_us, values)

    @classmethod
    def joined(cls, parts: Iterable[Points]) -> Points:
        """One after the other."""
        whole = list(parts)
        return cls(
            np.concatenate([each.steps for each in whole]),
            np.concatenate([each.at_us for each in whole]),
            np.concatenate([each.values for each in whole]),
        )

    def in_order(self) -> Points:
        """Sorted by step, then time; points that agree in both stay as they were logged."""
        order = np.lexsort((self.at_us, self.steps))
        return self[order]

    def __getitem__(self, chosen: np.ndarray | slice) -> Points:
        return Points(self.steps[chosen], self.at_us[chosen], self.values[chosen])


def encode(points: Points) -> bytes:
    """Compress points; `decode` gives them back bit for bit."""
    planes = b"".join(
        _planes(each)
        for each in (
            np.diff(points.steps, prepend=np.int64(0)),
            np.diff(points.at_us, prepend=np.int64(0)),
            np.ascontiguousarray(points.values).view(np.int64),
        )
    )
    return _HEAD.pack(_FORMAT, len(points)) + zstandard.compress(planes, 3)


def decode(data: bytes) -> Points:
    """Undo `encode`."""
    form, count = _HEAD.unpack_from(data)
    if form != _FORMAT:
        raise ValueError(f"metric chunk of format {form}; this fettle reads {_FORMAT}")
    planes = np.frombuffer(zstandard.decompress(data[_HEAD.size :]), np.uint8).reshape(3, 8, count)
    steps, at_us, bits = (np.ascontiguousarray(each.T).view("<i8").ravel() for each in planes)
    return Points(np.cumsum(steps), np.cumsum(at_us), bits.view(np.float64))


def _planes(column: np.ndarray) -> bytes:
    return np.ascontiguousarray(column.astype("<i8").view(np.uint8).reshape(-1, 8).T).tobytes()


def thin(points: Points, most: int) -> Points:
    """At most `most` points that draw the same curve: the lowest and highest of each stretch, and both ends.

    A spike of one point stays visible, which evenly spaced sampling would lose.

    Args:
        points: In order.
        most: 0 means all.
    """
    if most <= 0 or len(points) <= most:
        return points
    if most < 4:
        return points[np.linspace(0, len(points) - 1, most).astype(np.int64)]
    edges = np.linspace(0, len(points), (most - 2) // 2 + 1).astype(np.int64)
    keep = {0, len(points) - 1}
    for start, end in itertools.pairwise(edges):
        stretch = points.values[start:end]
        finite = np.isfinite(stretch)
        if finite.any():
            keep.add(int(start + np.argmin(np.where(finite, stretch, np.inf))))
            keep.add(int(start + np.argmax(np.where(finite, stretch, -np.inf))))
        else:
            keep.add(int(start))
    return points[np.array(sorted(keep))]
