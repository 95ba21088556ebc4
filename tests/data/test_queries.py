"""Queries: which files they name, and the same query from another folder."""

from pathlib import Path

import pytest

from fettle.data import queries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.csv", "it's.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    return tmp_path


def test_the_files_of_a_query(folder: Path):
    query = "SELECT * FROM '*.csv' WHERE y = 'a.csv' AND z <> 'no file'"
    assert [path.name for path in queries.files_of(query, folder)] == ["a.csv", "b.csv", "it's.csv"]
    assert [path.name for path in queries.files_of("SELECT * FROM 'it''s.csv'", folder)] == ["it's.csv"]
    assert queries.files_of("SELECT 1", folder) == []


def test_a_query_is_the_same_from_another_folder(folder: Path):
    query = "SELECT x, 'plain text' AS word FROM 'it''s.csv'"
    moved = queries.located(query, folder)
    assert "'plain text'" in moved
    assert queries.read(moved)[0].rows() == [(1, "plain text")]
    assert queries.located(moved, Path("/")) == moved
