"""Which row an item is: by its key columns or by the digest of its values, so that labels find their rows again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from fettle.core import canonical, ids, progress
from fettle.core.errors import Invalid, NotFound

SLICE_ROWS = 20_000


def keys_of(frame: pl.DataFrame, key: Sequence[str]) -> list[str]:
    """Name each row.

    Args:
        frame: The rows.
        key: The columns whose values name a row; empty: the BLAKE3 digest of all values, so that equal rows have the
            same name and share their label.

    Returns:
        A JSON list of the key's values, or 32 hex digits; one for each row.

    Raises:
        NotFound: A key column is not in the table.
        Invalid: Two rows have the same key, or a key is missing.
    """
    for name in key:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    if key:
        _check_unique(frame, key)
    names: list[str] = []
    with progress.phase("Naming rows", total=frame.height, unit="rows") as step:
        for piece in frame.select(key or frame.columns).iter_slices(SLICE_ROWS):
            rows = piece.rows()
            names += [canonical.encode(row).decode() if key else _digest(row) for row in rows]
            step(len(rows))
    return names


def _digest(row: tuple[Any, ...]) -> str:
    return ids.digest(canonical.encode(row))[:32]


def _check_unique(frame: pl.DataFrame, key: Sequence[str]) -> None:
    if missing := frame.filter(pl.any_horizontal(pl.col(key).is_null())).height:
        raise Invalid(
            f"The key {', '.join(key)} is missing in some rows.",
            found=f"{missing} of {frame.height} rows",
            hint="Choose columns that are always there, or leave --key out: rows are then named by all their values.",
        )
    twice = frame.group_by(key, maintain_order=True).len().filter(pl.col("len") > 1)
    if twice.height:
        shown = ", ".join(f"{name} {value!r}" for name, value in zip(key, twice.row(0), strict=False))
        raise Invalid(
            f"The key {', '.join(key)} does not tell rows apart.",
            found=f"{twice.height} keys occur more than once, such as {shown}",
            hint="Add a column to the key, or leave --key out: rows are then named by all their values.",
        )


def shown_of(frame: pl.DataFrame, show: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The values to show of each row, as JSON has them."""
    for row in frame.select(show).iter_rows(named=True):
        yield {name: plain(value) for name, value in row.items()}


def plain(value: Any) -> Any:
    """A value as JSON has it: dates and times as ISO text."""
    return value.isoformat() if hasattr(value, "isoformat") else value
