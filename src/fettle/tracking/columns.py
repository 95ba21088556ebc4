"""One column of numbers as few bytes: the smallest of some plain encodings, chosen column by column.

    stride     int64 first, int64 step: all differences are equal (steps counted by one, times of a frozen clock)
    slopes     differences of an order from 0 to 5, as planes: what is smooth; of floats, of their bits, which grow
               with the number
    floats     the bits of float64 as planes
    repeats    the bits XOR those of the value before, as planes: values that stay or return
    decimals   whole numbers and a power of ten: values that were rounded, or counted

Planes: the numbers are written so that equal byte positions lie together, differences first in zigzag form (small
numbers of either sign have zeros above). Of each plane is kept its one byte if it has but one, itself if it cannot be
compressed, or its Zstandard frame: so random mantissas cost neither time nor space, and exponents cost little.
Decoding gives back every bit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import zstandard

_STRIDE, _SLOPES, _FLOATS, _REPEATS, _DECIMALS = 0, 1, 3, 4, 5
_TWO = struct.Struct("<qq")
_HEAD = struct.Struct("<BI")
_SAMPLE = 2048
_LEVEL = 3
_SAME, _PLAIN, _PRESSED = range(3)
_ORDERS = (0, 1, 2, 3, 5)
_TENS = (0, 1, 2, 3, 4, 5, 6)
_EXACT = float(2**53)
_FEW = 512
"""Up to so many numbers, all planes are one Zstandard frame: eight would cost more than they save."""


def encode_integers(column: np.ndarray) -> bytes:
    """Encode int64; `decode_integers` gives them back."""
    diffs = np.diff(column)
    if not len(diffs) or (diffs[0] == diffs).all():
        first = int(column[0]) if len(column) else 0
        return _STRIDE.to_bytes() + _TWO.pack(first, int(diffs[0]) if len(diffs) else 0)
    return _slopes(column, _smoothest(column)[1])


def decode_integers(data: bytes, count: int) -> np.ndarray:
    """Undo `encode_integers`."""
    if data[0] == _SLOPES:
        return _unslopes(data, count)
    if data[0] != _STRIDE:
        raise _unknown(data[0])
    first, step = _TWO.unpack_from(data, 1)
    whole = np.full(count, step, np.int64)
    whole[:1] = first
    return np.cumsum(whole, out=whole)


def encode_floats(column: np.ndarray) -> bytes:
    """Encode float64; `decode_floats` gives back every bit."""
    values = np.ascontiguousarray(column, "<f8")
    if (found := _decimals(values)) is not None:
        return found
    bits = values.view(np.uint64)
    turned = bits.copy()
    turned[1:] ^= bits[:-1]
    size, order = _smoothest(bits.view(np.int64))
    sizes = {_SLOPES: size, _FLOATS: _size(bits), _REPEATS: _size(turned)}
    kind = min(sizes, key=sizes.__getitem__)
    if kind == _SLOPES:
        return _slopes(bits.view(np.int64), order)
    return kind.to_bytes() + _planes(bits if kind == _FLOATS else turned)


def decode_floats(data: bytes, count: int) -> np.ndarray:
    """Undo `encode_floats`."""
    kind = data[0]
    if kind == _SLOPES:
        return _unslopes(data, count).view(np.float64)
    if kind == _DECIMALS:
        return decode_integers(data[2:], count) / 10.0 ** data[1]
    if kind not in (_FLOATS, _REPEATS):
        raise _unknown(kind)
    bits = _unplanes(data[1:], count)
    if kind == _REPEATS:
        np.bitwise_xor.accumulate(bits, out=bits)
    return bits.view(np.float64)


def _decimals(values: np.ndarray) -> bytes | None:
    """The column as whole numbers over a power of ten, if that is what each value is."""
    for ten in _TENS:
        if _exact(values[:64], ten) is not None and (whole := _exact(values, ten)) is not None:
            return bytes((_DECIMALS, ten)) + encode_integers(whole)
    return None


def _exact(values: np.ndarray, ten: int) -> np.ndarray | None:
    """`values` times that power of ten as int64, if dividing gives back every bit (which -0.0 and NaN do not)."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(values * 10.0**ten)
        if not (np.abs(scaled) < _EXACT).all():
            return None
    whole = scaled.astype(np.int64)
    same = (whole / 10.0**ten).view(np.uint64) == np.ascontiguousarray(values).view(np.uint64)
    return whole if same.all() else None


def _smoothest(numbers: np.ndarray) -> tuple[int, int]:
    """About how small the best order of differences is, and which that is."""
    start = max((len(numbers) - _SAMPLE) // 2, 0)
    piece = numbers[start : start + _SAMPLE]
    return min((len(_planes(_zigzag(np.diff(piece, order)))), order) for order in _ORDERS)


def _slopes(numbers: np.ndarray, order: int) -> bytes:
    heads = []
    for _ in range(order):
        heads.append(int(numbers[0]) if len(numbers) else 0)
        numbers = np.diff(numbers)
    return bytes((_SLOPES, order)) + struct.pack(f"<{order}q", *heads) + _planes(_zigzag(numbers))


def _unslopes(data: bytes, count: int) -> np.ndarray:
    order = data[1]
    heads = struct.unpack_from(f"<{order}q", data, 2)
    numbers = np.empty(count, np.int64)
    numbers[order:] = _unzigzag(_unplanes(data[2 + 8 * order :], max(count - order, 0)))
    for place in reversed(range(min(order, count))):
        numbers[place] = heads[place]
        np.cumsum(numbers[place:], out=numbers[place:])
    return numbers


def _unknown(kind: int) -> ValueError:
    return ValueError(f"metric column of encoding {kind}, which this fettle does not know")


def _zigzag(numbers: np.ndarray) -> np.ndarray:
    """Write 0, -1, 1, -2, … as 0, 1, 2, 3, and so on."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _unzigzag(numbers: np.ndarray) -> np.ndarray:
    return ((numbers >> np.uint64(1)) ^ (np.uint64(0) - (numbers & np.uint64(1)))).view(np.int64)


def _size(numbers: np.ndarray) -> int:
    """About how many bytes these take, by a piece from the middle."""
    start = max((len(numbers) - _SAMPLE) // 2, 0)
    return len(_planes(numbers[start : start + _SAMPLE]))


def _planes(numbers: np.ndarray) -> bytes:
    turned = np.ascontiguousarray(numbers.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8).T)
    press = zstandard.ZstdCompressor(level=_LEVEL).compress
    if len(numbers) <= _FEW:
        return press(turned.tobytes())
    return b"".join(_plane(each, press) for each in turned)


def _plane(plane: np.ndarray, press: Callable[[bytes], bytes]) -> bytes:
    if (plane == plane[0]).all():
        return _HEAD.pack(_SAME, 1) + plane[:1].tobytes()
    raw = plane.tobytes()
    pressed = press(raw)
    if len(pressed) < len(raw):
        return _HEAD.pack(_PRESSED, len(pressed)) + pressed
    return _HEAD.pack(_PLAIN, len(raw)) + raw


def _unplanes(data: bytes, count: int) -> np.ndarray:
    """The numbers of `_planes`, writable."""
    unpress = zstandard.ZstdDecompressor().decompress
    turned = np.empty((8, count), np.uint8)
    if count <= _FEW:
        turned[:] = np.frombuffer(unpress(data), np.uint8).reshape(8, count)
    else:
        at = 0
        for plane in turned:
            kind, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            body = data[at : at + length]
            at += length
            plane[:] = (
                body[0]
                if kind == _SAME
                else np.frombuffer(unpress(body) if kind == _PRESSED else body, np.uint8)
            )
    return np.ascontiguousarray(turned.T).view("<u8").ravel()
