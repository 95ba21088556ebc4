"""Bring two changes of one table together: three-way merge by key, row by row and cell by cell.

| the row                                    | merged                                                               |
|--------------------------------------------|----------------------------------------------------------------------|
| changed on one side                        | that side's                                                          |
| changed on both in different columns       | both changes                                                         |
| the same cell changed to the same          | that value                                                           |
| the same cell changed differently          | conflict `cell`                                                      |
| removed on one side, as it was on the other| removed                                                              |
| removed on one side, changed on the other  | conflict `row`                                                       |
| added on one side                          | added                                                                |
| added on both with the same key            | one row; cells that differ are conflicts `cell` without a base       |

A column that one side added is kept, one that a side removed goes unless the other changed values in it (conflict
`column`), a type that one side changed is taken if all values fit, of two changes the wider (else conflict `column`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from fettle.core.errors import Conflict, Invalid
from fettle.core.progress import phase
from fettle.data.tables.columns import type_name
from fettle.data.tables.compare import differs, spelt
from fettle.data.tables.conflicts import Conflicts
from fettle.data.tables.lineup import SIDES, Lineup, Side, blank, blank_where, everywhere
from fettle.data.tables.match import INDEX, check_key
from fettle.data.tables.resolutions import VALUE, Resolutions, Resolve
from fettle.data.tables.retype import agreed, cast_to, fits
from fettle.data.tables.sides import Side as Rows
from fettle.data.tables.sides import scan_side

_EITHER: tuple[tuple[Side, Side], ...] = (("ours", "theirs"), ("theirs", "ours"))


class Merged(NamedTuple):
    """The outcome of a merge.

    Attributes:
        frame: The merged rows: ours in their order, then what theirs adds. Undecided conflicts stand as ours has them.
        conflicts: The undecided conflicts: `kind` (`cell`, `row`, `column`), the key, `column`, `base`, `ours` and
            `theirs` as text, and an empty `take` to fill in.
        resolved: How many conflicts were decided.
    """

    frame: pl.DataFrame
    conflicts: pl.DataFrame
    resolved: int

    @property
    def clean(self) -> bool:
        """True if no conflict is left."""
        return self.conflicts.is_empty()

    def save(self, path: Path) -> None:
        """Write the conflicts to a `.csv` or `.parquet` file, whose `take` a person fills in."""
        texts = self.conflicts.select(spelt(each) for each in self.conflicts.iter_columns())
        texts.write_parquet(path) if path.suffix == ".parquet" else texts.write_csv(path)

    def require_clean(self) -> pl.DataFrame:
        """The merged rows.

        Raises:
            Conflict: A conflict is left.
        """
        if self.clean:
            return self.frame
        first = self.conflicts.row(0, named=True)
        raise Conflict(
            f"{self.conflicts.height:,} conflict(s) are undecided.",
            found=", ".join(f"{name}={value}" for name, value in first.items() if value is not None),
            hint="Decide with resolve='ours', 'theirs' or 'base', or fill in the column `take` of the conflicts.",
        )


def merge_tables(
    base: Rows, ours: Rows, theirs: Rows, key: Sequence[str], *, resolve: Resolve = None
) -> Merged:
    """Merge two changes of a table.

    Args:
        base: The version that both sides began with.
        ours: Our version of it.
        theirs: The other.
        key: The columns that tell rows apart, at least one.
        resolve: How conflicts are decided: one side for all; a mapping from a key, or a key and a column, to a side; or
            the table of conflicts with its column `take` filled in, or a column `value` for a cell that gets a value
            of its own, as a frame, rows, or the path of a CSV or Parquet file. None leaves them undecided.

    Raises:
        NotFound: A side lacks a key column.
        Invalid: A key occurs twice on one side, there is no key, or a resolution is none.
    """
    frames: dict[Side, pl.DataFrame] = {}
    with phase("Reading", total=3, unit="versions") as step:
        for name, side in zip(SIDES, (base, ours, theirs), strict=True):
            frames[name] = scan_side(side).collect()
            check_key(key, frames[name].schema, name)
            step()
    work = Merge(Lineup(frames, list(key)), Resolutions(resolve, key))
    rows, _ = work.merged()
    return Merged(rows, work.conflicts.table(), work.conflicts.resolved)


class Merge:
    """One merge, a column at a time.

    Attributes:
        conflicts: Those found by `merged`.
    """

    def __init__(self, lineup: Lineup, decided: Resolutions) -> None:
        self.lineup = lineup
        self.frames = lineup.frames
        self.decided = decided
        self.conflicts = Conflicts(lineup)

    def merged(self) -> tuple[pl.DataFrame, pl.Series]:
        """The merged rows, and for each row of the lineup whether it is among them."""
        keep, as_base = self._rows()
        with phase("Merging", total=len(self.frames["ours"].columns), unit="columns") as step:
            columns = []
            for name in self._names():
                column = (
                    self.lineup.keys[name] if name in self.lineup.key else self._column(name, keep, as_base)
                )
                if column is not None:
                    columns.append(column.filter(keep).alias(name))
                step()
        return pl.DataFrame(columns), keep

    def _names(self) -> list[str]:
        """All columns that may be in the result: ours, then those only theirs has."""
        ours, theirs = self.frames["ours"].columns, self.frames["theirs"].columns
        return [*ours, *(name for name in theirs if name not in ours)]

    def _rows(self) -> tuple[pl.Series, pl.Series]:
        """Which merged rows stay, and which of them are taken as they are in base."""
        keep = everywhere(True, self.lineup.rows)
        as_base = ~keep
        for alive, gone in _EITHER:
            rows = self.lineup.present(alive, gone)
            if not rows.len():
                continue
            at = rows.filter(self.lineup.changed(alive, rows))
            take = self.decided.take(self.lineup.keys[at], None)
            self.conflicts.add_rows(at, take, alive)
            stays = take.fill_null("ours").is_in([alive, "base"])
            kept = pl.concat([at.filter(stays), pl.Series([], dtype=INDEX)])
            keep = keep.scatter(rows, False).scatter(kept, True)
            as_base = as_base.scatter(at.filter(take == "base"), True)
        return keep, as_base

    def _column(self, name: str, keep: pl.Series, as_base: pl.Series) -> pl.Series | None:
        """The merged values of one column; None if the column goes."""
        having: list[Side] = [side for side in SIDES if name in self.frames[side].columns]
        if "base" in having and len(having) == 2:
            return self._removed_column(name, having[1], as_base)
        if len(having) == 1:
            return blank_where(as_base, self.lineup.values(having[0], name))
        dtype = self._type(name)
        base, ours, theirs = (
            cast_to(self.lineup.values(side, name), dtype)
            if side in having
            else blank(name, dtype, self.lineup.rows)
            for side in SIDES
        )
        has_base, both = self.lineup.has["base"], self.lineup.has["ours"] & self.lineup.has["theirs"]
        if "base" not in having:
            has_base = everywhere(False, self.lineup.rows)
        by_ours, by_theirs, apart = (
            differs(*pair) for pair in ((base, ours), (base, theirs), (ours, theirs))
        )
        value = ours.zip_with(self.lineup.has["ours"] & ~(both & has_base & ~by_ours), theirs)
        at = (both & keep & apart & ~(has_base & (~by_ours | ~by_theirs))).arg_true().cast(INDEX)
        take = self.decided.take(self.lineup.keys[at], name)
        self.conflicts.add_cells(at, take, name, (base[at], ours[at], theirs[at]))
        own = at.filter(take == VALUE)
        if own.len():
            value = value.scatter(own, self._own_values(own, name, dtype))
        value = value.scatter(at.filter(take == "theirs"), theirs[at.filter(take == "theirs")])
        value = value.scatter(at.filter(take == "base"), base[at.filter(take == "base")])
        return value.zip_with(~as_base, base)

    def _own_values(self, rows: pl.Series, name: str, dtype: pl.DataType) -> pl.Series:
        """What was written down for these cells instead of a side's value."""
        texts = self.decided.values(self.lineup.keys[rows], name)
        if not fits(texts, dtype):
            wrong = texts.filter(cast_to(texts, dtype).is_null() & texts.is_not_null())
            raise Invalid(
                f"The column {name!r} cannot have the value {wrong[0]!r}.",
                found=f"a column of type {type_name(dtype)}",
                hint="Correct the value in the resolutions.",
                subject=f"column:{name}",
            )
        return cast_to(texts, dtype)

    def _type(self, name: str) -> pl.DataType:
        """The column's type; where the sides disagree, it is a conflict."""
        dtypes = {side: frame.schema.get(name) for side, frame in self.frames.items()}
        ours, theirs = self.frames["ours"][name], self.frames["theirs"][name]
        dtype = agreed(dtypes["base"], ours.dtype, theirs.dtype)
        if dtype is not None and fits(ours, dtype) and fits(theirs, dtype):
            return dtype
        take = self.decided.take_column(name)
        words = [None if each is None else type_name(each) for each in dtypes.values()]
        self.conflicts.add_column(name, take, words)
        return dtypes[take or "ours"] or ours.dtype

    def _removed_column(self, name: str, side: Side, as_base: pl.Series) -> pl.Series | None:
        """A column that the other side removed: it goes, unless this side changed values that base has."""
        rows = (self.lineup.has["base"] & self.lineup.has[side]).arg_true().cast(INDEX)
        base, mine = self.lineup.values("base", name, rows), self.lineup.values(side, name, rows)
        if base.dtype == mine.dtype and not differs(base, mine).any():
            return None
        take = self.decided.take_column(name)
        words = [
            type_name(self.frames[each].schema[name]) if name in self.frames[each].schema else None
            for each in SIDES
        ]
        self.conflicts.add_column(name, take, words)
        if (take or "ours") not in (side, "base"):
            return None
        taken = "base" if take == "base" else side
        return self.lineup.values(taken, name).zip_with(
            ~as_base, cast_to(self.lineup.values("base", name), self.frames[taken].schema[name])
        )
