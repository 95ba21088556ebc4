"""Both databases hold to the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fettle.storage import Database
from fettle.storage import open_database as opened
from fettle.testing import DatabaseSuite


class TestSqlite(DatabaseSuite):
    @pytest.fixture
    def open_database(self, tmp_path: Path) -> Callable[[], Database]:
        return lambda: opened(f"sqlite:///{tmp_path}/a folder/fettle é?#%20.db")


class TestPostgres(DatabaseSuite):
    @pytest.fixture
    def open_database(self, fresh_postgres_url: str) -> Callable[[], Database]:
        return lambda: opened(fresh_postgres_url)
