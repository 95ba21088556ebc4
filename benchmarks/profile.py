"""What a profile costs: one million rows of twenty mixed columns, beside DuckDB's SUMMARIZE and a peer if there is one.

    python benchmarks/profile.py [--rows 1000000] [--runs 3] [--ydata PYTHON]

The table is written to Parquet once; each tool reads it from there (page cache warm). Fettle's profile has exact
distinct counts and quantiles, histograms, most frequent values, text lengths, repeated rows and correlations; SUMMARIZE
has approximate distinct counts and quartiles, and no histogram, frequent value, repeated row or correlation. `--ydata`
names the Python of an environment with ydata-profiling, which is run in its minimal mode.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from timing import median_s

from fettle.data import profiles

YDATA = """
import sys, time
import pandas as pd
from ydata_profiling import ProfileReport
frame = pd.read_parquet(sys.argv[1])
began = time.perf_counter()
ProfileReport(frame, minimal=True, progress_bar=False).get_description()
print(time.perf_counter() - began)
"""


def table(rows: int) -> pl.DataFrame:
    """Twenty columns: eight numbers (one with gaps), four integers, a boolean, five texts, a date and a time."""
    draw = np.random.default_rng(7)
    made: dict[str, pl.Series] = {
        f"number{each}": pl.Series(draw.normal(each, 1 + each, rows)) for each in range(7)
    }
    prices = pl.Series(np.round(draw.lognormal(3, 1, rows), 2))
    made["price"] = prices.set(pl.Series(draw.random(rows) < 0.1), None)
    made |= {f"count{each}": pl.Series(draw.integers(0, 10 ** (each + 1), rows)) for each in range(3)}
    made["id"] = pl.Series(np.arange(rows))
    made["flag"] = pl.Series(draw.random(rows) < 0.3)
    for levels in (5, 100, 2000):
        names = pl.Series([f"level {each}" for each in range(levels)])
        made[f"category{levels}"] = names.gather(draw.integers(0, levels, rows))
    made["mail"] = pl.Series([f"user{each}@example{each % 97}.com" for each in range(rows)])
    made["code"] = pl.Series(draw.integers(0, 2**40, rows)).cast(pl.String)
    made["day"] = pl.Series(draw.integers(18000, 20000, rows)).cast(pl.Int32).cast(pl.Date)
    made["at"] = pl.Series(np.sort(draw.integers(1_600_000_000_000_000, 1_700_000_000_000_000, rows))).cast(
        pl.Datetime("us", "UTC")
    )
    return pl.DataFrame(made)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ydata", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        table(chosen.rows).write_parquet(path, row_group_size=250_000)
        ours = median_s(lambda: profiles.profile(pl.scan_parquet(path)), chosen.runs)
        bare = median_s(lambda: profiles.profile(pl.scan_parquet(path), related=False), chosen.runs)
        summarize = median_s(
            lambda: duckdb.execute(f"SUMMARIZE SELECT * FROM '{path}'").fetchall(), chosen.runs
        )
        read = median_s(lambda: pl.read_parquet(path), chosen.runs)
        print(f"{chosen.rows:,} rows × 20 columns, median of {chosen.runs}")
        print(f"fettle profile, s (target 3)          {ours:8.2f}   {chosen.rows / ours / 1e6:.2f} M rows/s")
        print(f"fettle without correlations, s        {bare:8.2f}")
        print(f"reading the file into memory, s       {read:8.2f}")
        print(
            f"DuckDB SUMMARIZE, s                   {summarize:8.2f}   {summarize / ours:.2f} × fettle's time"
        )
        if chosen.ydata:
            command = [chosen.ydata, "-c", YDATA, str(path)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            theirs = float(out.split()[-1])
            print(
                f"ydata-profiling (minimal), s          {theirs:8.2f}   {theirs / ours:.1f} × fettle's time"
            )


if __name__ == "__main__":
    main()
