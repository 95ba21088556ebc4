"""How long preparing takes: cleaning beside scikit-learn, one row at an endpoint, learning and making synthetic rows.

python benchmarks/prepare.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from sklearn.impute import KNNImputer

from fettle.data.clean import fit
from fettle.data.leakage import leakage
from fettle.data.synthesis import learn, sample

ROWS = 100_000
NUMBERS = [f"n{place}" for place in range(12)]


def table(rows: int) -> pl.DataFrame:
    """Twenty columns: numbers that go together (with gaps), counts, categories, a boolean, a key."""
    random = np.random.default_rng(1)
    base = random.normal(size=(rows, 4))
    values = base[:, np.arange(12) % 4] * 10 + random.normal(size=(rows, 12)) * 3
    values[random.random(values.shape) < 0.02] = np.nan
    columns: dict[str, Any] = {name: values[:, place] for place, name in enumerate(NUMBERS)}
    columns |= {f"i{place}": random.poisson(20 + 5 * np.exp(base[:, place] / 3)) for place in range(3)}
    levels = np.array([f" Level {each}" for each in range(8)])
    columns |= {f"c{place}": levels[np.clip(base[:, place] * 2 + 4, 0, 7).astype(int)] for place in range(3)}
    columns |= {"yes": base[:, 0] > 0, "key": [f"K-{place:07d}" for place in range(rows)]}
    return pl.DataFrame(columns).fill_nan(None)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """The time of one call, and what it gave."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def main() -> None:
    """Print the figures."""
    frame = table(ROWS)
    print(f"{frame.height:,} rows × {frame.width} columns")
    cheap = [
        {"do": "text"},
        {"do": "outliers", "columns": NUMBERS},
        {"do": "impute", "columns": NUMBERS, "indicator": True},
        {"do": "derive", "column": "ratio", "formula": "n0 / (abs(n1) + 1)"},
    ]
    fitting, fitted = seconds(lambda: fit(cheap, frame))
    applying, _ = seconds(lambda: fitted.apply(frame))
    print(
        f"clean (text, 12 × clip, 12 × median, formula): fit {fitting:.2f} s, apply with report {applying:.2f} s"
    )
    row = frame.row(0, named=True)
    fitted.apply_row(row)
    one, _ = seconds(lambda: [fitted.apply_row(row) for _ in range(2000)])
    print(f"the same for one row: {one / 2000 * 1e6:.0f} µs")

    few = frame.head(5000).select(NUMBERS)
    near = fit([{"do": "impute", "columns": NUMBERS, "by": "knn", "scale": False}], few.head(2000))
    ours, _ = seconds(lambda: near.apply(few))
    imputer = KNNImputer().fit(few.head(2000).to_numpy())
    theirs, _ = seconds(lambda: imputer.transform(few.to_numpy()))
    print(
        f"5 nearest of 2,000 rows, for 5,000: {ours:.2f} s, scikit-learn {theirs:.2f} s (× {theirs / ours:.1f})"
    )

    looking, _ = seconds(lambda: leakage(frame, pl.Series(["a", "b"] * (ROWS // 2)), target="yes"))
    print(f"leakage report: {looking:.2f} s")
    learning, learnt = seconds(lambda: learn(frame))
    making, _ = seconds(lambda: sample(learnt, ROWS, seed=1))
    print(f"synthesize: learn {learning:.2f} s, make {ROWS:,} rows {making:.2f} s")


if __name__ == "__main__":
    main()
