"""The conflicts of a merge: collected as they are found, those that nobody decided listed as a table."""

from __future__ import annotations

from typing import Literal

import polars as pl

from fettle.data.tables.compare import spelt
from fettle.data.tables.lineup import SIDES, Lineup, Side
from fettle.data.tables.match import INDEX, keys_named

Kind = Literal["column", "row", "cell"]
Values = tuple[pl.Series, pl.Series, pl.Series]
_ORDER = {"column": 0, "row": 1, "cell": 2}


class Conflicts:
    """The conflicts found so far; `resolved` counts those that were decided."""

    def __init__(self, lineup: Lineup) -> None:
        self.resolved = 0
        self._lineup = lineup
        nothing = pl.Series([], dtype=pl.String)
        self._found = [
            self._listed(
                "cell", lineup.keys.clear(), pl.Series([], dtype=INDEX), None, (nothing, nothing, nothing)
            )
        ]

    def table(self) -> pl.DataFrame:
        """The undecided ones: of columns, then of rows, then of cells, each in the order of the rows."""
        return in_order(self.listed())

    def listed(self) -> pl.DataFrame:
        """The undecided ones as they were found, with the number of the merged row as `#row`."""
        return pl.concat(self._found)

    def add_cells(self, at: pl.Series, take: pl.Series, column: str, values: Values) -> None:
        """Cells of one column: the rows, what was decided, and the values on the three sides."""
        self._add("cell", at, take, column, values)

    def add_rows(self, at: pl.Series, take: pl.Series, alive: Side) -> None:
        """Rows that one side removed and the other changed; each side's is shown as JSON."""
        nothing = pl.Series([None] * at.len(), dtype=pl.String)
        shown = [
            self._as_json(side, at) if side in ("base", alive) and at.len() else nothing for side in SIDES
        ]
        self._add("row", at, take, None, (shown[0], shown[1], shown[2]))

    def add_column(self, name: str, take: str | None, types: list[str | None]) -> None:
        """A column whose types or whose removal contradict; what each side made of it is shown."""
        if take is not None:
            self.resolved += 1
            return
        words = [pl.Series([each], dtype=pl.String) for each in types]
        nobody, first = self._lineup.keys.clear(1), pl.Series([0], dtype=INDEX)
        self._found.append(self._listed("column", nobody, first, name, (words[0], words[1], words[2])))

    def _add(self, kind: Kind, at: pl.Series, take: pl.Series, column: str | None, values: Values) -> None:
        left = take.is_null()
        self.resolved += at.len() - int(left.sum())
        if left.any():
            rows = at.filter(left)
            shown = (values[0].filter(left), values[1].filter(left), values[2].filter(left))
            self._found.append(self._listed(kind, self._lineup.keys[rows], rows, column, shown))

    def _as_json(self, side: Side, at: pl.Series) -> pl.Series:
        rows = self._lineup.frames[side][self._lineup.place[side][at]]
        return rows.select(pl.struct(pl.all()).struct.json_encode())[:, 0]

    def _listed(
        self, kind: Kind, keys: pl.DataFrame, at: pl.Series, column: str | None, values: Values
    ) -> pl.DataFrame:
        keys = keys.rename(keys_named(keys.columns))
        texts = [spelt(each).alias(side) for side, each in zip(SIDES, values, strict=True)]
        return pl.DataFrame([at.alias("#row"), *keys.iter_columns(), *texts]).select(
            "#row",
            pl.lit(kind).alias("kind"),
            *keys.columns,
            pl.lit(column, pl.String).alias("column"),
            *SIDES,
            pl.lit(None, pl.String).alias("take"),
        )


def in_order(listed: pl.DataFrame) -> pl.DataFrame:
    """Conflicts of columns, then of rows, then of cells, each in the order of the rows; `#row` goes."""
    kind = pl.col("kind").replace_strict(_ORDER, return_dtype=pl.Int8)
    return listed.sort(kind, "#row", maintain_order=True).drop("#row")
