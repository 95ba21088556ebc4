"""What ten checks on a million rows cost: beside one hand-written `select`, pandera and Great Expectations.

    python benchmarks/checks.py [--rows 1000000] [--runs 5] [--peers PYTHON]

Four not-null, three range, one set, one pattern, one cross-column check; a thousandth of one column is bad. The select
by hand counts the bad rows of the ten and nothing else; fettle also says which rows fail. `--peers` names the Python
of an environment with pandera and great_expectations.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from timing import median_s

from fettle.data.checks.run import run_checks
from fettle.data.records.checks import Check

EXPRESSIONS = (
    *(f"{name} is not null" for name in ("a", "b", "plan", "code")),
    "a between 0 and 100",
    "b between -5 and 5",
    "c >= 0",
    "plan in ('basic', 'pro', 'max')",
    "code matches '[A-Z]{2}[0-9]{4}'",
    "low <= high",
)

PEERS = """
import sys, time, statistics
import polars as pl
runs = int(sys.argv[2])
frame = pl.read_parquet(sys.argv[1])
def median(work):
    times = []
    for _ in range(runs):
        began = time.perf_counter(); work(); times.append(time.perf_counter() - began)
    return statistics.median(times)
import pandera.polars as pa
number = lambda *checks, **more: pa.Column(float, list(checks), **more)
schema = pa.DataFrameSchema({
    "a": number(pa.Check.in_range(0, 100)), "b": number(pa.Check.in_range(-5, 5)),
    "c": number(pa.Check.ge(0), nullable=True), "low": number(nullable=True), "high": number(nullable=True),
    "plan": pa.Column(str, pa.Check.isin(["basic", "pro", "max"])),
    "code": pa.Column(str, pa.Check.str_matches(r"^[A-Z]{2}[0-9]{4}$")),
}, checks=pa.Check(lambda data: data.lazyframe.select(pl.col("low") <= pl.col("high"))))
def pandera():
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return error
print("pandera", median(pandera))
import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
pandas = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("d").add_dataframe_asset("t")
batch = asset.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": pandas})
suite = gx.ExpectationSuite("s", [
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ("a", "b", "plan", "code")),
    gxe.ExpectColumnValuesToBeBetween(column="a", min_value=0, max_value=100),
    gxe.ExpectColumnValuesToBeBetween(column="b", min_value=-5, max_value=5),
    gxe.ExpectColumnValuesToBeBetween(column="c", min_value=0),
    gxe.ExpectColumnValuesToBeInSet(column="plan", value_set=["basic", "pro", "max"]),
    gxe.ExpectColumnValuesToMatchRegex(column="code", regex=r"^[A-Z]{2}[0-9]{4}$"),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="high", column_B="low", or_equal=True),
])
print("gx", median(lambda: batch.validate(suite)))
"""


def table(rows: int) -> pl.DataFrame:
    """Seven columns; a thousandth of `c` is negative."""
    draw = np.random.default_rng(3)
    low = draw.random(rows)
    codes = pl.Series([f"AB{each:04d}" for each in range(10_000)])
    return pl.DataFrame(
        {
            "a": draw.uniform(0, 100, rows),
            "b": draw.uniform(-5, 5, rows),
            "c": np.where(np.arange(rows) % 1000 == 0, -1.0, draw.random(rows)),
            "plan": pl.Series(["basic", "pro", "max"]).gather(draw.integers(0, 3, rows)),
            "code": codes.gather(draw.integers(0, 10_000, rows)),
            "low": low,
            "high": low + draw.random(rows),
        }
    )


def by_hand(frame: pl.DataFrame) -> pl.DataFrame:
    """The bad rows of the same ten checks, counted by one select."""
    column = pl.col
    bad = (
        *(column(name).is_null() for name in ("a", "b", "plan", "code")),
        ~column("a").is_between(0, 100),
        ~column("b").is_between(-5, 5),
        ~(column("c") >= 0),
        ~column("plan").is_in(["basic", "pro", "max"]),
        ~column("code").str.contains("^[A-Z]{2}[0-9]{4}$"),
        ~(column("low") <= column("high")),
    )
    return frame.lazy().select(each.sum().alias(f"{at}") for at, each in enumerate(bad)).collect()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="")
    chosen = parser.parse_args()
    frame = table(chosen.rows)
    checks = [Check(id=f"check {at}", expression=text) for at, text in enumerate(EXPRESSIONS)]
    report = run_checks(frame.lazy(), checks)
    assert [each.failed for each in report.results] == [int(each) for each in by_hand(frame).row(0)]
    hand = median_s(lambda: by_hand(frame), chosen.runs)
    ours = median_s(lambda: run_checks(frame.lazy(), checks), chosen.runs)
    eager = median_s(lambda: run_checks(frame, checks), chosen.runs)
    print(f"{chosen.rows:,} rows × 10 checks, median of {chosen.runs}")
    print(f"one hand-written select, ms           {hand * 1000:8.1f}")
    print(f"fettle, lazy frame, ms                {ours * 1000:8.1f}   {ours / hand:.2f} × (target 1.5)")
    print(f"fettle, frame normalised first, ms    {eager * 1000:8.1f}   {eager / hand:.2f} ×")
    if chosen.peers:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.parquet"
            frame.write_parquet(path)
            command = [chosen.peers, "-c", PEERS, str(path), str(chosen.runs)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for name, seconds in (
            line.split() for line in out.splitlines() if line.startswith(("pandera ", "gx "))
        ):
            print(f"{name + ', ms':<38}{float(seconds) * 1000:8.1f}   {float(seconds) / hand:.2f} ×")


if __name__ == "__main__":
    main()
