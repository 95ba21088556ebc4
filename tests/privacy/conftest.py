"""What the tests of privacy share: rows of a few people, and a policy that uses everything."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest


@pytest.fixture(autouse=True)
def no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETTLE_PRIVACY_KEY", raising=False)
    monkeypatch.delenv("FETTLE_PRIVACY_KEY_OLD", raising=False)


@pytest.fixture
def people() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer": ["C-1", "C-2", "C-1", "C-3"],
            "email": ["ada.lovelace@example.org", "bob@example.org", "ada.lovelace@example.org", None],
            "card": [
                "4111 1111 1111 1111",
                "5500 0000 0000 0004",
                "4111 1111 1111 1111",
                "3782 822463 10005",
            ],
            "born": [date(1985, 3, 4), date(1990, 5, 6), date(1985, 3, 4), date(1971, 12, 31)],
            "seen": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 2, 1), date(2024, 3, 1)],
            "zip": ["10115", "75001", "10115", "20095"],
            "age": [39, 34, 39, 52],
            "spent": [10.5, 20.0, 7.25, 99.0],
            "note": ["a", "b", "c", "d"],
        }
    )
