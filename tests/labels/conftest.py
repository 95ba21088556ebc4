"""A workspace with calls to label."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fettle.core.clock import FrozenClock
from fettle.data.versions import commit_frame
from fettle.workspace import Workspace
from tests.conftest import new_workspace

WORDS = {"billing": "the invoice is wrong", "outage": "the line is dead", "praise": "thank you very much"}
TOPICS = list(WORDS)


def calls(rows: int) -> pl.DataFrame:
    """Calls whose words tell their topic."""
    return pl.DataFrame(
        {
            "id": list(range(rows)),
            "text": [f"Call {row}: {WORDS[topic_of(row)]}." for row in range(rows)],
            "minutes": [float(row * 7 % 60) for row in range(rows)],
        }
    )


def topic_of(row: int) -> str:
    """What the call with this id is about."""
    return TOPICS[(row * 5 + row // 7) % 3]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2024, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def ws(tmp_path: Path, clock: FrozenClock) -> Iterator[Workspace]:
    """A workspace with the dataset `calls` of 30 rows."""
    with new_workspace(tmp_path / "ws", clock=clock, actor="user:ada") as workspace:
        commit_frame(workspace, "calls", calls(30), profile=False, key=["id"])
        yield workspace
