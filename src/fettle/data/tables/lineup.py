"""The three sides of a merge on one list of rows: ours in order, then those that only theirs has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import polars as pl

from fettle.data.tables.compare import differs
from fettle.data.tables.match import INDEX, match
from fettle.data.tables.retype import agreed, cast_to

Side = Literal["base", "ours", "theirs"]
SIDES: tuple[Side, Side, Side] = ("base", "ours", "theirs")
_PAIRS: tuple[tuple[Side, Side], ...] = (("base", "ours"), ("base", "theirs"), ("ours", "theirs"))


class Lineup:
    """For each merged row its row on each side.

    Attributes:
        frames: The rows of each side.
        key: The columns that tell rows apart.
        numbers: What errors call the rows of each side; None: as they stand.
        rows: How many merged rows there may be.
        place: For each of them its row on each side; 0 where there is none.
        has: Whether the side has it.
        keys: Their keys.
    """

    def __init__(
        self,
        frames: Mapping[Side, pl.DataFrame],
        key: list[str],
        numbers: Mapping[Side, pl.Series] | None = None,
    ) -> None:
        self.frames = frames
        self.key = key
        self._numbers = numbers or {}
        self._line_up()
        self.keys = pl.DataFrame([self._key_column(name) for name in key])

    def _line_up(self) -> None:
        """For each merged row its row on each side, and whether there is one."""
        keys = {name: frame.select(self.key) for name, frame in self.frames.items()}
        to_ours, to_theirs, across = (
            match(keys[a], keys[b], names=(a, b), numbers=(self._numbers.get(a), self._numbers.get(b)))
            for a, b in _PAIRS
        )
        own, other = keys["ours"].height, across.added.to_numpy()
        met = across.met.to_numpy()
        theirs, has_theirs = np.zeros(own, np.uint32), np.zeros(own, bool)
        theirs[across.place.to_numpy()[met]] = np.flatnonzero(met)
        has_theirs[across.place.to_numpy()[met]] = True
        self.rows = own + len(other)
        places: dict[Side, tuple[np.ndarray, np.ndarray]] = {
            "base": (to_ours.place.to_numpy(), to_theirs.place.to_numpy()[other]),
            "ours": (np.arange(own), np.zeros(len(other))),
            "theirs": (theirs, other),
        }
        present: dict[Side, tuple[np.ndarray, np.ndarray]] = {
            "base": (to_ours.met.to_numpy(), to_theirs.met.to_numpy()[other]),
            "ours": (np.ones(own, bool), np.zeros(len(other), bool)),
            "theirs": (has_theirs, np.ones(len(other), bool)),
        }
        self.place = {
            name: pl.Series(np.concatenate(each).astype(np.uint32)) for name, each in places.items()
        }
        self.has = {name: pl.Series(np.concatenate(each)) for name, each in present.items()}

    def values(self, side: Side, name: str, rows: pl.Series | None = None) -> pl.Series:
        """A column of a side on the merged rows (or some of them), missing where the side has no such row."""
        column, place, has = self.frames[side][name], self.place[side], self.has[side]
        if rows is not None:
            place, has = place[rows], has[rows]
        if not column.len():
            return blank(name, column.dtype, place.len())
        found = column.gather(place)
        return found if has.all() else found.zip_with(has, blank(name, column.dtype, has.len()))

    def changed(self, side: Side, rows: pl.Series) -> pl.Series:
        """Which of these rows differ from base in a column that both have."""
        base, frame = self.frames["base"], self.frames[side]
        changed = everywhere(False, rows.len())
        for name in frame.columns:
            if name in base.columns and name not in self.key:
                changed = changed | differs(self.values("base", name, rows), self.values(side, name, rows))
        return changed

    def present(self, having: Side, lacking: Side) -> pl.Series:
        """The merged rows that base and one side have and the other lacks."""
        return (self.has["base"] & self.has[having] & ~self.has[lacking]).arg_true().cast(INDEX)

    def _key_column(self, name: str) -> pl.Series:
        dtypes = {side: frame.schema[name] for side, frame in self.frames.items()}
        dtype = agreed(dtypes["base"], dtypes["ours"], dtypes["theirs"]) or dtypes["ours"]
        ours, theirs = (cast_to(self.values(side, name), dtype) for side in SIDES[1:])
        return ours.zip_with(self.has["ours"], theirs).alias(name)


def everywhere(value: bool, rows: int) -> pl.Series:
    """The same truth for so many rows."""
    return pl.repeat(value, rows, dtype=pl.Boolean, eager=True)


def blank(name: str, dtype: pl.DataType, rows: int) -> pl.Series:
    """So many missing values."""
    return pl.repeat(None, rows, dtype=dtype, eager=True).alias(name)


def blank_where(mask: pl.Series, column: pl.Series) -> pl.Series:
    """The values, missing where the mask is true."""
    return column.zip_with(~mask, blank(column.name, column.dtype, column.len())) if mask.any() else column
