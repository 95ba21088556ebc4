"""Many indexes in one local table, so that a lookup asks a few tables however many packs there are.

A merged table is a private cache: rows of 48 bytes as in an index, the last field counting into the list of packs that
follows the rows. It may be deleted at any time.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from fettle.data.engine.indexes import MAGIC, ROW_BYTES, ROWS_AT, Table

SUFFIX = ".merged"
_END = struct.Struct("<II8s")
_PACK_BYTES = 32
MOST_PACKS = 65_535


def write(folder: Path, tables: Iterable[Table]) -> Path:
    """Merge tables into a file; its path."""
    import numpy as np

    packs: list[str] = []
    parts = []
    for table in tables:
        rows = np.frombuffer(table.body(), np.uint8).reshape(-1, ROW_BYTES).copy()
        numbers = rows[:, -2:].copy().view("<u2").astype(np.uint32) + len(packs)
        rows[:, -2:] = numbers.astype("<u2").view(np.uint8).reshape(-1, 2)
        packs += table.packs
        parts.append(rows)
    rows = np.concatenate(parts)
    keys = np.ascontiguousarray(rows[:, :32]).view(">u8")
    rows = rows[np.lexsort((keys[:, 3], keys[:, 2], keys[:, 1], keys[:, 0]))]
    counts = np.bincount(rows[:, 0], minlength=256).cumsum().astype("<u4")
    path = folder / f"{os.urandom(8).hex()}{SUFFIX}"
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        file.write(MAGIC + counts.tobytes())
        file.write(rows.data)
        file.write("".join(packs).encode())
        file.write(_END.pack(len(rows), len(packs), MAGIC))
    partial.replace(path)
    return path


def read(path: Path) -> Table | None:
    """The table of a merged file, mapped; None if it is not whole."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < ROWS_AT + _END.size:
            return None
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    rows, count, magic = _END.unpack_from(data, size - _END.size)
    names_at = ROWS_AT + rows * ROW_BYTES
    if magic != MAGIC or size != names_at + count * _PACK_BYTES + _END.size:
        return None
    names = data[names_at : names_at + count * _PACK_BYTES].decode()
    return Table(data, rows, [names[at : at + _PACK_BYTES] for at in range(0, len(names), _PACK_BYTES)])
