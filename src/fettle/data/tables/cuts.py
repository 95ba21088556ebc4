"""Where a table is cut into files: at rows chosen by what is in them.

Cut every 128k rows, a table with one more row at its beginning has no file in common with the table before. Here a
piece ends at a row whose hash says so, as content-defined chunking does with bytes (Muthitacharoen, Chen and Mazières
2001, "A low-bandwidth network file system", section 3.1). After an insertion the cuts fall at the same rows again, so
all other pieces keep their bytes: they are stored once, and comparing two versions need not read them.

The hash is our own and never changes, for the cuts decide what two versions share; polars' may change with its release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

PIECE_ROWS = 1 << 17
PIECE_BYTES = 16 << 20
LEAST_ROWS = 256
SAMPLE_ROWS = 1 << 16
DISTINCT_SHARE = 0.5

_MIX_1, _MIX_2, _NULL = (
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
    np.uint64(0x9E3779B97F4A7C15),
)


def pieces_of(frames: Iterable[pl.DataFrame], key: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
    """Cut rows into pieces of about 128k rows, none over twice that; memory holds about one piece.

    The same rows in the same order are cut alike however they were batched.

    Args:
        frames: The rows in batches of any size, of one schema.
        key: Columns whose values decide where cuts fall, so that a change in other columns moves none. Empty: the first
            column of which half of the values differ, else all columns.
    """
    batches = _headed(frames)
    rest = next(batches, None)
    if rest is None:
        return
    rows = rows_of(rest)
    columns = list(key) or deciding(rest)
    marks = row_hashes(rest.select(columns))
    while rest.height:
        batch = next(batches, None) if rest.height < 2 * rows else None
        if batch is not None:
            rest = pl.concat([rest, batch])
            marks = np.concatenate((marks, row_hashes(batch.select(columns))))
        else:
            cut = _first_cut(marks, rows)
            yield rest[:cut]
            rest, marks = rest[cut:], marks[cut:]


def rows_of(head: pl.DataFrame) -> int:
    """How many rows a piece of such rows has on average: 128k, halved until they take at most 16 MiB."""
    width = _row_bytes(head[:SAMPLE_ROWS])
    rows = PIECE_ROWS
    while rows > LEAST_ROWS and rows * width > PIECE_BYTES:
        rows //= 2
    return rows


def deciding(head: pl.DataFrame) -> list[str]:
    """The columns whose values decide where cuts fall, if no key does."""
    sample = head[:SAMPLE_ROWS]
    for column in sample.iter_columns():
        if column.n_unique() >= DISTINCT_SHARE * sample.height:
            return [column.name]
    return head.columns


def row_hashes(frame: pl.DataFrame) -> Hashes:
    """A 64-bit hash of each row; good enough to choose rows by, not to identify them."""
    total = np.zeros(frame.height, np.uint64)
    for column in frame.iter_columns():
        bits = _bits(column)
        if column.null_count():
            bits = np.where(column.is_null().to_numpy(), _NULL, bits)
        total = _mixed(total * np.uint64(31) + _mixed(bits))
    return total


def _headed(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The batches, the first filled up to `SAMPLE_ROWS`, so that what is read off it does not depend on batching."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        if frame.height:
            waiting.append(frame)
        if sum(each.height for each in waiting) >= SAMPLE_ROWS:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)


def _first_cut(marks: Hashes, rows: int) -> int:
    """How many rows the next piece has: from half of `rows`, where a hash first says so, up to twice as many."""
    least, most = rows // 2, rows * 2
    window = marks[least - 1 : most]
    chosen = np.flatnonzero((window >> np.uint64(32)) % np.uint64(least) == 0)
    return least + int(chosen[0]) if chosen.size else min(len(marks), most)


def _row_bytes(sample: pl.DataFrame) -> float:
    """Bytes that a row takes in memory, read off the values so that it does not depend on how they are held."""
    if not sample.height:
        return 1.0
    fixed = {pl.Boolean: 1, pl.Date: 4}
    return sum(
        8 + float(column.str.len_bytes().sum() or 0) / sample.height
        if column.dtype == pl.String
        else fixed.get(type(column.dtype), 8)
        for column in sample.iter_columns()
    )


def _bits(column: pl.Series) -> Hashes:
    if column.dtype == pl.String:
        return _text_bits(column)
    if column.dtype.is_float():
        return (column.fill_null(0.0).to_numpy().astype(np.float64) + 0.0).view(np.uint64)
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)


def _text_bits(column: pl.Series) -> Hashes:
    """The first and last eight bytes and the length of each text."""
    lengths = column.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)
    texts = column.str.join("") if column.len() else pl.Series([""])
    data = np.frombuffer((texts[0] or "").encode() + bytes(8), np.uint8)
    windows = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    ends = np.cumsum(lengths)
    first = windows[ends - lengths]
    last = windows[np.maximum(ends - 8, 0)]
    kept = np.where(
        lengths >= 8,
        np.uint64(0xFFFFFFFFFFFFFFFF),
        (np.uint64(1) << (np.uint64(8) * lengths.clip(max=7).astype(np.uint64))) - np.uint64(1),
    )
    tail = np.where(lengths > 8, last, np.uint64(0))
    return _mixed((first & kept) + lengths.astype(np.uint64) * _NULL) ^ tail


def _mixed(bits: Hashes) -> Hashes:
    """Each bit spread over all (splitmix64's finaliser: Steele, Lea and Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))
