"""Row diff of two versions of a table beside scanning their files, and beside DuckDB; one JSON line each.

python benchmarks/row_diff.py [rows]
python benchmarks/row_diff.py beyond [rows]

A million rows of ten columns by default; the new version lacks 1 % of the rows, has 1 % new ones and 1 % with changed
cells, spread over the whole table, so that no row group is shared. `in order` keeps the order of the rows, `shuffled`
does not, `one place` changes 1 % in one place only. The target is at most twice the time of scanning both files.

`beyond` compares tables of six million rows, shuffled, each time in a process of its own: as they are, and with budgets
for which both sides are cut into buckets on the disk; `added_mb` is what the comparison adds to the memory
that the process had when its libraries were loaded.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from fettle.data.tables.diff import diff_tables
from fettle.data.tables.sides import PartFile, TableFiles, scan_side
from fettle.data.tables.spill import Budget
from fettle.data.tables.write import write_table
from fettle.data.types import columns_of

ROUNDS = 5


def table(rows: int) -> pl.DataFrame:
    """An id and nine columns of integers, floats, categories, texts and booleans."""
    noise = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "price": noise.normal(size=rows).round(2),
            "score": noise.normal(size=rows),
            "share": noise.random(rows),
            "units": noise.integers(0, 1000, rows),
            "code": noise.integers(0, 10**6, rows),
            "grade": noise.integers(0, 10, rows),
            "city": pl.Series(noise.integers(0, 5000, rows)).cast(pl.String),
            "name": pl.Series(np.arange(rows)).cast(pl.String),
            "active": noise.random(rows) > 0.5,
        }
    )


def changed(old: pl.DataFrame) -> pl.DataFrame:
    """1 % of the rows removed, 1 % changed, 1 % added."""
    which = pl.col("id") % 100
    kept = old.filter(which != 7).with_columns(
        score=pl.when(which == 3).then(pl.col("score") + 1).otherwise("score")
    )
    return pl.concat([kept, old.filter(which == 7).with_columns(pl.col("id") + old.height)])


def at_one_place(old: pl.DataFrame) -> pl.DataFrame:
    """1 % of the rows, one after the other, changed."""
    first = old.height // 2
    inside = pl.col("id").is_between(first, first + old.height // 100)
    return old.with_columns(score=pl.when(inside).then(pl.col("score") + 1).otherwise("score"))


def written(folder: Path, rows: pl.DataFrame) -> TableFiles:
    """The table as a version has it."""
    folder.mkdir()
    parts = []
    for place, each in enumerate(write_table(rows, key=["id"])):
        path = folder / f"{place:06d}.parquet"
        path.write_bytes(each.data)
        parts.append(PartFile(path, each.groups))
    return TableFiles(columns_of(rows), parts)


def seconds(*works: Callable[[], object]) -> list[float]:
    """The best of some rounds for each; the works take turns, so that other load meets all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [min(times) for times in taken]


def with_duckdb(old: Path, new: Path, columns: list[str]) -> None:
    """The same differences by a full join of the same files."""
    other = " OR ".join(f'a."{name}" IS DISTINCT FROM b."{name}"' for name in columns if name != "id")
    cells = ", ".join(f'a."{name}" AS "old {name}", b."{name}" AS "new {name}"' for name in columns)
    query = (
        f"SELECT {cells} FROM '{old}/*.parquet' a FULL JOIN '{new}/*.parquet' b ON a.id = b.id "
        f"WHERE a.id IS NULL OR b.id IS NULL OR {other}"
    )
    with duckdb.connect() as connection:
        connection.sql(query).to_arrow_table()


def with_except(old: Path, new: Path) -> None:
    """Whole rows that only one side has."""
    with duckdb.connect() as connection:
        for a, b in ((old, new), (new, old)):
            connection.sql(f"FROM '{a}/*.parquet' EXCEPT ALL FROM '{b}/*.parquet'").to_arrow_table()


def measure(folder: Path, what: str, old: pl.DataFrame, new: pl.DataFrame) -> None:
    """Print one line: the scan of both versions, our diff, and DuckDB's."""
    folder.mkdir()
    sides = written(folder / "old", old), written(folder / "new", new)

    def scan() -> None:
        for side in sides:
            scan_side(side).collect()

    def diff() -> None:
        assert len(diff_tables(*sides, ["id"]).summary.columns) == 1

    def whole() -> None:
        diff_tables(*sides)

    def join() -> None:
        with_duckdb(folder / "old", folder / "new", old.columns)

    def minus() -> None:
        with_except(folder / "old", folder / "new")

    scan_s, diff_s, join_s, whole_s, minus_s = seconds(scan, diff, join, whole, minus)
    figures = {
        "scan_both_s": scan_s,
        "diff_s": diff_s,
        "diff_to_scan": diff_s / scan_s,
        "duckdb_join_s": join_s,
        "duckdb_to_ours": join_s / diff_s,
        "no_key_s": whole_s,
        "duckdb_except_s": minus_s,
        "duckdb_except_to_ours": minus_s / whole_s,
    }
    print(json.dumps({"what": what} | {name: round(value, 3) for name, value in figures.items()}))


def beyond(rows: int) -> None:
    """Print one line for each budget: time and memory of comparing large shuffled tables."""
    with tempfile.TemporaryDirectory(prefix="fettle-diff-") as name:
        for side in ("old", "new"):
            subprocess.run([sys.executable, __file__, "make", name, side, str(rows)], check=True)
        for budget in (1 << 40, 1 << 30, 1 << 28):
            subprocess.run([sys.executable, __file__, "one", name, str(budget)], check=True)


def make(folder: Path, side: str, rows: int) -> None:
    """Write one side of a large table."""
    old = table(rows)
    written(folder / side, old if side == "old" else changed(old).sample(fraction=1, shuffle=True, seed=1))


def one(folder: Path, budget: int) -> None:
    """Compare what `make` wrote, within a budget."""
    columns = columns_of(table(1))
    sides = [
        TableFiles(columns, [PartFile(each) for each in sorted((folder / side).iterdir())])
        for side in ("old", "new")
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    made = diff_tables(sides[0], sides[1], ["id"], budget=Budget(budget, folder / "spill")).summary
    took = time.perf_counter() - start
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    figures = {"budget_mb": budget >> 20, "seconds": round(took, 2), "added_mb": added}
    print(json.dumps(figures | {"rows": made.new_rows, "changed": made.changed, "added": made.added}))


def main(rows: int) -> None:
    """Measure three kinds of change."""
    old = table(rows)
    with tempfile.TemporaryDirectory(prefix="fettle-diff-") as name:
        folder = Path(name)
        measure(folder / "a", f"{rows} rows x {old.width}, in order", old, changed(old))
        measure(folder / "b", "shuffled", old, changed(old).sample(fraction=1, shuffle=True, seed=1))
        measure(folder / "c", "one place", old, at_one_place(old))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["beyond", *rest]:
            beyond(int(rest[0]) if rest else 6_000_000)
        case ["make", folder, side, rows]:
            make(Path(folder), side, int(rows))
        case ["one", folder, budget]:
            one(Path(folder), int(budget))
        case rest:
            main(int(rest[0]) if rest else 1_000_000)
