"""Merge tables beyond memory: the three sides in buckets by key, one merged after the other, put in order again.

The rows of a bucket come out with their places in the whole: ours in their order, then what theirs adds. They are cut
once more, by place, and each cut is sorted by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from fettle.core.progress import phase
from fettle.data.tables.conflicts import in_order
from fettle.data.tables.lineup import SIDES, Lineup, Side
from fettle.data.tables.match import INDEX, check_key
from fettle.data.tables.merge import Merge
from fettle.data.tables.resolutions import Resolutions, Resolve
from fettle.data.tables.spill import ROW, Buckets, Budget, Cutter, spill

PLACE = "#place"


class MergedFiles(NamedTuple):
    """The outcome of a merge on the disk; its rows can be read as long as the folder is there.

    Attributes:
        rows: The merged rows, lazily.
        height: How many.
        conflicts: As those of `merge.Merged`.
        resolved: How many conflicts were decided.
    """

    rows: pl.LazyFrame
    height: int
    conflicts: pl.DataFrame
    resolved: int


def buckets_for(base: pl.LazyFrame, ours: pl.LazyFrame, theirs: pl.LazyFrame, budget: Budget) -> int:
    """How many buckets a merge needs; 1 if it fits into memory, or if columns differ and all rows decide of them."""
    sides = (base, ours, theirs)
    schema = base.collect_schema()
    if any(each.collect_schema() != schema for each in sides):
        return 1
    return budget.buckets(sum(_heights(*sides)), len(schema))


def merge_spilled(
    base: pl.LazyFrame,
    ours: pl.LazyFrame,
    theirs: pl.LazyFrame,
    key: Sequence[str],
    *,
    count: int,
    folder: Path,
    resolve: Resolve = None,
) -> MergedFiles:
    """Merge two changes of a table with the same columns, as `merge.merge_tables` does.

    Args:
        base: The version that both sides began with.
        ours: Our version of it.
        theirs: The other.
        key: The columns that tell rows apart, at least one.
        count: How many buckets, as `buckets_for` says.
        folder: For the buckets and the outcome; empty, and the caller removes it.
        resolve: As for `merge.merge_tables`.

    Raises:
        NotFound: A side lacks a key column.
        Invalid: A key occurs twice on one side, or a resolution is none.
    """
    frames: dict[Side, pl.LazyFrame] = dict(zip(SIDES, (base, ours, theirs), strict=True))
    schema = ours.collect_schema()
    check_key(key, schema, "ours")
    forms = [schema[name] for name in key]
    sides: dict[Side, Buckets] = {
        name: spill(frame, key, forms, count, folder / name) for name, frame in frames.items()
    }
    own, other = _heights(ours, theirs)
    length = max(1, -(-(own + other) // count))
    decided = Resolutions(resolve, key)
    conflicts: list[pl.DataFrame] = []
    resolved = 0
    placed = Cutter(count, pl.Schema({PLACE: INDEX, **schema}), folder / "placed")
    with placed, phase("Merging buckets", total=count, unit="buckets") as step:
        for number in range(count):
            rows, found, decisions = _bucket(sides, number, key, decided, own)
            placed.put(rows, rows[PLACE] // length)
            conflicts.append(found)
            resolved += decisions
            step()
    rows, height = _in_order(placed.buckets, schema, folder / "sorted")
    return MergedFiles(rows, height, in_order(pl.concat(conflicts)), resolved)


def _bucket(
    sides: Mapping[Side, Buckets], number: int, key: Sequence[str], decided: Resolutions, own: int
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """One bucket merged: its rows and its conflicts with their places in the whole, and how many were decided."""
    frames: dict[Side, pl.DataFrame] = {name: side.read(number) for name, side in sides.items()}
    numbers: dict[Side, pl.Series] = {name: frame.drop_in_place(ROW) for name, frame in frames.items()}
    lineup = Lineup(frames, list(key), numbers)
    work = Merge(lineup, decided)
    rows, keep = work.merged()
    has_ours = lineup.has["ours"]
    places = _numbered(numbers["theirs"], lineup.place["theirs"]) + own
    places = _numbered(numbers["ours"], lineup.place["ours"]).zip_with(has_ours, places).alias(PLACE)
    found = work.conflicts.listed()
    if found.height:
        found = found.with_columns(places[found["#row"]].alias("#row"))
    return rows.insert_column(0, places.filter(keep)), found, work.conflicts.resolved


def _numbered(numbers: pl.Series, place: pl.Series) -> pl.Series:
    """The numbers of rows at these places; anything where a side has none at all."""
    return numbers.gather(place).cast(INDEX) if numbers.len() else place.cast(INDEX)


def _in_order(placed: Buckets, schema: pl.Schema, folder: Path) -> tuple[pl.LazyFrame, int]:
    """The rows of all cuts, each sorted by place and written as a file that can be scanned."""
    folder.mkdir()
    height = 0
    paths: list[Path] = []
    for number in range(len(placed.paths)):
        rows = placed.read(number).sort(PLACE).drop(PLACE)
        if rows.height:
            paths.append(folder / f"{number:04d}.arrow")
            rows.write_ipc(paths[-1])
            height += rows.height
    if not paths:
        return pl.LazyFrame(schema=schema), 0
    return pl.concat([pl.scan_ipc(path) for path in paths]), height


def _heights(*sides: pl.LazyFrame) -> list[int]:
    return [each.item() for each in pl.collect_all([side.select(pl.len()) for side in sides])]
