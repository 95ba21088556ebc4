"""Compare two versions of a table: its columns, its rows, and the cells of the rows that changed.

With a key, rows are paired by it and then compared a few columns at a time, value by value: nothing is decided by a
hash, and memory holds the keys and those columns. Sides for which that is too much are cut into buckets (`spill`), and
memory holds one bucket and the differences. Without a key, whole rows are counted on both sides, by a hash of 128
bits: among 10^9 different rows the chance that any two are taken for one is below 10^-20.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from fettle.core.progress import phase
from fettle.data.records.diffs import ColumnChanges, TableSummary
from fettle.data.tables.columns import changes_of, shared_columns
from fettle.data.tables.compare import common_form, differs
from fettle.data.tables.differences import Cells, Found, TableDiff
from fettle.data.tables.match import INDEX, Pairs, check_key, match
from fettle.data.tables.sides import Side, scan_side, without_shared
from fettle.data.tables.spill import ROW, Budget, spill

CELLS_AT_ONCE = 1 << 24
"""So many cells of either side are held in memory at a time, beside the keys."""


def diff_tables(old: Side, new: Side, key: Sequence[str] = (), *, budget: Budget | None = None) -> TableDiff:
    """Compare two versions of a table.

    Row groups of the same digest are left out before anything is read. Columns are compared by name; a column that only
    one side has, another type or another place is a difference of the schema, and no row differs for it. Where a type
    changed, cells are compared by what they mean (`compare.differs`).

    Args:
        old: The version before, as files with row groups or as a frame.
        new: The version after.
        key: The columns that tell rows apart; a missing value is a value. Empty: whole rows are compared, in any order,
            and counted as often as they occur; rows are then added or removed, never changed.
        budget: How much memory rows may take, and where they go beyond; None: 1 GiB, and the system's temporary folder.

    Raises:
        NotFound: A side lacks a key column.
        Invalid: A key occurs more than once among the rows that were read.
    """
    schemas = scan_side(old).collect_schema(), scan_side(new).collect_schema()
    check_key(key, schemas[0], "the old version")
    check_key(key, schemas[1], "the new version")
    a, b, equal_rows = without_shared(old, new)
    shared = [name for name in shared_columns(*schemas) if name not in key]
    heights = [each.item() for each in pl.collect_all([side.select(pl.len()) for side in (a, b)])]
    budget = budget or Budget()
    count = budget.buckets(sum(heights), len(key) + len(shared) if key else 1)
    if count > 1:
        found = _by_bucket(a, b, key, shared, budget, count)
    else:
        found = (
            _by_key(a, b, key, shared, max(heights))
            if key
            else _by_row(*pl.collect_all(_hashed(a, b, shared)))
        )
    columns = [_counted(each) for each in found.changed]
    summary = TableSummary(
        key=list(key),
        old_rows=heights[0] + equal_rows,
        new_rows=heights[1] + equal_rows,
        added=found.added.len(),
        removed=found.removed.len(),
        changed=found.changed_rows,
        cells=sum(each.changed for each in columns),
        equal_rows=equal_rows,
        schema=changes_of(*schemas),
        columns=sorted(columns, key=lambda each: -each.changed),
    )
    return TableDiff(summary, a, b, found)


# --- with a key


def _by_key(a: pl.LazyFrame, b: pl.LazyFrame, key: Sequence[str], columns: list[str], rows: int) -> Found:
    """Sides whose keys fit into memory: all columns at once where these do, too, else a few at a time."""
    most = len(columns) if rows * len(columns) <= CELLS_AT_ONCE else max(1, CELLS_AT_ONCE // rows)
    groups = [columns[start : start + most] for start in range(0, len(columns), max(1, most))]
    with phase("Matching rows"), ThreadPoolExecutor(1) as beside:
        matching = beside.submit(match, *pl.collect_all([side.select(key) for side in (a, b)]))
        read = _read(a, b, groups[0]) if groups else None
        pairs = matching.result()
    changed: list[Cells] = []
    with phase("Comparing", total=len(columns), unit="columns") as step:
        for names in groups if pairs.met.any() else []:
            old, new = read or _read(a, b, names)
            read = None
            for cells in _differing(old, new, pairs):
                changed += [cells] if cells.old.len() else []
                step()
    return Found(pairs.removed, pairs.added, changed, _rows_of(changed))


def _read(a: pl.LazyFrame, b: pl.LazyFrame, columns: list[str]) -> list[pl.DataFrame]:
    return pl.collect_all([a.select(columns), b.select(columns)])


def _differing(old: pl.DataFrame, new: pl.DataFrame, pairs: Pairs) -> Iterator[Cells]:
    """The cells of each column that differ; columns are compared side by side."""
    different = _different(pairs, old.height)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda name: different(old[name], new[name]), old.columns)
        for name, at in zip(old.columns, found, strict=True):
            rows = pairs.place[at]
            yield Cells(name, rows, at, old[name][rows], new[name][at])


def _different(pairs: Pairs, old_rows: int) -> Callable[[pl.Series, pl.Series], pl.Series]:
    """What finds, in one column, the rows of the new side whose value is another than their partner's."""

    def in_runs(old: pl.Series, new: pl.Series) -> pl.Series:
        found = [differs(old[x : x + rows], new[y : y + rows]).arg_true() + y for x, y, rows in runs or ()]
        return pl.concat(found).cast(INDEX)

    def in_order(old: pl.Series, new: pl.Series) -> pl.Series:
        return rows.filter(differs(old.filter(paired), new.filter(pairs.met))).cast(INDEX)

    def elsewhere(old: pl.Series, new: pl.Series) -> pl.Series:
        moved = old.rechunk().gather(pairs.place)
        return (differs(moved, new) & pairs.met).arg_true().cast(INDEX)

    if (runs := pairs.runs) is not None:
        return in_runs
    if not pairs.ascending:
        return elsewhere
    rows, paired = pairs.met.arg_true(), pairs.paired(old_rows)
    return in_order


def _rows_of(changed: Sequence[Cells]) -> int:
    return pl.concat([each.new_rows for each in changed]).n_unique() if changed else 0


# --- beyond memory


def _by_bucket(
    a: pl.LazyFrame, b: pl.LazyFrame, key: Sequence[str], columns: list[str], budget: Budget, count: int
) -> Found:
    """Sides beyond memory, one bucket after the other; without a key it is their hashes that are cut."""
    if not key:
        a, b = _hashed(a, b, columns)
    names = list(key) or HASHES
    schemas = a.collect_schema(), b.collect_schema()
    wanted = [*names, *columns] if key else names
    with budget.place() as folder:
        cut = []
        for place, (side, other) in enumerate(((a, schemas[1]), (b, schemas[0]))):
            forms = [other[each] for each in names]
            cut.append(spill(side.select(wanted), names, forms, count, folder / str(place)))
        found: list[Found] = []
        with phase("Comparing", total=count, unit="buckets") as step:
            for number in range(count):
                old, new = cut[0].read(number), cut[1].read(number)
                found.append(_bucket(old, new, key, columns))
                step()
    return _joined(found, columns)


def _bucket(old: pl.DataFrame, new: pl.DataFrame, key: Sequence[str], columns: list[str]) -> Found:
    """The differences in one bucket, under the rows' own numbers."""
    if key:
        pairs = match(old.select(key), new.select(key), numbers=(old[ROW], new[ROW]))
        cells = (
            _differing(old.select(columns), new.select(columns), pairs) if columns and pairs.met.any() else ()
        )
        changed = [each for each in cells if each.old.len()]
        found = Found(pairs.removed, pairs.added, changed, _rows_of(changed))
    else:
        found = _by_row(old.select(HASHES), new.select(HASHES))
    return Found(
        old[ROW][found.removed],
        new[ROW][found.added],
        [
            each._replace(old_rows=old[ROW][each.old_rows], new_rows=new[ROW][each.new_rows])
            for each in found.changed
        ],
        found.changed_rows,
    )


def _joined(found: Sequence[Found], columns: Sequence[str]) -> Found:
    """The differences of all buckets, in the order of the rows."""
    changed = []
    for name in columns:
        parts = [cells for each in found for cells in each.changed if cells.column == name]
        if parts:
            fields = ("old_rows", "new_rows", "old", "new")
            whole = {field: pl.concat([getattr(each, field) for each in parts]) for field in fields}
            order = whole["new_rows"].arg_sort()
            changed.append(Cells(name, **{field: values[order] for field, values in whole.items()}))
    removed, added = (pl.concat(rows).sort() for rows in zip(*(each[:2] for each in found), strict=True))
    return Found(removed, added, changed, sum(each.changed_rows for each in found))


# --- without a key

HASHES = ["h1", "h2"]


def _by_row(old: pl.DataFrame, new: pl.DataFrame) -> Found:
    """Pair equal rows, the first occurrence with the first, as often as both sides have them."""
    with phase("Comparing rows"):
        old, new = _numbered(old), _numbered(new)
        keys = [*HASHES, "n"]
        removed = old.join(new, on=keys, how="anti", maintain_order="left")["#row"]
        added = new.join(old, on=keys, how="anti", maintain_order="left")["#row"]
    return Found(removed, added, [], 0)


def _hashed(a: pl.LazyFrame, b: pl.LazyFrame, columns: list[str]) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """For each row of both sides 128 bits of hash; columns of another type are brought to one first, in memory."""
    schemas = a.collect_schema(), b.collect_schema()
    retyped = [name for name in columns if schemas[0][name] != schemas[1][name]]
    if retyped:
        old, new = pl.collect_all([a.select(columns), b.select(columns)])
        for name in retyped:
            x, y = common_form(old[name], new[name])
            old, new = old.with_columns(x.alias(name)), new.with_columns(y.alias(name))
        a, b = old.lazy(), new.lazy()
    whole = pl.struct(columns) if columns else pl.lit(0)
    turned = pl.struct(columns[::-1]) if columns else pl.lit(0)
    hashes = [whole.hash(0x5DEECE66D).alias("h1"), turned.hash(0x2545F491).alias("h2")]
    return a.select(hashes), b.select(hashes)


def _numbered(hashes: pl.DataFrame) -> pl.DataFrame:
    """With the number of each row, and how many equal ones came before it."""
    before = pl.lit(0, pl.UInt32)
    if hashes["h1"].n_unique() < hashes.height:
        before = pl.int_range(pl.len(), dtype=pl.UInt32).over("h1", "h2")
    return hashes.with_columns(before.alias("n")).with_row_index("#row")


def _counted(cells: Cells) -> ColumnChanges:
    return ColumnChanges(cells.column, cells.old.len(), cells.new.null_count(), cells.old.null_count())
