"""The journal holds to the port, whatever it acknowledges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from fettle.storage import Journal
from fettle.storage import open_journal as opened
from fettle.storage import read_journal as reading
from fettle.testing import JournalSuite


class TestSegmentJournal(JournalSuite):
    @pytest.fixture(params=["memory", "os", "disk"])
    def ack(self, request: pytest.FixtureRequest) -> Literal["memory", "os", "disk"]:
        return request.param

    @pytest.fixture
    def open_journal(self, tmp_path: Path, ack: Literal["memory", "os", "disk"]) -> Callable[[], Journal]:
        return lambda: opened(tmp_path / "journal", ack=ack, segment_bytes=8 << 10)

    @pytest.fixture
    def read_journal(self, tmp_path: Path) -> Callable[[str | None], Iterator[tuple[str, bytes]]]:
        return lambda after: reading(tmp_path / "journal", after)
