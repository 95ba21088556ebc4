"""Make `src/fettle/projects/electricity.parquet` from the public CSV of OpenML data set 151.

    python tools/make_electricity.py electricity.csv [out.parquet]

The CSV (columns date, day, period, nswprice, nswdemand, vicprice, vicdemand, transfer, class) is in time order, one
row a half-hour. Its own `date` is scaled to [0, 1], so a real timestamp `at` is added: half-hours from 7 May 1996, UTC.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

START_AT = datetime(1996, 5, 7, tzinfo=UTC)
SOURCE = {
    "title": "New South Wales electricity market, 1996-1998",
    "source": "OpenML data set 151 (electricity), https://www.openml.org/d/151",
    "authors": "M. Harries, J. Gama, A. Bifet",
    "note": "'at' is added: 1996-05-07T00:00Z plus 30 minutes a row; every other column is as published",
}


def make(csv: Path, out: Path) -> int:
    """Write the Parquet file; return its size in bytes."""
    frame = pl.read_csv(csv, schema_overrides={"day": pl.Int8})
    at = pl.Series("at", [START_AT + timedelta(minutes=30 * row) for row in range(frame.height)])
    frame = frame.insert_column(0, at.cast(pl.Datetime("us", "UTC")))
    frame.write_parquet(out, compression="zstd", compression_level=19, metadata=SOURCE)
    return out.stat().st_size


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1] / "src/fettle/projects/electricity.parquet"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else here
    print(f"{target}: {make(Path(sys.argv[1]), target):,} bytes")
