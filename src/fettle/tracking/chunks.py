"""Metric points as compressed columns: what the database keeps instead of a row for each point.

A chunk is its format, the number of points, the lengths of two columns, and the three columns: steps, times, values,
each in the encoding that makes it smallest (`columns`). Decoding gives back every bit, NaN payloads included.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import zstandard

from fettle.tracking.columns import decode_floats, decode_integers, encode_floats, encode_integers
from fettle.tracking.records.metrics import Column

_HEAD = struct.Struct("<BI")
_PARTS = struct.Struct("<II")
_ROWS, _FIRST_FORMAT, _FORMAT = 0, 1, 2
_ROW = np.dtype([("step", "<i8"), ("at", "<i8"), ("value", "<f8")])
_MOST_ROWS = 48
"""Fewer points are kept as they are: nothing is gained by pressing them, and they are rewritten soon."""
_MOST_QUICK = 256
"""Fewer points are pressed in one go, in the first format: a chunk of that size is about to grow."""


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
        if len(whole) == 1:
            return whole[0]
        return cls(
            np.concatenate([each.steps for each in whole]),
            np.concatenate([each.at_us for each in whole]),
            np.concatenate([each.values for each in whole]),
        )

    @classmethod
    def none(cls) -> Points:
        """No points."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))

    def in_order(self) -> Points:
        """Sorted by step, then time; points that agree in both stay as they were logged."""
        later, same = self.steps[1:] > self.steps[:-1], self.steps[1:] == self.steps[:-1]
        if (later | (same & (self.at_us[1:] >= self.at_us[:-1]))).all():
            return self
        return self[np.lexsort((self.at_us, self.steps))]

    def __getitem__(self, chosen: np.ndarray | slice) -> Points:
        return Points(self.steps[chosen], self.at_us[chosen], self.values[chosen])


def encode(points: Points) -> bytes:
    """Compress points; `decode` gives them back bit for bit."""
    if len(points) < _MOST_ROWS:
        return _HEAD.pack(_ROWS, len(points)) + _table(points).tobytes()
    if len(points) < _MOST_QUICK:
        return _encode_first(points)
    steps = encode_integers(points.steps)
    at_us = encode_integers(points.at_us)
    head = _HEAD.pack(_FORMAT, len(points)) + _PARTS.pack(len(steps), len(at_us))
    return head + steps + at_us + encode_floats(points.values)


def decode(data: bytes) -> Points:
    """Undo `encode`, of this version and of those before.

    Raises:
        ValueError: A newer fettle wrote it.
    """
    form, count = _HEAD.unpack_from(data)
    if form == _ROWS:
        table = np.frombuffer(data, _ROW, count, _HEAD.size)
        return Points(*(np.ascontiguousarray(table[name]) for name in ("step", "at", "value")))
    if form == _FIRST_FORMAT:
        return _decode_first(data, count)
    if form != _FORMAT:
        raise ValueError(f"metric chunk of format {form}; this fettle reads up to {_FORMAT}")
    steps, at_us = _PARTS.unpack_from(data, _HEAD.size)
    begin = _HEAD.size + _PARTS.size
    middle, end = begin + steps, begin + steps + at_us
    return Points(
        decode_integers(data[begin:middle], count),
        decode_integers(data[middle:end], count),
        decode_floats(data[end:], count),
    )


def _table(points: Points) -> np.ndarray:
    table = np.empty(len(points), _ROW)
    table["step"], table["at"], table["value"] = points.steps, points.at_us, points.values
    return table


def _encode_first(points: Points) -> bytes:
    bits = np.ascontiguousarray(points.values, "<f8").view(np.int64)
    columns = np.stack([_differences(points.steps), _differences(points.at_us), bits]).astype(
        "<i8", copy=False
    )
    planes = np.ascontiguousarray(columns.view(np.uint8).reshape(3, -1, 8).transpose(0, 2, 1))
    return _HEAD.pack(_FIRST_FORMAT, len(points)) + zstandard.compress(planes.tobytes(), 1)


def _differences(column: np.ndarray) -> np.ndarray:
    made = column.copy()
    made[1:] -= column[:-1]
    return made


def _decode_first(data: bytes, count: int) -> Points:
    """Differences and values as planes in one Zstandard frame."""
    planes = np.frombuffer(zstandard.decompress(data[_HEAD.size :]), np.uint8).reshape(3, 8, count)
    steps, at_us, bits = (np.ascontiguousarray(each.T).view("<i8").ravel() for each in planes)
    return Points(np.cumsum(steps), np.cumsum(at_us), bits.view(np.float64))
