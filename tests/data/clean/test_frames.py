"""Tables: what each operation does, what the report says, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.clean import fit, operations_of, propose, read_operations
from fettle.data.clean.fitted import decoded
from fettle.data.clean.pairs import mapping_of
from fettle.data.clean.units import conversion, measured, unit_of


def cleaned(frame: pl.DataFrame, *operations: dict) -> pl.DataFrame:
    return fit(list(operations), frame).apply(frame).frame


def test_the_report_counts_and_shows_what_changed() -> None:
    frame = pl.DataFrame(
        {"amount": ["1", "n/a", "x", None, "x"], "city": ["Bern", " Bern", "Chur", "Chur", "Chur"]}
    )
    fitted = fit(
        [
            {"do": "cast", "columns": ["amount"], "to": "number"},
            {"do": "text", "columns": ["city"]},
            {"do": "impute", "columns": ["amount"], "by": "constant", "value": 0.0, "indicator": True},
            {"do": "duplicates"},
        ],
        frame,
    )
    read, written, filled, unique = fitted.apply(frame).report.done

    assert (read.rows, read.cells, read.failed) == (4, {"amount": 4}, {"amount": 3})
    assert [(each.row, each.before, each.after) for each in read.examples][:2] == [
        (1, "n/a", None),
        (2, "x", None),
    ]
    assert (written.rows, written.cells, written.failed) == (1, {"city": 1}, {})
    assert (filled.cells, filled.added) == ({"amount": 4}, ["amount_missing"])
    assert (unique.dropped, unique.cells) == (2, {})
    assert fitted.apply(frame).report.rows_after == 3
    assert any("2 rows out" in line for line in fitted.apply(frame).report.lines())


def test_rows_that_would_go_are_kept_and_flagged() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 2.0, 500.0]})
    fitted = fit([{"do": "outliers", "columns": ["x"], "action": "drop"}], frame)

    assert fitted.drops_rows
    assert fitted.apply(frame).frame["x"].to_list() == [1.0, 2.0, 3.0, 2.0]
    kept = fitted.apply(frame, rows="keep")
    assert kept.frame.height == 5
    assert kept.flagged.to_list() == [False, False, False, False, True]


@pytest.mark.parametrize(("keep", "left"), [("first", [0, 1]), ("last", [2, 3]), ("newest", [0, 3])])
def test_duplicates_keep_the_one_that_was_asked_for(keep: str, left: list[int]) -> None:
    frame = pl.DataFrame({"key": ["a", "b", "a", "b"], "row": [0, 1, 2, 3], "at": [9, 1, 3, 2]})
    declared = {"do": "duplicates", "key": ["key"], "keep": keep} | (
        {"time": "at"} if keep == "newest" else {}
    )
    assert cleaned(frame, declared)["row"].to_list() == left


def test_gaps_are_filled_from_rows_of_the_same_owner_in_the_order_of_time() -> None:
    frame = pl.DataFrame(
        {
            "who": ["a", "b", "a", "a", "b", "c"],
            "at": [3, 1, 1, 2, 2, 1],
            "level": [None, None, 1.0, None, 7.0, None],
        }
    )
    forward = {"do": "impute", "columns": ["level"], "by": "forward", "of": ["who"], "time": "at"}
    usual = 1.0
    assert cleaned(frame, forward)["level"].to_list() == [1.0, usual, 1.0, 1.0, 7.0, usual]
    assert cleaned(frame, {**forward, "by": "backward"})["level"].to_list() == [
        usual,
        7.0,
        1.0,
        usual,
        7.0,
        usual,
    ]
    alone = fit([forward], frame)
    assert alone.apply_row({"who": "b", "at": 9, "level": None})["level"] == 7.0
    assert alone.apply_row({"who": "nobody", "at": 9, "level": None})["level"] == usual


def test_interpolation_goes_by_time_where_there_is_one() -> None:
    frame = pl.DataFrame({"at": [0, 10, 1], "x": [0.0, 100.0, None]})
    assert cleaned(frame, {"do": "impute", "by": "interpolate", "time": "at"})["x"].to_list() == [
        0.0,
        100.0,
        10.0,
    ]
    order = pl.DataFrame({"x": [0.0, None, 100.0]})
    assert cleaned(order, {"do": "impute", "by": "interpolate"})["x"].to_list() == [0.0, 50.0, 100.0]


def test_texts_are_written_alike() -> None:
    frame = pl.DataFrame({"x": ["  Zu\u0308rich\u00a0 HB ", "ﬁn", "N/A", "", "o'neill"]})
    declared = {"do": "text", "unicode": "NFKC", "missing": ["N/A"], "accents": False}
    assert cleaned(frame, declared)["x"].to_list() == ["Zurich HB", "fin", None, None, "o'neill"]
    assert cleaned(frame, {"do": "text", "case": "title"})["x"][4] == "O'neill"


def test_categories_are_merged_and_later_ones_are_others() -> None:
    frame = pl.DataFrame({"c": ["a"] * 6 + ["b"] * 3 + ["B", "z"]})
    fitted = fit([{"do": "merge", "columns": ["c"], "mapping": {"B": "b"}, "rare": 2}], frame)
    assert set(fitted.apply(frame).frame["c"]) == {"a", "b", "other"}
    assert fitted.apply_row({"c": "never seen"}) == {"c": "other"}
    shares = fit([{"do": "merge", "columns": ["c"], "rare": 0.5, "other": "rest"}], frame)
    assert set(shares.apply(frame).frame["c"]) == {"a", "rest"}


def test_categories_that_look_alike_are_proposed() -> None:
    frame = pl.DataFrame(
        {
            "firm": ["Müller AG"] * 5
            + ["Mueller AG", "MULLER ag", "Muller, AG", "Meier AG", "Haus 12", "Haus 13"]
        }
    )
    found = {pair.value: pair.instead for pair in propose(frame, "firm")}
    assert found["MULLER ag"] == found["Muller, AG"] == found["Mueller AG"] == "Müller AG"
    assert "Meier AG" not in found
    assert "Haus 13" not in found
    mapping = mapping_of(propose(frame, "firm"))
    assert "Müller AG" not in mapping
    assert set(cleaned(frame, {"do": "merge", "columns": ["firm"], "mapping": mapping})["firm"]) == {
        "Müller AG", "Meier AG", "Haus 12", "Haus 13",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "start", "end", "expected"),
    [(1, "lb", "kg", 0.45359237), (212, "°F", "°C", 100), (0, "K", "°C", -273.15), (1, "mi", "km", 1.609344),
     (90, "km/h", "m/s", 25), (1, "gal", "l", 3.785411784), (14.5, "psi", "kPa", 99.97398085), (25, "%", "1", 0.25)],
)  # fmt: skip
def test_units_are_converted_exactly(value: float, start: str, end: str, expected: float) -> None:
    assert conversion(start, end)(value) == pytest.approx(expected, rel=1e-9)


def test_units_are_known_by_their_usual_names() -> None:
    assert [unit_of(each) for each in ("Kg", "lbs.", "FAHRENHEIT", "km/H", "Mb", "cubit")] == [
        "kg", "lb", "°F", "km/h", "MB", None,
    ]  # fmt: skip
    assert measured("-3.5e2kg") == ("-3.5e2", "kg")
    assert measured("1 234 m") == ("1 234", "m")
    with pytest.raises(Invalid, match="cannot be written"):
        fit([{"do": "units", "columns": ["x"], "unit": "kg", "to": "m"}], pl.DataFrame({"x": [1.0]}))


def test_dates_in_several_forms_become_times() -> None:
    frame = pl.DataFrame({"at": ["31.05.2024", "2024-05-31T12:00:00+02:00", "5/31/24", "never"]})
    declared = {"do": "dates", "columns": ["at"], "forms": ["%d.%m.%Y", "%m/%d/%y"]}
    day = datetime(2024, 5, 31, tzinfo=UTC)
    assert cleaned(frame, declared)["at"].to_list() == [day, day.replace(hour=10), day, None]


@pytest.mark.parametrize(
    ("declared", "error", "said"),
    [
        ({"do": "imput"}, Invalid, "not known"),
        ({"do": "impute", "colums": ["x"]}, Invalid, "does not fit"),
        ({"do": "impute", "columns": ["z"]}, NotFound, "'z'"),
        ({"do": "impute", "columns": ["t"], "by": "mean"}, Invalid, "type string"),
        ({"do": "impute", "columns": ["x"], "by": "constant"}, Invalid, "needs `value`"),
        ({"do": "impute", "columns": ["x"], "by": "constant", "value": "a"}, Invalid, "wrong type"),
        ({"do": "impute", "columns": ["x"], "of": ["t"]}, Invalid, "mean nothing"),
        ({"do": "outliers", "columns": ["x"], "by": "isolation_forest"}, Invalid, "no bounds"),
        ({"do": "outliers", "columns": ["x"], "low": 0.9, "high": 0.1}, Invalid, "shares"),
        ({"do": "duplicates", "keep": "newest"}, Invalid, "needs `time`"),
        ({"do": "rename", "columns": {"x": "t"}}, Invalid, "already"),
        ({"do": "units", "columns": ["x"], "to": "parsec"}, NotFound, "parsec"),
        ({"do": "derive", "column": "y", "formula": "x +"}, Invalid, "x"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(
    declared: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fit([declared], pl.DataFrame({"x": [1.0, None, 3.0], "t": ["a", "b", "c"]}))


def test_a_frame_that_does_not_fit_is_refused() -> None:
    fitted = fit([{"do": "impute", "columns": ["x"]}], pl.DataFrame({"x": [1.0, None]}))
    with pytest.raises(NotFound, match="'x'"):
        fitted.apply(pl.DataFrame({"y": [1.0]}))
    with pytest.raises(Invalid, match="another type"):
        fitted.apply(pl.DataFrame({"x": ["1"]}))
    assert fitted.apply(pl.DataFrame({"x": [1, None]})).frame["x"].to_list() == [1.0, 1.0]


def test_operations_are_read_from_toml(tmp_path) -> None:
    path = tmp_path / "clean.toml"
    path.write_text('[[clean]]\ndo = "impute"\ncolumns = ["x"]\nby = "knn"\n\n[[clean]]\ndo = "duplicates"\n')
    read = read_operations(path)
    assert [type(each).__name__ for each in read] == ["Impute", "Duplicates"]
    assert operations_of(read) == read
    path.write_text("x = 1")
    with pytest.raises(Invalid, match="declares no operations"):
        read_operations(path)
    with pytest.raises(NotFound, match="no file"):
        read_operations(tmp_path / "none.toml")


def test_the_fitted_form_is_plain_data_that_reads_back_the_same() -> None:
    frame = pl.DataFrame({"x": [1.0, None, 3.0, 1 / 3], "y": [1.0, 2.0, None, 0.1]})
    fitted = fit(
        [{"do": "impute", "by": "knn"}, {"do": "impute", "by": "iterative", "columns": ["x"]}], frame
    )
    again = decoded(fitted.encoded())
    assert again == fitted
    assert again.digest == fitted.digest
    with pytest.raises(Invalid, match="no fitted cleaning"):
        decoded(b"{}")
    with pytest.raises(Invalid, match="form"):
        decoded(fitted.encoded().replace(b"cleaning/1", b"cleaning/9"))
