"""Tables as people have them: columns of every kind, with a target that two of them tell something about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

ROWS = 300


def table(rows: int = ROWS, seed: int = 3) -> pl.DataFrame:
    """Rows without a target; `signal_of` says what a target may be made of."""
    chance = np.random.default_rng(seed)
    length = np.round(chance.normal(170, 10, rows), 1)
    gaps = chance.random((2, rows)) < 0.3
    return pl.DataFrame(
        {
            "customer id": [f"C{number:05d}" for number in range(rows)],
            "größe (cm)": length,
            "年齢": chance.integers(18, 80, rows),
            "is member?": chance.random(rows) < 0.5,
            'o\'brien, "quoted"': chance.choice(["a,b", 'c"d', "e'f", "g\th"], rows),
            "city": [f"city{number}" for number in chance.integers(0, 120, rows)],
            "note": [f"free text {number} of {chance.integers(9)}" for number in range(rows)],
            "constant": ["same"] * rows,
            "nothing": pl.Series([None] * rows, dtype=pl.String),
            "joined": [
                date(2020, 1, 1) + timedelta(days=int(each)) for each in chance.integers(0, 900, rows)
            ],
            "seen at": [datetime(2023, 1, 1) + timedelta(hours=7 * number) for number in range(rows)],
            "gappy": [
                None if gap else value
                for gap, value in zip(gaps[0], chance.normal(size=rows).tolist(), strict=True)
            ],
            "gappy kind": [
                None if gap else kind
                for gap, kind in zip(gaps[1], chance.choice(["u", "v"], rows).tolist(), strict=True)
            ],
        }
    )


def signal_of(frame: pl.DataFrame) -> pl.Series:
    """A number that the columns tell most of."""
    noise = pl.Series(np.random.default_rng(4).normal(0, 0.3, frame.height))
    return (frame["größe (cm)"] - 170) / 10 + frame["is member?"].cast(pl.Float64) - 0.5 + noise


def with_target(name: str, values: pl.Series | list[str], frame: pl.DataFrame | None = None) -> pl.DataFrame:
    """The table with a target column."""
    known = table() if frame is None else frame
    return known.with_columns(pl.Series(name, values))


def classes(frame: pl.DataFrame) -> pl.Series:
    """A target of two texts."""
    return (signal_of(frame) > 0).replace_strict({True: "yes, sure", False: "no"}, return_dtype=pl.String)


def write_csv(path: Path, rows: int = ROWS) -> Path:
    """A CSV file with the target `class label`."""
    frame = table(rows)
    with_target("class label", classes(frame), frame).write_csv(path)
    return path
