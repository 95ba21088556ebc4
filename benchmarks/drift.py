"""Drift of a million rows and twenty columns beside scipy, and Evidently where installed; one JSON line each.

python benchmarks/drift.py [rows]
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from fettle.data.bins import ColumnProfile, Counts, column_profile, count
from fettle.monitoring import drift


def tables(rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ten number and ten category columns of two samples; odd ones drift."""
    generator = np.random.default_rng(0)
    frames = []
    for moved in (0.0, 0.2):
        columns: dict[str, Any] = {f"n{k}": generator.normal(moved * (k % 2), 1, rows) for k in range(10)}
        for k in range(10):
            levels = int(2 * 2 ** (k * 0.9))
            weights = 1 / np.arange(1, levels + 1) ** (1 + moved * (k % 2))
            columns[f"c{k}"] = generator.choice(levels, rows, p=weights / weights.sum())
        frames.append(pl.DataFrame(columns).with_columns(pl.col(r"^c\d$").cast(pl.String)))
    return frames[0], frames[1]


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def show(what: str, **figures: float) -> None:
    print(json.dumps({"what": what} | {name: round(value, 4) for name, value in figures.items()}))


def with_scipy(was: pl.DataFrame, now: pl.DataFrame) -> None:
    """The tests alone, as one would call them: Kolmogorov–Smirnov and chi-square."""
    for name in was.columns:
        if name.startswith("n"):
            stats.ks_2samp(was[name].to_numpy(), now[name].to_numpy(), method="asymp")
        else:
            counted = (
                was[name].value_counts().join(now[name].value_counts(), on=name, how="full", suffix="_now")
            )
            stats.chi2_contingency(
                counted.select("count", "count_now").fill_null(0).to_numpy().T, correction=False
            )


def with_evidently(was: Any, now: Any) -> None:
    """The peer's own preset; `was` and `now` are pandas frames."""
    evidently = importlib.import_module("evidently")
    presets = importlib.import_module("evidently.presets")
    evidently.Report([presets.DataDriftPreset()]).run(reference_data=was, current_data=now)


def main(rows: int) -> None:
    """Measure frozen bins from rows and from counts, and the peers."""
    was, now = tables(rows)
    profiles: dict[str, ColumnProfile] = {}
    current: dict[str, Counts] = {}

    def freeze_all() -> None:
        profiles.update({name: column_profile(was[name]) for name in was.columns})

    def count_all() -> None:
        current.update({name: count(now[name], each.bins) for name, each in profiles.items()})

    def judge_all() -> None:
        drift.judge({name: drift.measure(each, current[name]) for name, each in profiles.items()})

    frozen_s, counted_s, judged_s = seconds(freeze_all, 1), seconds(count_all), seconds(judge_all, 20)
    whole_s = frozen_s + counted_s + judged_s
    show(f"{rows} rows x 20 columns", freeze_s=frozen_s, count_s=counted_s, judge_s=judged_s, whole_s=whole_s)
    show("from profiles", features_per_s=20 / judged_s)
    scipy_s = seconds(lambda: with_scipy(was, now), 1)
    show(
        "scipy, tests only",
        seconds=scipy_s,
        ratio=scipy_s / whole_s,
        ratio_frozen=scipy_s / (counted_s + judged_s),
    )
    if importlib.util.find_spec("evidently") is None:
        print(
            "evidently is not installed (it needs pandas < 3: use an environment of its own)", file=sys.stderr
        )
        return
    frames = was.to_pandas(), now.to_pandas()
    peer_s = seconds(lambda: with_evidently(*frames), 1)
    show("evidently DataDriftPreset", seconds=peer_s, ratio=peer_s / whole_s)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
