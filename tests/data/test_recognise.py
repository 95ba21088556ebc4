"""Recognising columns of texts: all or nothing, codes stay codes, and a nearly-number column is mixed."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from fettle.data.recognise import Mixed, dated, recognise

DAY, NOON = date(2024, 5, 31), datetime(2024, 5, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", " 2 ", "", None], [1, 2, None, None]),
        (["1", "2.5", "NA", "?"], [1.0, 2.5, None, None]),
        (["1e3", "nan", "-.5"], [1000.0, None, -0.5]),
        (["TRUE", "false", "null"], [True, False, None]),
        (["2024-05-31", "-"], [DAY, None]),
        (["31.5.2024"], [DAY]),
        (["31/05/2024", "01/05/2024"], [DAY, date(2024, 5, 1)]),
        (["05/31/2024", "05/01/2024"], [DAY, date(2024, 5, 1)]),
        (["05/06/2024"], ["05/06/2024"]),
        (["2024-05-31 12:00:00", "2024-05-31T12:00:00.000"], [NOON, NOON]),
        (["2024-05-31T12:00:00Z", "2024-05-31 14:00:00+02:00"], [NOON, NOON]),
        (["2024-05-31 12:00"], [NOON]),
        (["31.5.2024 12:00", "31.05.2024 12:00"], [NOON, NOON]),
        (["2024/5/31 12:00:00"], [NOON]),
        (["5/31/2024 12:00"], [NOON]),
        (["31/05/2024 12:00:00"], [NOON]),
        (["05/06/2024 12:00"], ["05/06/2024 12:00"]),
        (["007", "12"], ["007", "12"]),
        (["0", "0.5"], [0.0, 0.5]),
        (["99999999999999999999", "1"], ["99999999999999999999", "1"]),
        (["yes", "no", ""], ["yes", "no", None]),
        (["NA", "Namibia"], ["NA", "Namibia"]),
        (["", "NA"], [None, None]),
        (["12", "a", "b"], ["12", "a", "b"]),
    ],
)
def test_a_column_gets_the_type_that_all_its_values_have(texts, values):
    assert recognise(pl.Series("c", texts, dtype=pl.String)).to_list() == values


@pytest.mark.parametrize(
    ("good", "bad", "kind"),
    [("7.5", "abc", "numbers"), ("2024-05-31", "soon", "dates"), ("2024-05-31 12:00", "x", "times")],
)
def test_a_few_texts_among_numbers_or_dates_are_told(good, bad, kind):
    found = recognise(pl.Series("c", [good] * 30 + [bad, None]))

    assert isinstance(found, Mixed)
    assert (found.kind, found.good, found.bad_rows, found.bad_values) == (kind, 30, [30], [bad])


def test_decimal_commas_are_numbers_only_where_asked():
    texts = pl.Series("c", ["1,5", "1.200,25", "3"])

    assert recognise(texts, decimal_comma=True).to_list() == [1.5, 1200.25, 3.0]
    assert recognise(texts).dtype == pl.String


def test_quoted_numbers_stay_texts_but_dates_become_dates():
    assert dated(pl.Series(["1", "2"])).dtype == pl.String
    assert dated(pl.Series(["2024-05-31", None])).to_list() == [DAY, None]
