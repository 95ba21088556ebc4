"""Merging: the same outcome as a plain dictionary gives, conflicts listed, decided for all or row by row."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.tables.merge import Merged, merge_tables

Row = dict[str, Any]
Table = dict[int | None, Row]
COLUMNS = {"a": pl.Int64, "b": pl.String}

cells = st.fixed_dictionaries({"a": st.sampled_from([None, 0, 1]), "b": st.sampled_from([None, "x", "y"])})
tables = st.dictionaries(st.sampled_from([None, 1, 2, 3, 4]), cells, max_size=5)


def frame(table: Table) -> pl.DataFrame:
    rows = [{"k": key, **row} for key, row in table.items()]
    return pl.DataFrame(rows, schema={"k": pl.Int64, **COLUMNS})


def naive(base: Table, ours: Table, theirs: Table, take: str | None) -> tuple[Table, set[Any]]:
    """The same, a row at a time; conflicts are (key, column), the column None for a whole row."""
    side = take or "ours"
    merged: Table = {}
    conflicts = set()
    for key in [*ours, *(each for each in theirs if each not in ours)]:
        b, o, t = base.get(key), ours.get(key), theirs.get(key)
        if o is not None and t is not None:
            merged[key] = {}
            for name in COLUMNS:
                known = b is not None
                if known and o[name] == b[name]:
                    merged[key][name] = t[name]
                elif (known and t[name] == b[name]) or o[name] == t[name]:
                    merged[key][name] = o[name]
                else:
                    conflicts.add((key, name))
                    merged[key][name] = {"ours": o, "theirs": t, "base": b or {name: None}}[side][name]
        elif b is None:
            merged[key] = o if o is not None else t  # type: ignore[assignment]  # one of the two is there
        elif (o or t) != b:
            conflicts.add((key, None))
            chosen = {"ours": o, "theirs": t, "base": b}[side]
            if chosen is not None:
                merged[key] = chosen
    return merged, conflicts


def listed(merged: Merged) -> set[Any]:
    return {(row["k"], row["column"]) for row in merged.conflicts.iter_rows(named=True)}


@settings(max_examples=120, deadline=None)
@given(tables, tables, tables, st.sampled_from([None, "ours", "theirs", "base"]))
def test_a_merge_is_what_a_dictionary_gives(base: Table, ours: Table, theirs: Table, take: str | None):
    made = merge_tables(frame(base), frame(ours), frame(theirs), ["k"], resolve=take)

    expected, conflicts = naive(base, ours, theirs, take)
    assert made.frame.equals(frame(expected))
    assert listed(made) == (conflicts if take is None else set())
    assert made.resolved == (0 if take is None else len(conflicts))


@settings(max_examples=40, deadline=None)
@given(tables, tables, tables, st.randoms(use_true_random=False))
def test_conflicts_decided_one_by_one_in_a_file(base: Table, ours: Table, theirs: Table, random: Any):
    sides = frame(base), frame(ours), frame(theirs)
    first = merge_tables(*sides, ["k"])
    take = [random.choice(["ours", "theirs", "base", None]) for _ in range(first.conflicts.height)]
    decided = first.conflicts.with_columns(pl.Series("take", take, pl.String))

    made = merge_tables(*sides, ["k"], resolve=decided)

    by_place = {(row["k"], row["column"]): row["take"] for row in decided.iter_rows(named=True)}
    assert listed(made) == {place for place, side in by_place.items() if side is None}
    outcomes = {side: naive(base, ours, theirs, side)[0] for side in ("ours", "theirs", "base")}
    for row in made.frame.iter_rows(named=True):
        key = row.pop("k")
        whole = by_place.get((key, None), "ours") or "ours"
        for name, value in row.items():
            side = by_place.get((key, name)) or whole
            assert value == outcomes[side][key][name]


def people() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2, 3, 4], "name": ["Ann", "Bo", "Cy", "Di"], "age": [30, 40, 50, 60]})


def test_changes_of_different_cells_are_brought_together():
    base = people()
    ours = base.with_columns(age=pl.when(pl.col("id") == 2).then(41).otherwise("age"))
    theirs = base.with_columns(
        name=pl.when(pl.col("id") == 2).then(pl.lit("Bob")).otherwise("name")
    ).reverse()

    made = merge_tables(base.lazy(), ours, theirs, ["id"])

    assert made.clean
    assert made.require_clean().row(1) == (2, "Bob", 41)
    assert made.frame["id"].to_list() == [1, 2, 3, 4]


def test_the_order_is_ours_then_what_theirs_adds():
    base = people()
    ours = pl.concat([pl.DataFrame({"id": [9], "name": ["New"], "age": [1]}), base.filter(pl.col("id") != 3)])
    theirs = pl.concat([pl.DataFrame({"id": [8, 7], "name": ["H", "G"], "age": [8, 7]}), base.tail(3)])

    made = merge_tables(base, ours, theirs, ["id"])

    assert made.frame["id"].to_list() == [9, 2, 4, 8, 7]
    assert made.clean


def test_removed_here_and_changed_there_is_a_conflict_of_the_row(tmp_path: Path):
    base = people()
    ours = base.filter(pl.col("id") != 1)
    theirs = base.with_columns(age=pl.col("age") + (pl.col("id") == 1))

    made = merge_tables(base, ours, theirs, ["id"])

    row = made.conflicts.row(0, named=True)
    assert (row["kind"], row["id"], row["column"], row["ours"]) == ("row", 1, None, None)
    assert '"age":31' in row["theirs"]
    assert made.frame["id"].to_list() == [2, 3, 4]
    with pytest.raises(Conflict, match="1 conflict"):
        made.require_clean()
    for how in ("theirs", {1: "theirs"}, {(1, "age"): "ours", 1: "theirs"}):
        again = merge_tables(base, ours, theirs, ["id"], resolve=how)
        assert again.frame.rows()[-1] == (1, "Ann", 31)
        assert again.clean

    for name in ("conflicts.csv", "conflicts.parquet"):
        path = tmp_path / name
        made.save(path)
        edited = pl.read_csv(path, infer_schema=False) if name.endswith("csv") else pl.read_parquet(path)
        edited = edited.with_columns(take=pl.lit("theirs"))
        edited.write_csv(path) if name.endswith("csv") else edited.write_parquet(path)
        assert merge_tables(base, ours, theirs, ["id"], resolve=path).clean


def test_columns_added_widened_and_removed():
    base = people()
    ours = base.with_columns(pl.col("age").cast(pl.Float64) + 0.5, city=pl.lit("Ulm"))
    theirs = pl.concat([base, pl.DataFrame({"id": [5], "name": ["Ed"], "age": [70]})]).drop("name")

    made = merge_tables(base, ours, theirs, ["id"])

    assert made.clean
    assert made.frame.schema == {"id": pl.Int64, "age": pl.Float64, "city": pl.String}
    assert made.frame.row(4) == (5, 70.0, None)
    assert made.frame["age"][0] == 30.5


def test_a_column_removed_here_and_changed_there_is_a_conflict():
    base = people()
    ours, theirs = base.drop("age"), base.with_columns(pl.col("age") + 1)

    made = merge_tables(base, ours, theirs, ["id"])

    assert made.conflicts.rows() == [("column", None, "age", "integer", None, "integer", None)]
    assert made.frame.columns == ["id", "name"]
    kept = merge_tables(base, ours, theirs, ["id"], resolve="theirs")
    assert kept.frame["age"].to_list() == [31, 41, 51, 61]
    assert merge_tables(base, ours, theirs, ["id"], resolve={(None, "age"): "base"}).frame["age"][0] == 30


def test_types_that_do_not_fit_are_a_conflict():
    base = people().with_columns(pl.col("age").cast(pl.String))
    ours = people()
    theirs = base.with_columns(age=pl.when(pl.col("id") == 4).then(pl.lit("old")).otherwise("age"))

    made = merge_tables(base, ours, theirs, ["id"])

    assert made.conflicts["kind"].to_list() == ["column"]
    assert made.conflicts.select("base", "ours", "theirs").row(0) == ("string", "integer", "string")
    assert merge_tables(base, ours, theirs, ["id"], resolve="theirs").frame["age"][3] == "old"


def test_keys_of_several_columns_and_of_any_name():
    base = pl.DataFrame({"base": [1, 1], "take": ["x", None], "v": [1.0, 2.0]})
    ours = base.with_columns(pl.col("v") + 1)
    theirs = base.with_columns(pl.col("v") - 1)

    made = merge_tables(base, ours, theirs, ["base", "take"])

    assert made.conflicts.select("base (key)", "take (key)", "column", "base", "ours", "theirs").rows() == [
        (1, "x", "v", "1", "2", "0"),
        (1, None, "v", "2", "3", "1"),
    ]
    half = merge_tables(base, ours, theirs, ["base", "take"], resolve={(1, None, "v"): "theirs"})
    assert (half.frame["v"].to_list(), half.conflicts.height, half.resolved) == ([2.0, 1.0], 1, 1)


def test_a_cell_may_get_a_value_that_no_side_has():
    base = people()
    ours, theirs = base.with_columns(pl.col("age") + 1), base.with_columns(pl.col("age") + 2)
    rows = [
        {"id": 1, "column": "age", "take": "", "value": "35"},
        {"id": 2, "column": "age", "take": "theirs", "value": ""},
        {"id": 3, "column": "", "take": "base", "value": None},
    ]

    made = merge_tables(base, ours, theirs, ["id"], resolve=rows)

    assert made.frame["age"].to_list() == [35, 42, 50, 61]
    assert (made.resolved, made.conflicts["id"].to_list()) == (3, [4])
    with pytest.raises(Invalid, match="'many'"):
        merge_tables(base, ours, theirs, ["id"], resolve=[rows[0] | {"value": "many"}])


def test_bad_resolutions_and_keys_are_refused(tmp_path: Path):
    base = people()
    with pytest.raises(NotFound, match="'ID'"):
        merge_tables(base, base, base, ["ID"])
    with pytest.raises(Invalid, match="theirs"):
        merge_tables(base, base, pl.concat([base, base]), ["id"])
    with pytest.raises(Invalid, match="not a side"):
        merge_tables(base, base, base, ["id"], resolve={1: "mine"})
    with pytest.raises(Invalid, match="names no row"):
        merge_tables(base, base, base, ["id"], resolve={(1, 2, 3): "ours"})
    with pytest.raises(NotFound, match=r"nothing\.csv"):
        merge_tables(base, base, base, ["id"], resolve=tmp_path / "nothing.csv")
    with pytest.raises(NotFound, match="take"):
        merge_tables(base, base, base, ["id"], resolve=base.with_columns(column=pl.lit("age")))
