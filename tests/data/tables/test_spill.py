"""Tables beyond memory: in buckets the same comes out as in memory, and nothing stays on the disk."""

import os
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.data import versions
from fettle.data.tables.compare import bucket_form, common_form
from fettle.data.tables.diff import diff_tables
from fettle.data.tables.differences import TableDiff
from fettle.data.tables.merge import merge_tables
from fettle.data.tables.merge_spilled import buckets_for, merge_spilled
from fettle.data.tables.spill import Budget
from fettle.workspace import Workspace

keys = st.tuples(st.sampled_from([None, 1, 2, 3, 4, 5]), st.sampled_from([None, 0.0, 1.5, float("nan")]))
cells = st.tuples(st.sampled_from([None, 0, 1]), st.sampled_from([None, "", "x"]))
tables = st.lists(st.tuples(keys, cells), unique_by=lambda pair: str(pair[0]), max_size=10)
SCHEMA = {"k": pl.Int64, "l": pl.Float64, "a": pl.Int64, "t": pl.String}


def frame(rows: list) -> pl.DataFrame:
    return pl.DataFrame([(*key, *row) for key, row in rows], schema=SCHEMA, orient="row")


def told(made: TableDiff) -> tuple:
    """Everything a comparison says, comparable: NaN as text."""
    spelt = [made.added, made.removed, *(made.cells(name) for name in ("a", "t"))]
    return made.summary, str(made.frame.rows()), [str(each.rows()) for each in spelt]


@settings(max_examples=40, deadline=None)
@given(tables, tables, st.sampled_from([["k", "l"], []]))
def test_buckets_find_what_memory_finds(old: list, new: list, key: list[str]):
    sides = frame(old), frame(new)
    small = Budget(max(1, (len(old) + len(new)) * 20))

    inside, outside = diff_tables(*sides, key), diff_tables(*sides, key, budget=small)

    assert told(outside) == told(inside)


def test_larger_tables_come_out_alike_and_leave_nothing_behind(tmp_path: Path):
    old = pl.DataFrame({"id": range(50_000), "x": [each % 7 for each in range(50_000)]}).with_columns(
        name=pl.col("id").cast(pl.String)
    )
    new = old.filter(pl.col("id") % 50 != 3).with_columns(
        x=pl.when(pl.col("id") % 100 == 9).then(None).otherwise("x")
    )
    new = pl.concat([new, old.head(500).with_columns(pl.col("id") + 10**6)]).sample(
        fraction=1, shuffle=True, seed=3
    )
    budget = Budget(200_000, tmp_path / "spill")

    made = diff_tables(old, new, ["id"], budget=budget)

    assert told(made)[:2] == told(diff_tables(old, new, ["id"]))[:2]
    assert (made.summary.added, made.summary.removed, made.summary.changed) == (500, 1000, 500)
    assert list((tmp_path / "spill").iterdir()) == []


def test_a_key_of_another_type_finds_its_bucket():
    old = pl.DataFrame({"id": [1, 2, 3], "x": [1, 1, 1]})
    new = pl.DataFrame({"id": ["3", "2", "x"], "x": [1, 5, 1]})

    made = diff_tables(old, new, ["id"], budget=Budget(60))

    assert (made.summary.added, made.summary.removed, made.summary.changed) == (1, 1, 1)


def test_keys_that_repeat_are_named_by_their_own_rows():
    old = pl.DataFrame({"id": [*range(1000), 7], "x": 1})

    with pytest.raises(Invalid, match="does not tell the rows of the old version apart") as error:
        diff_tables(old, old.head(900), ["id"], budget=Budget(10_000))

    assert "id=7 in rows 8, 1,001" in error.value.found


def test_what_a_killed_process_left_is_removed(tmp_path: Path):
    dead, mine = tmp_path / "spill-999999999-x", tmp_path / f"spill-{os.getpid()}-y"
    dead.mkdir()
    mine.mkdir()

    with Budget(1, tmp_path).place() as place:
        assert place.exists()

    assert not dead.exists()
    assert mine.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (pl.Series([0.0, 1.0]), pl.Series([-0.0, 1.0])),
        (pl.Series([1, 2**53 + 1]), pl.Series([1.0, 2.0**60])),
        (pl.Series([1, 20]), pl.Series(["1", "20.0"])),
        (pl.Series([date(2024, 5, 1)]), pl.Series([date(2024, 5, 1)]).cast(pl.Datetime("us", "UTC"))),
        (pl.Series([date(2024, 5, 1)]), pl.Series(["2024-05-01"])),
        (pl.Series([True]), pl.Series(["true"])),
        (pl.Series([None, None]), pl.Series([1, None])),
        (pl.Series([7], dtype=pl.Int8), pl.Series([7], dtype=pl.Int32)),
    ],
)
def test_values_that_are_the_same_share_a_bucket(old: pl.Series, new: pl.Series):
    a, b = common_form(old, new)
    same = a.eq_missing(b)
    hashes = bucket_form(old, new.dtype).hash(1), bucket_form(new, old.dtype).hash(1)

    assert same.any()
    assert (hashes[0] == hashes[1]).filter(same).all()


unique_rows = st.dictionaries(st.integers(0, 12), cells, max_size=10)


Sides = tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]


def sides_of(base: dict, ours: dict, theirs: dict) -> Sides:
    def rows_of(rows: dict) -> pl.LazyFrame:
        schema = {"k": pl.Int64, "a": pl.Int64, "t": pl.String}
        return pl.LazyFrame([(key, *row) for key, row in rows.items()], schema=schema, orient="row")

    return rows_of(base), rows_of(ours), rows_of(theirs)


@settings(max_examples=40, deadline=None)
@given(unique_rows, unique_rows, unique_rows, st.sampled_from([None, "ours", "theirs", "base"]))
def test_a_merge_in_buckets_is_the_merge_in_memory(
    base: dict, ours: dict, theirs: dict, take: Literal["ours", "theirs", "base"] | None
):
    sides = sides_of(base, ours, theirs)
    inside = merge_tables(*sides, ["k"], resolve=take)

    with Budget().place() as folder:
        outside = merge_spilled(*sides, ["k"], count=4, folder=folder, resolve=take)
        rows = outside.rows.collect()

    assert rows.rows() == inside.frame.rows()
    assert rows.schema == inside.frame.schema
    assert outside.height == inside.frame.height
    assert outside.conflicts.rows() == inside.conflicts.rows()
    assert outside.resolved == inside.resolved


def test_only_alike_sides_are_merged_in_buckets():
    alike = sides_of({}, {1: (1, "x")}, {2: (1, "y")})
    wider = (*alike[:2], alike[2].with_columns(more=pl.lit(1)))

    assert buckets_for(*alike, Budget(10)) > 1
    assert buckets_for(*alike, Budget()) == 1
    assert buckets_for(*wider, Budget(10)) == 1


def test_versions_beyond_the_budget_are_compared_and_merged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    rows = pl.DataFrame({"id": range(3000), "x": [each % 9 for each in range(3000)]})
    ours = rows.with_columns(x=pl.when(pl.col("id") < 100).then(-1).otherwise("x"))
    theirs = rows.with_columns(x=pl.when(pl.col("id") >= 2900).then(-2).otherwise("x")).sample(
        fraction=1, shuffle=True, seed=2
    )
    versions.commit_frame(workspace, "rows", rows, key=["id"])
    workspace.data.branch("rows", "side")
    versions.commit_frame(workspace, "rows", ours)
    versions.commit_frame(workspace, "rows", theirs, branch="side")
    monkeypatch.setattr(Budget.__new__, "__defaults__", (20_000, None))

    made = workspace.data.diff("rows@main", "rows@side")
    assert made.tables["table"].summary.cells == 200
    merged = workspace.data.merge("rows", "side")

    assert merged.how == "merged"
    expected = ours.with_columns(x=pl.when(pl.col("id") >= 2900).then(-2).otherwise("x"))
    assert versions.load(workspace, "rows").equals(expected)
    assert list((workspace.folder / "cache" / "spill").iterdir()) == []
