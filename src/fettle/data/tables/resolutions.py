"""What people decided about conflicts: one side for all, or row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.data.tables.compare import spelt
from fettle.data.tables.match import keys_named

Take = Literal["ours", "theirs", "base"]
Rows = Sequence[Mapping[str, Any]]
Resolve = Take | Mapping[Any, str] | Rows | pl.DataFrame | str | Path | None
TAKES: tuple[Take, ...] = ("ours", "theirs", "base")
VALUE = "value"
"""What is said of a cell that gets a value of its own, which no side has."""


class Resolutions:
    """Which side is taken for which conflict; conflicts are found again by key and column, as text."""

    def __init__(self, resolve: Resolve, key: Sequence[str]) -> None:
        self._all: Take | None = (
            next((each for each in TAKES if resolve == each), None) if isinstance(resolve, str) else None
        )
        self._key = list(key)
        self._table = None if resolve is None or self._all else _as_table(resolve, self._key)

    def take(self, keys: pl.DataFrame, column: str | None) -> pl.Series:
        """For rows with these keys, what is taken for a column (None: for the row as a whole); null if undecided.

        What was decided for a row as a whole holds for its cells that have no decision of their own.
        """
        nothing = pl.Series("take", [self._all] * keys.height, pl.String)
        if self._table is None or not keys.height:
            return nothing
        own = self._looked_up(keys, pl.col("#column").is_null())
        if column is None:
            return own
        cell = self._looked_up(keys, pl.col("#column") == column)
        return cell.zip_with(cell.is_not_null(), own)

    def values(self, keys: pl.DataFrame, column: str) -> pl.Series:
        """For rows with these keys, the value of its own that was written down for a cell, as text."""
        if self._table is None:
            return pl.Series("value", [None] * keys.height, pl.String)
        return self._looked_up(keys, pl.col("#column") == column, "#value")

    def take_column(self, column: str) -> Take | None:
        """What is taken for a column whose change itself is the conflict: a decision for the column without a key."""
        if self._table is None:
            return self._all
        whole = pl.all_horizontal(pl.col(f"#{place}").is_null() for place in range(len(self._key)))
        found = self._table.filter(whole & (pl.col("#column") == column) & pl.col("#take").is_in(TAKES))
        return found["#take"][0] if found.height else None

    def _looked_up(self, keys: pl.DataFrame, which: pl.Expr, what: str = "#take") -> pl.Series:
        assert self._table is not None
        names = [f"#{place}" for place in range(len(self._key))]
        asked = pl.DataFrame([spelt(keys[name]).alias(at) for name, at in zip(self._key, names, strict=True)])
        decided = self._table.filter(which).unique(names, keep="last")
        return asked.join(decided, on=names, how="left", nulls_equal=True, maintain_order="left")[what].alias(
            what[1:]
        )


def _as_table(resolve: Mapping[Any, str] | Rows | pl.DataFrame | str | Path, key: list[str]) -> pl.DataFrame:
    if isinstance(resolve, Mapping):
        return _from_mapping(resolve, len(key))
    if isinstance(resolve, str | Path):
        frame = _read(Path(resolve))
    elif isinstance(resolve, pl.DataFrame):
        frame = resolve
    else:
        frame = pl.DataFrame(list(resolve), infer_schema_length=None)
    named = keys_named(key)
    names = [named[name] if named[name] in frame.columns else name for name in key]
    for name in (*names, "column", "take"):
        if name not in frame.columns:
            raise NotFound.among("column of the resolutions", name, frame.columns)
    own = spelt(frame[VALUE]) if VALUE in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
    texts = [spelt(frame[name]) for name in names]
    table = pl.DataFrame(
        [
            *(text.alias(f"#{place}") for place, text in enumerate(texts)),
            frame["column"].cast(pl.String).alias("#column"),
            frame["take"].cast(pl.String).alias("#take"),
            own.alias("#value"),
        ]
    )
    return _checked(table.with_columns(_filled("#column"), _taken()).filter(pl.col("#take").is_not_null()))


def _filled(name: str) -> pl.Expr:
    """An empty text is no text."""
    return pl.when(pl.col(name) != "").then(pl.col(name))


def _taken() -> pl.Expr:
    """The side; where none is named and a value of its own is, that."""
    own = pl.col("#value").is_not_null() & pl.col("#column").is_not_null() & (pl.col("#column") != "")
    return pl.coalesce(_filled("#take"), pl.when(own).then(pl.lit(VALUE))).alias("#take")


def _from_mapping(resolve: Mapping[Any, str], width: int) -> pl.DataFrame:
    """`{7: "ours", (7, "amount"): "theirs"}`: a key, or a key and a column."""
    rows = []
    for place, side in resolve.items():
        values = place if isinstance(place, tuple) else (place,)
        if len(values) not in (width, width + 1):
            raise Invalid(
                f"The resolution for {place!r} names no row.",
                found=f"{len(values)} value(s)",
                hint=f"Give the {width} value(s) of the key, and a column after them for one cell.",
            )
        key, column = values[:width], values[width] if len(values) > width else None
        texts = [spelt(pl.Series([value]))[0] for value in key]
        rows.append((*texts, column, side, None))
    names = [*(f"#{place}" for place in range(width)), "#column", "#take", "#value"]
    return _checked(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"))


def _checked(table: pl.DataFrame) -> pl.DataFrame:
    wrong = table.filter(~pl.col("#take").is_in((*TAKES, VALUE)))
    if wrong.height:
        row = wrong.row(0)
        raise Invalid(
            f"{row[-2]!r} is not a side to take.",
            found=f"for the row {', '.join(str(each) for each in row[:-3])}, column {row[-3]}",
            hint="Write ours, theirs or base into `take`, or another value into `value`.",
        )
    return table


def _read(path: Path) -> pl.DataFrame:
    if not path.exists():
        raise NotFound(
            f"There is no file {path} of resolutions.",
            hint="Say ours, theirs or base for all conflicts, or give the edited file of conflicts.",
        )
    try:
        return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise Invalid(f"{path} cannot be read as resolutions.", found=str(error).splitlines()[0]) from error
