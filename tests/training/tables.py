"""A table with everything in it: numbers, texts, booleans, dates, missing values, columns of no use."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import polars as pl

TARGETS = ("score", "bought", "grade")


@lru_cache(maxsize=4)
def mixed(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    """Rows of which `bought`, `grade` and `score` depend on price, colour and weekend."""
    random = np.random.default_rng(seed)
    moments = [datetime(2023, 1, 1) + timedelta(hours=7 * int(each)) for each in random.permutation(rows)]
    price = random.normal(10, 3, rows)
    colour = random.choice(["red", "green", "blau ß"], rows)
    weekend = np.array([each.isoweekday() >= 6 for each in moments])
    score = 0.5 * (price - 10) + 1.5 * (colour == "red") + weekend + random.normal(0, 0.7, rows)
    holes = pl.Series(random.random(rows) < 0.1)
    frame = pl.DataFrame(
        {
            "row id": np.arange(1, rows + 1),
            "price €": price,
            "colour": colour,
            "größe": [(None, "S", "M", "L")[each] for each in random.integers(0, 4, rows)],
            "on sale": random.random(rows) < 0.4,
            "seen at": moments,
            "city": [f"city {each}" for each in random.zipf(1.6, rows).clip(max=400)],
            "note": [f"call {each} about {each * 7}" for each in range(rows)],
            "country": ["CH"] * rows,
            "age": random.integers(18, 90, rows),
            "score": score * 100 + 5000,
            "bought": np.where(score > 1, "yes", "no"),
            "grade": np.select([score < 0, score < 1.5], ["low", "middle"], "top"),
        }
    )
    missing = [pl.when(holes).then(None).otherwise(pl.col(name)).alias(name) for name in ("age", "on sale")]
    return frame.with_columns(missing)


def others(target: str) -> tuple[str, ...]:
    """The targets that are not this one: they would tell it."""
    return tuple(each for each in TARGETS if each != target)
