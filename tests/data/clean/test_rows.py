"""A row at the endpoint is cleaned exactly as the frame is offline, whatever the operation."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.data.clean import fit
from fettle.data.clean.fitted import FittedCleaning, decoded
from fettle.packaging.rows import json_rows

START = datetime(2024, 1, 1, tzinfo=UTC)


def table(rows: int = 120, seed: int = 3) -> pl.DataFrame:
    """A mixed table with gaps, odd texts, units and outliers."""
    random = np.random.default_rng(seed)
    gap = random.random((4, rows)) < 0.2
    height = random.normal(170, 10, rows)
    weight = 0.9 * (height - 100) + random.normal(0, 5, rows)
    weight[::40] = 900.0
    cities = np.array(["Bern", " bern ", "Zürich", "ZU\u0308RICH", "Genf", "Chur", "x", ""])
    return pl.DataFrame(
        {
            "height": [None if off else float(each) for each, off in zip(height, gap[0], strict=True)],
            "weight": [None if off else float(each) for each, off in zip(weight, gap[1], strict=True)],
            "visits": [
                None if off else int(each) for each, off in zip(random.poisson(3, rows), gap[2], strict=True)
            ],
            "city": [
                None if off else str(each)
                for each, off in zip(random.choice(cities, rows), gap[3], strict=True)
            ],
            "mass": [
                str(random.choice(["12 kg", "30 lb", "7.5", "1,200 g", "heavy", "3 s"])) for _ in range(rows)
            ],
            "unit": [str(random.choice(["°C", "F", "K", "cubit"])) for _ in range(rows)],
            "heat": random.normal(20, 3, rows).tolist(),
            "amount": [str(random.choice(["1", "2.5", "-3e2", "n/a", "nan", "4 "])) for _ in range(rows)],
            "on": [START.date() + timedelta(days=int(each)) for each in random.integers(0, 300, rows)],
            "at": [START + timedelta(minutes=int(each)) for each in random.integers(0, 90_000, rows)],
            "said": [
                str(random.choice(["31.05.2024", "2024-06-01", "soon", "01.02.2023"])) for _ in range(rows)
            ],
            "paid": [str(random.choice(["yes", "No", "1", "perhaps"])) for _ in range(rows)],
            "member": [bool(each) for each in random.integers(0, 2, rows)],
        }
    )


TABLE = table()
OPERATIONS: dict[str, list[dict[str, Any]]] = {
    "casts": [
        {"do": "cast", "columns": ["amount", "member", "visits"], "to": "number"},
        {"do": "cast", "columns": ["paid"], "to": "boolean"},
        {"do": "cast", "columns": ["at"], "to": "date"},
        {"do": "cast", "columns": ["on", "heat"], "to": "string"},
    ],
    "to integer": [{"do": "cast", "columns": ["amount", "height"], "to": "integer"}],
    "dates": [{"do": "dates", "columns": ["said"], "forms": ["%d.%m.%Y"], "to": "date"}],
    "times": [{"do": "dates", "columns": ["said", "on"], "forms": ["%d.%m.%Y"]}],
    "texts": [{"do": "text", "unicode": "NFKC", "case": "title", "accents": False, "missing": ["X"]}],
    "fold": [{"do": "text", "columns": ["city"], "case": "fold"}],
    "missing": [
        {"do": "missing", "columns": ["visits"], "values": [0, 3], "above": 5},
        {"do": "missing", "columns": ["weight", "height"], "below": 60, "above": 180.5},
        {"do": "missing", "columns": ["city", "unit"], "values": ["Bern", "kg", "lb"]},
        {"do": "missing", "columns": ["at"], "above": "2024-01-02T00:00:00Z"},
        {"do": "missing", "columns": ["on"], "values": ["2024-01-01"], "below": "1990-01-01"},
    ],
    "merge": [
        {"do": "text", "columns": ["city"], "case": "lower"},
        {"do": "merge", "columns": ["city"], "mapping": {"x": "genf"}, "rare": 0.15, "other": "rest"},
        {"do": "merge", "columns": ["unit"], "keep": 2},
        {"do": "merge", "columns": ["paid"], "mapping": {"No": "no"}},
    ],
    "units": [
        {"do": "units", "columns": ["mass"], "to": "kg", "unit": "lb"},
        {"do": "units", "columns": ["heat"], "to": "°C", "unit_column": "unit"},
        {"do": "units", "columns": ["height"], "to": "m", "unit": "cm"},
    ],
    "constant": [
        {"do": "impute", "columns": ["visits"], "by": "constant", "value": 0, "indicator": True},
        {"do": "impute", "columns": ["city"], "by": "constant", "value": "unknown"},
    ],
    "mean": [{"do": "impute", "by": "mean", "indicator": True}],
    "median": [{"do": "impute", "columns": ["visits", "height"]}],
    "mode": [{"do": "impute", "by": "mode"}],
    "knn": [{"do": "impute", "by": "knn", "indicator": True}],
    "knn by distance": [
        {"do": "impute", "by": "knn", "weights": "distance", "scale": False, "reference": 40, "neighbours": 3}
    ],
    "iterative": [{"do": "impute", "by": "iterative"}],
    "iterative ridge": [
        {
            "do": "impute",
            "columns": ["height"],
            "using": ["weight", "visits"],
            "by": "iterative",
            "estimator": "ridge",
        }
    ],
    "forward": [{"do": "impute", "by": "forward", "of": ["member", "unit"], "time": "at", "indicator": True}],
    "backward": [{"do": "impute", "columns": ["city", "visits"], "by": "backward"}],
    "interpolate": [{"do": "impute", "by": "interpolate", "time": "at"}],
    "iqr": [{"do": "outliers", "columns": ["weight", "visits"]}],
    "quantile": [{"do": "outliers", "columns": ["weight"], "by": "quantile", "action": "null", "low": 0.05}],
    "flags": [{"do": "outliers", "columns": ["weight", "visits"], "action": "flag", "factor": 1.0}],
    "dropping": [
        {"do": "outliers", "columns": ["weight"], "action": "drop"},
        {"do": "duplicates", "key": ["city"], "keep": "newest", "time": "at"},
    ],
    "forest": [
        {
            "do": "outliers",
            "columns": ["weight", "heat"],
            "by": "isolation_forest",
            "action": "flag",
            "trees": 20,
        },
    ],
    "forest nulls": [
        {
            "do": "outliers",
            "columns": ["weight", "visits"],
            "by": "isolation_forest",
            "action": "null",
            "contamination": 0.1,
            "trees": 10,
        },
    ],
    "derived": [
        {"do": "derive", "column": "bmi", "formula": "weight / (height / 100) ** 2"},
        {
            "do": "derive",
            "column": "age",
            "formula": "days(at, on) if month(on) < 6 else coalesce(visits, 0) + log(visits)",
        },
        {"do": "derive", "column": "big", "formula": "bmi > 30 and not member or city in ('Bern', 'Genf')"},
        {"do": "derive", "column": "where", "formula": "upper(trim(city)) + '/' + unit"},
        {"do": "rename", "columns": {"big": "large", "height": "size"}},
        {"do": "drop", "columns": ["weight"]},
    ],
}


def same(fitted: FittedCleaning, frame: pl.DataFrame) -> None:
    whole = json_rows(fitted.apply(frame, rows="keep").frame)
    raw = json_rows(frame)
    for given_row, expected in zip(raw, whole, strict=True):
        found = fitted.apply_row(given_row)
        plain = {
            name: value.isoformat() if isinstance(value, date) else value for name, value in found.items()
        }
        assert plain == expected


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_row_is_cleaned_as_the_frame_is(name: str) -> None:
    fitted = fit(OPERATIONS[name], TABLE)
    same(decoded(fitted.encoded()), table(60, seed=11))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_row_is_cleaned_as_a_frame_of_it_is(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(OPERATIONS)))
    number = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 1e300, 5e-324])
    word = (
        st.none()
        | st.text(max_size=12)
        | st.sampled_from(["12 kg", "4 oz.", "1e3", "yes", "2024-05-31", "bern"])
    )
    drawn = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    each: word
                    if dtype == pl.String
                    else number
                    if dtype == pl.Float64
                    else st.none() | st.integers(-(2**53), 2**53)
                    if dtype == pl.Int64
                    else st.none() | st.booleans()
                    if dtype == pl.Boolean
                    else st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1))
                    if dtype == pl.Date
                    else st.none()
                    | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
                    for each, dtype in TABLE.schema.items()
                }
            ),
            min_size=1,
            max_size=4,
        )
    )
    same(FITTED[name], pl.DataFrame(drawn, schema=TABLE.schema))


FITTED = {name: fit(operations, TABLE) for name, operations in OPERATIONS.items()}


def test_only_what_a_model_needs_is_kept() -> None:
    fitted = fit([*OPERATIONS["texts"], *OPERATIONS["mean"], *OPERATIONS["derived"]], TABLE)
    small = fitted.only_for(["bmi"])

    assert {each.name for each in small.columns} == {"weight", "height"}
    assert [type(each.operation).__name__ for each in small.steps] == ["Impute", "Derive"]
    row = {"weight": 80.0, "height": None}
    whole = fitted.apply_row({**json_rows(TABLE.head(1))[0], **row})
    assert small.apply_row(row)["bmi"] == whole["bmi"]


def test_renamed_and_flagged_columns_are_traced_back() -> None:
    fitted = fit(
        [{"do": "rename", "columns": {"visits": "n"}}, {"do": "impute", "columns": ["n"], "indicator": True}],
        TABLE,
    )
    small = fitted.only_for(["n_missing"])

    assert [each.name for each in small.columns] == ["visits"]
    assert small.apply_row({"visits": None})["n_missing"] is True


def test_a_value_of_the_wrong_type_is_named() -> None:
    with pytest.raises(Invalid, match="'weight' has a value of the wrong type") as caught:
        FITTED["mean"].apply_row({"weight": "80"})
    assert caught.value.subject == "column:weight"


def test_what_must_be_read_is_refused() -> None:
    fitted = fit(
        [{"do": "cast", "columns": ["amount"], "to": "number", "on_error": "fail"}],
        pl.DataFrame({"amount": ["1", "2"]}),
    )
    with pytest.raises(Invalid, match="cannot be read"):
        fitted.apply_row({"amount": "many"})
    with pytest.raises(Invalid, match="in row 1"):
        fitted.apply(pl.DataFrame({"amount": ["1", "many"]}))


def test_the_row_path_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "import fettle.data.clean.fitted\n"
        "print([each for each in ('polars', 'sklearn', 'numpy', 'pyarrow', 'sqlalchemy') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
