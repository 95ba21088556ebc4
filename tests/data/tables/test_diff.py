"""Comparing tables: the same as a dictionary finds, also with missing keys, other types and shared row groups."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.data.records.diffs import SchemaChange
from fettle.data.tables import cuts, diff
from fettle.data.tables.compare import differs
from fettle.data.tables.diff import TableDiff, diff_tables
from fettle.data.tables.sides import PartFile, TableFiles
from fettle.data.tables.write import write_table
from fettle.data.types import columns_of

Row = dict[str, Any]
keys = st.tuples(st.sampled_from([None, 1, 2, 3, 4, 5]), st.sampled_from([None, "x", "y"]))
cells = st.fixed_dictionaries(
    {"a": st.sampled_from([None, 0, 1]), "f": st.sampled_from([None, 0.0, 1.5, float("nan")])}
)
tables = st.lists(st.tuples(keys, cells), unique_by=lambda pair: pair[0], max_size=8)
SCHEMA = {"k": pl.Int64, "l": pl.String, "a": pl.Int64, "f": pl.Float64}


def frame(rows: list[tuple[tuple, Row]]) -> pl.DataFrame:
    return pl.DataFrame([{"k": key[0], "l": key[1], **row} for key, row in rows], schema=SCHEMA)


def listed(made: TableDiff) -> set[tuple]:
    return {tuple(row) for row in made.frame.rows()}


def text(value: Any) -> str | None:
    return None if value is None else "NaN" if value != value else f"{value:g}"


@settings(max_examples=120, deadline=None)
@given(tables, tables)
def test_a_keyed_comparison_is_what_a_dictionary_finds(old: list, new: list):
    made = diff_tables(frame(old), frame(new).lazy(), ["k", "l"])

    was, now = dict(old), dict(new)
    expected = {("added", *key, None, None, None) for key in now.keys() - was.keys()}
    expected |= {("removed", *key, None, None, None) for key in was.keys() - now.keys()}
    for key in was.keys() & now.keys():
        for name in ("a", "f"):
            a, b = text(was[key][name]), text(now[key][name])
            expected |= {("changed", *key, name, a, b)} if a != b else set()
    assert listed(made) == expected
    summary = made.summary
    assert (summary.added, summary.removed) == (len(now.keys() - was.keys()), len(was.keys() - now.keys()))
    assert summary.cells == sum(each[0] == "changed" for each in expected)
    assert summary.changed == len({each[1:3] for each in expected if each[0] == "changed"})
    assert made.added.rows() == frame([each for each in new if each[0] not in was]).rows() or "nan" in str(
        made.added.rows()
    )
    assert made.removed.height == summary.removed


rows = st.lists(
    st.fixed_dictionaries({"a": st.sampled_from([None, 0, 1]), "s": st.sampled_from([None, "", "x"])}),
    max_size=10,
)


@settings(max_examples=80, deadline=None)
@given(rows, rows)
def test_whole_rows_are_counted_as_often_as_they_occur(old: list[Row], new: list[Row]):
    schema = {"a": pl.Int64, "s": pl.String}
    made = diff_tables(pl.DataFrame(old, schema=schema), pl.DataFrame(new, schema=schema))

    was, now = (Counter((each["a"], each["s"]) for each in side) for side in (old, new))
    assert Counter(made.added.rows()) == now - was
    assert Counter(made.removed.rows()) == was - now
    assert made.summary.added == (now - was).total()
    assert made.frame.filter(pl.col("op") == "added").height == 2 * made.summary.added


@pytest.mark.parametrize("key", [["id"], []])
def test_shared_row_groups_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: list[str]):
    monkeypatch.setattr(cuts, "PIECE_ROWS", 1024)
    old = pl.DataFrame({"id": range(20_000), "v": [each % 7 for each in range(20_000)]})
    new = old.with_columns(v=pl.when(pl.col("id") == 9000).then(99).otherwise("v")).filter(pl.col("id") != 3)

    made = diff_tables(written(tmp_path / "a", old), written(tmp_path / "b", new), key)

    summary = made.summary
    assert summary.equal_rows > 15_000
    assert (summary.old_rows, summary.new_rows) == (20_000, 19_999)
    assert (summary.added, summary.removed, summary.changed) == ((0, 1, 1) if key else (1, 2, 0))
    whole = diff_tables(old, new, key)
    assert listed(made) == listed(whole)
    assert made.added.equals(whole.added)


def test_groups_of_the_same_bytes_but_other_names_are_not_taken_for_the_same(tmp_path: Path):
    old = pl.DataFrame({"id": [1, 2], "a": [1.0, 2.0]})
    made = diff_tables(written(tmp_path / "a", old), written(tmp_path / "b", old.rename({"a": "b"})), ["id"])
    assert made.summary.equal_rows == 0
    assert [each.kind for each in made.summary.schema] == ["added", "removed"]


def test_parts_of_narrower_types_are_compared_as_the_version_has_them(tmp_path: Path):
    first, second = pl.DataFrame({"id": [1], "v": [1]}), pl.DataFrame({"id": [2], "v": [2.5]})
    parts = [*written(tmp_path / "a", first).parts, *written(tmp_path / "b", second).parts]
    both = TableFiles(columns_of(second), parts)
    assert diff_tables(both, pl.DataFrame({"id": [1, 2], "v": [1.0, 2.5]}), ["id"]).summary.same


def written(folder: Path, rows: pl.DataFrame) -> TableFiles:
    folder.mkdir()
    parts = []
    for place, each in enumerate(write_table(rows)):
        path = folder / f"{place}.parquet"
        path.write_bytes(each.data)
        parts.append(PartFile(path, each.groups))
    return TableFiles(columns_of(rows), parts)


def test_columns_added_removed_retyped_and_moved():
    old = pl.DataFrame({"id": [1, 2], "gone": [1, 1], "a": [1, 2], "b": ["x", "y"], "c": [True, False]})
    new = pl.DataFrame({"id": [1, 2], "b": ["x", "y"], "c": [True, False], "a": [1.0, 2.5], "fresh": [0, 0]})

    made = diff_tables(old, new, ["id"])

    assert made.summary.schema == [
        SchemaChange("added", "fresh", new="integer"),
        SchemaChange("removed", "gone", old="integer"),
        SchemaChange("retyped", "a", "integer", "number"),
        SchemaChange("moved", "a", "3", "4"),
    ]
    assert made.cells("a").rows() == [(2, 2, 2.5)]
    assert made.cells("b").height == 0


def test_duplicates_of_a_key_are_named():
    once, twice = (
        pl.DataFrame({"id": [1, 2, 3], "v": [1, 2, 3]}),
        pl.DataFrame({"id": [7, 8, 7], "v": [1, 2, 3]}),
    )
    for old, new, where in ((once, twice, "new"), (twice, once, "old"), (twice, twice, "old")):
        with pytest.raises(Invalid, match=f"rows of the {where} version") as caught:
            diff_tables(old, new, ["id"])
        assert "id=7 in rows 1, 3" in caught.value.found
    with pytest.raises(NotFound, match="'ID'"):
        diff_tables(once, once, ["ID"])


def test_duplicates_beyond_the_sample_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fettle.data.tables.match.SAMPLE_ROWS", 2)
    once = pl.DataFrame({"id": [5, 1, 2, 3]})
    for other in ([5, 1, 2, 2], [5, 1, 9, 9], [1, 5, 3, 3, 2]):
        for old, new in ((once, pl.DataFrame({"id": other})), (pl.DataFrame({"id": other}), once)):
            with pytest.raises(Invalid, match="does not tell"):
                diff_tables(old, new, ["id"])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (pl.Series([1, 2, None]), pl.Series([1.0, 2.5, None]), [False, True, False]),
        (pl.Series([2**53 + 1, 1]), pl.Series([float(2**53), 1.0]), [True, False]),
        (
            pl.Series(["1", "1.5", "x", None, "007"]),
            pl.Series([1.0, 1.5, 2.0, None, 7.0]),
            [False, False, True, False, False],
        ),
        (pl.Series(["1", "2.0", None]), pl.Series([1, 2, 3]), [False, False, True]),
        (pl.Series(["true", "False", "no"]), pl.Series([True, False, False]), [False, True, True]),
        (
            pl.Series([date(2024, 5, 1), date(2024, 5, 2)]),
            pl.Series([datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, 1, tzinfo=UTC)]),
            [False, True],
        ),
        (pl.Series(["2024-05-01", "1.5.2024"]), pl.Series([date(2024, 5, 1)] * 2), [False, True]),
        (pl.Series([None, None]), pl.Series([1, None]), [True, False]),
        (
            pl.Series([0.0, float("nan"), float("inf")]),
            pl.Series([-0.0, float("nan"), float("-inf")]),
            [False, False, True],
        ),
    ],
)
def test_values_of_different_types_are_the_same_if_they_mean_the_same(
    old: pl.Series, new: pl.Series, expected: list[bool]
):
    assert differs(old, new).to_list() == expected
    assert differs(new, old).to_list() == expected


def test_keys_of_different_types_meet():
    old, new = (
        pl.DataFrame({"id": ["1", "2", "x"], "v": [1, 2, 3]}),
        pl.DataFrame({"id": [2, 1], "v": [2, 9]}),
    )
    made = diff_tables(old, new, ["id"])
    assert (made.summary.removed, made.cells("v").rows()) == (1, [(1, 1, 9)])


def test_a_few_columns_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch):
    old = pl.DataFrame({"id": range(50)} | {f"c{place}": range(50) for place in range(9)})
    new = old.with_columns(pl.col("c3") + 1, pl.col("c8") * 2).reverse()
    whole = listed(diff_tables(old, new, ["id"]))
    monkeypatch.setattr(diff, "CELLS_AT_ONCE", 100)
    assert listed(diff_tables(old, new, ["id"])) == whole
    assert len(whole) == 99


def test_the_words_and_the_arrow_table():
    old = pl.DataFrame({"id": [1, 2, 3], "name": ["Ann", "名前", None], "n": [1, 2, 3]})
    new = pl.DataFrame({"id": [1, 2, 4], "name": ["Anna", None, None], "n": [1, 5, 4]})
    made = diff_tables(old, new, ["id"])

    assert made.lines(limit=2) == [
        "rows 3 → 3 by id: +1 added, -1 removed, ~2 changed in 3 cells",
        "",
        "  column  changed  emptied  filled",
        "  name    2        1        0",
        "  n       1        0        0",
        "",
        "     id  column  old   new",
        "  ~  1   name    Ann   Anna",
        "  ~  2   name    名前  ∅",
        "  … 1 more changed",
        "",
        "     id",
        "  +  4",
        "",
        "     id",
        "  -  3",
    ]
    assert isinstance(made.table, pa.Table)
    assert made.table.column_names == ["op", "id", "column", "old", "new"]
    assert made.as_dict(1)["changes"][-1] == {
        "op": "removed",
        "id": 3,
        "column": None,
        "old": None,
        "new": None,
    }
    assert diff_tables(old, old, ["id"]).lines() == ["no difference in 3 rows"]


def test_the_words_of_whole_rows():
    old, new = pl.DataFrame({"a": [1, 1], "row": ["x", "y"]}), pl.DataFrame({"a": [1, 2], "row": ["x", "z"]})
    assert diff_tables(old, new).lines() == [
        "rows 2 → 2, whole rows: +1 added, -1 removed",
        "",
        "     a  row",
        "  +  2  z",
        "",
        "     a  row",
        "  -  1  y",
    ]


def test_empty_tables():
    empty, one = pl.DataFrame(schema={"id": pl.Int64, "v": pl.String}), pl.DataFrame({"id": [1], "v": ["x"]})
    for key in (["id"], []):
        assert diff_tables(empty, one, key).summary.added == 1
        assert diff_tables(one, empty, key).summary.removed == 1
        assert diff_tables(empty, empty, key).summary.same
        assert diff_tables(empty, one, key).frame.height == (1 if key else 2)
