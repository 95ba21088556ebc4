"""Queries of checks that somebody else wrote: they end, in time and in memory, and say why."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.data.checks import limits, sql
from fettle.data.checks.run import run_checks
from fettle.data.records.checks import Check

DATA = pl.DataFrame({"x": [1, 2, 3]})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(10000000000000)",
        "SELECT a.range FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    ],
)
def test_a_query_that_does_not_end_is_stopped(query):
    with pytest.raises(Invalid, match=r"took longer than 0\.20 s and was stopped"):
        sql.rows_of(query, DATA, time_s=0.2)


@pytest.mark.parametrize(
    "query", ["SELECT list(range) FROM range(300000000)", "FROM range(300000000) ORDER BY hash(range)"]
)
def test_a_query_that_needs_too_much_memory_is_stopped_and_writes_nothing(query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Invalid, match="more than 100MB of memory"):
        sql.rows_of(query, DATA, memory="100MB")
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_makes_rows_up_is_refused():
    with pytest.raises(Invalid, match="more rows than there are"):
        sql.rows_of("SELECT * FROM range(3000000)", DATA)


def test_a_limit_changes_nothing_of_what_is_selected():
    found = sql.rows_of("SELECT * FROM data WHERE x > 1 ORDER BY x DESC", DATA)
    assert found["x"].to_list() == [3, 2]
    assert found["row"].to_list() == [3, 2]


def test_the_other_checks_are_made_all_the_same(monkeypatch):
    monkeypatch.setattr(sql.rows_of, "__kwdefaults__", {"time_s": 0.2, "memory": limits.MEMORY})
    endless = Check(id="endless", query="SELECT count(*) FROM range(10000000000000)")
    report = run_checks(DATA, [endless, Check(id="small", expression="x < 9")])
    assert [each.outcome for each in report.results] == ["broken", "passed"]
    assert "was stopped" in report.results[0].message


def test_who_interrupts_otherwise_is_not_taken_for_the_limit():
    with (
        duckdb.connect() as connection,
        pytest.raises(duckdb.InterruptException),
        limits.interrupted_after(connection, 60),
    ):
        raise duckdb.InterruptException("by somebody")
