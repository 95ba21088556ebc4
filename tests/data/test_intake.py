"""Ingest as a whole: a source becomes a version, once however often asked, and half a version never."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from xlsxwriter import Workbook

from fettle.core.errors import Conflict, Denied, FettleError, Invalid, NotFound
from fettle.data import versions
from fettle.data.errands.ingest import ingest
from fettle.privacy.records import Drop, Policy, Token

DAY = "2024-05-{:02}T12:00:00Z"


@pytest.fixture
def ws(workspace, tmp_path, monkeypatch):
    """A workspace, in the folder of the files."""
    monkeypatch.chdir(tmp_path)
    return workspace


def put(name: str, *rows: str, header: str = "id,at,v") -> str:
    Path(name).write_text("\n".join((header, *rows)) + "\n")
    return name


def test_a_source_becomes_a_version_and_the_same_once_more_does_not(ws):
    put("Churn Rates.csv", "1,2024-05-01,x", "2,2024-05-02,y")

    first = ingest(ws, "Churn Rates.csv", time_column="at", message="The first")
    again = ingest(ws, "Churn Rates.csv", time_column="at")

    commit = versions.resolve(ws, "churn-rates")
    assert (first.dataset, first.rows, first.read, first.added, first.changed) == (
        "churn-rates",
        2,
        2,
        2,
        True,
    )
    assert (again.commit, again.changed, again.added, again.duplicates) == (first.commit, False, 0, 2)
    assert (commit.id, commit.message, commit.time_column) == (first.commit, "The first", "at")
    assert (commit.source.name, commit.source.kind) == ("Churn Rates.csv", "csv")
    assert commit.metadata["ingest.added"] == "2"
    assert first.next == "fettle data show churn-rates"


def test_rows_are_appended_and_a_source_only_once(ws):
    put("may.csv", "1,2024-05-01,x")
    put("june.csv", "1,2024-05-01,x", "2,2024-06-01,y")

    ingest(ws, "may.csv", dataset="d", append=True)
    added = ingest(ws, "june.csv", dataset="d", append=True)
    again = ingest(ws, "may.csv", dataset="d", append=True)

    assert (added.rows, added.added) == (3, 2)
    assert (again.commit, again.changed, again.duplicates) == (added.commit, False, 1)
    assert "appended before" in again.notes[0]


def test_rows_are_brought_in_by_key(ws):
    put("a.csv", "1,2024-05-01,x", "2,2024-05-02,y")
    put("b.csv", "3,2024-05-03,z", "2,2024-05-04,Y", "1,2024-05-01,x")

    ingest(ws, "a.csv", dataset="d", key=["id"])
    merged = ingest(ws, "b.csv", dataset="d", key=["id"])
    again = ingest(ws, "b.csv", dataset="d", key=["id"])

    assert (merged.rows, merged.added, merged.updated, merged.duplicates) == (3, 1, 1, 1)
    assert (again.commit, again.changed, again.duplicates) == (merged.commit, False, 3)
    assert versions.load(ws, "d").sort("id")["v"].to_list() == ["x", "Y", "z"]
    commit = versions.resolve(ws, "d")
    assert commit.table.key == ["id"]
    assert (commit.metadata["ingest.mode"], commit.metadata["ingest.updated"]) == ("merge", "1")


def test_rows_are_brought_in_by_time_late_ones_told(ws):
    put("a.csv", "1,2024-05-10T12:00:00Z,x")
    put("b.csv", f"2,{DAY.format(11)},y", f"3,{DAY.format(9)},late", f"4,{DAY.format(1)},lost")

    ingest(ws, "a.csv", dataset="d", time="at")
    merged = ingest(ws, "b.csv", dataset="d", time="at", lateness="2d")
    again = ingest(ws, "b.csv", dataset="d", time="at", lateness="2d")

    assert (merged.added, merged.late, merged.too_late, merged.rows) == (2, 1, 1, 3)
    assert merged.high_water == datetime(2024, 5, 11, 12, tzinfo=UTC)
    assert (again.changed, again.duplicates, again.too_late) == (False, 2, 1)
    commit = versions.resolve(ws, "d")
    assert commit.time_column == "at"
    assert commit.metadata["ingest.high_water"] == "2024-05-11T12:00:00+00:00"


def test_the_mark_outlives_the_rows(ws):
    put("a.csv", "1,2024-05-20T12:00:00Z,x", "2,2024-05-10T12:00:00Z,y")
    put("b.csv", "3,2024-05-15T12:00:00Z,z")
    ingest(ws, "a.csv", dataset="d", time="at")
    kept = versions.load(ws, "d").filter(pl.col("id") == 2)
    mark = versions.resolve(ws, "d").metadata
    versions.commit_frame(ws, "d", kept, metadata=mark)

    merged = ingest(ws, "b.csv", dataset="d", time="at")

    assert (merged.changed, merged.too_late) == (False, 1)


def test_a_key_that_is_there_with_other_values_may_be_refused(ws):
    put("a.csv", "1,2024-05-01,x")
    put("b.csv", "1,2024-05-01,y")
    ingest(ws, "a.csv", dataset="d", key=["id"])

    with pytest.raises(Conflict, match="other values"):
        ingest(ws, "b.csv", dataset="d", key=["id"], existing="error")
    assert ingest(ws, "b.csv", dataset="d", key=["id"], existing="skip").skipped == 1
    assert versions.load(ws, "d")["v"].to_list() == ["x"]


def test_two_at_once_lose_no_row_and_bring_none_twice(ws):
    ingest(ws, [{"id": 0, "v": "start"}], dataset="d", key=["id"])
    faults: list[BaseException] = []

    def bring(writer: int) -> None:
        try:
            for step in range(3):
                rows = [{"id": step * 10 + each, "v": "same"} for each in range(1, 10)]
                ingest(ws, [*rows, {"id": 1000 + writer * 10 + step, "v": "own"}], dataset="d", key=["id"])
        except FettleError as error:
            faults.append(error)

    threads = [threading.Thread(target=bring, args=(writer,)) for writer in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    ids = versions.load(ws, "d")["id"].to_list()
    assert faults == []
    assert len(ids) == len(set(ids)) == 1 + 27 + 9


def test_rows_left_out_are_counted_and_told(ws):
    put("bad.csv", "1,2024-05-01,x", "2", "3,2024-05-01,y")

    done = ingest(ws, "bad.csv", ragged="skip")

    assert (done.rows, done.rejected) == (2, 1)
    assert "line(s) 3" in done.notes[0]
    assert versions.resolve(ws, "bad").metadata["ingest.rejected"] == "1"


def test_a_database_and_its_connection_leave_no_address_behind(ws, monkeypatch):
    with sqlite3.connect("secret-place.db") as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, v TEXT)")
        connection.execute("INSERT INTO orders VALUES (1, 'x')")
    monkeypatch.setenv("FETTLE_CONNECTION_SHOP", "sqlite:///secret-place.db")

    done = ingest(ws, "orders", connection="shop")

    commit = versions.resolve(ws, "orders")
    assert done.dataset == "orders"
    assert (commit.source.name, commit.message) == ("shop: orders", "Taken from shop: orders")
    assert "secret-place" not in repr(commit)


def test_rows_of_a_program_are_a_source(ws):
    done = ingest(ws, ({"id": number, "v": None} for number in range(3)), dataset="d")  # type: ignore[arg-type]  # in Python

    assert done.rows == 3
    assert ingest(ws, versions.load(ws, "d"), dataset="d").changed is False  # type: ignore[arg-type]  # in Python


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"append": True, "key": ["id"]}, Invalid, "--append together with --key"),
        ({"key": ["idd"]}, NotFound, "idd"),
        ({"time": "v"}, Invalid, "cannot be the time"),
        ({"time": "at", "lateness": "soon"}, Invalid, "not a duration"),
        ({"separator": ";;"}, Invalid, "single sign"),
        ({"encoding": "klingon"}, Invalid, "klingon"),
        ({"source": ""}, Invalid, "no source"),
        ({"source": "SELECT 1", "connection": "postgresql://ada:hunter22@host/db"}, Invalid, "ada:•••@host"),
        ({"source": "none.csv"}, NotFound, "none.csv"),
    ],
)
def test_a_wrong_wish_leaves_nothing_behind(ws, options, kind, said):
    put("a.csv", "1,2024-05-01,x")
    given = {"source": "a.csv"} | options

    with pytest.raises(kind) as caught:
        ingest(ws, given.pop("source"), dataset="d", **given)

    assert said in str(caught.value)
    assert "hunter22" not in str(caught.value)
    assert ws.call("data.datasets") == []


def test_a_protected_branch_is_not_written(ws):
    put("a.csv", "1,2024-05-01,x")
    put("b.csv", "2,2024-05-01,x")
    ingest(ws, "a.csv", dataset="d", key=["id"])
    ws.call("data.protect", dataset="d", pattern="main", merges_only=True)

    with pytest.raises(Denied):
        ingest(ws, "b.csv", dataset="d", key=["id"])


def test_a_policy_masks_rows_before_they_are_kept(ws):
    policy = Policy(rules={"email": Token(), "note": Drop()})
    ws.call("privacy.set_policy", dataset="d", policy=policy)
    put("a.csv", "1,ada@example.org,x", "2,bob@example.org,y", header="id,email,note")
    put("b.csv", "3,bob@example.org,changed", "4,eve@example.org,z", header="id,email,note")

    first = ingest(ws, "a.csv", dataset="d", key=["email"])
    second = ingest(ws, "b.csv", dataset="d", key=["email"])

    kept = versions.load(ws, "d")
    assert kept.columns == ["id", "email"]
    assert not kept["email"].str.contains("@").any()
    assert any("masked" in note for note in first.notes)
    assert (second.added, second.updated) == (1, 1)


def test_the_sheet_of_a_workbook_may_be_named(ws):
    with Workbook("book.xlsx") as book:
        pl.DataFrame({"a": [1]}).write_excel(book, "One")
        pl.DataFrame({"b": [2, 3]}).write_excel(book, "Two")

    assert ingest(ws, "book.xlsx", dataset="one").rows == 1
    assert ingest(ws, "book.xlsx", dataset="two", sheet="Two").rows == 2
    with pytest.raises(NotFound, match="Three"):
        ingest(ws, "book.xlsx", dataset="three", sheet="Three")
