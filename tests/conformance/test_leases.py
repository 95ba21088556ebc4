"""Leases hold to the port on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fettle.core.clock import Clock
from fettle.storage import Database, Leases
from fettle.storage import open_database as opened
from fettle.storage import open_leases as leasing
from fettle.testing import LeasesSuite


class _Leases(LeasesSuite):
    @pytest.fixture
    def open_leases(self) -> Callable[[Database, Clock], Leases]:
        return leasing


class TestOnSqlite(_Leases):
    @pytest.fixture
    def open_database(self, tmp_path: Path) -> Callable[[], Database]:
        return lambda: opened(f"sqlite:///{tmp_path}/fettle.db")


class TestOnPostgres(_Leases):
    @pytest.fixture
    def open_database(self, fresh_postgres_url: str) -> Callable[[], Database]:
        return lambda: opened(fresh_postgres_url)
