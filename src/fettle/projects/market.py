"""The demonstration's data: the New South Wales electricity market, 7 May 1996 to 5 December 1998.

45,312 half-hours with prices and demand of two states, the transfer between them, and whether the price was UP or DOWN
against the mean of the last day. OpenML data set 151; M. Harries (1999), J. Gama and A. Bifet; values scaled to [0, 1].
The market changes by itself: in May 1997 the neighbouring state's market joins, and prices follow other rules.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

NAME = "electricity"
TARGET = "class"
TIME = "at"
HALF_HOURS_A_DAY = 48
START = datetime(1996, 5, 7, tzinfo=UTC)


def market_file() -> Path:
    """Where the packaged table lies."""
    return Path(str(resources.files("fettle.projects") / "electricity.parquet"))


def market() -> pl.DataFrame:
    """The whole table in time order, with the column `at` for the start of each half-hour, UTC."""
    return pl.read_parquet(market_file()).sort(TIME)
