"""A table is taken and refused as its rows are, in the same words, and gives the same inputs to the bit."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fettle.core.canonical import encode
from fettle.core.errors import FettleError, Invalid
from fettle.data.clean.fitted import FittedCleaning
from fettle.data.clean.fitting import fit
from fettle.packaging.bundle import Bundle, listing
from fettle.packaging.columns import FEW, Columns, table
from fettle.packaging.moments import column_parts, listed_parts, moment_parts
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import CLEANING_FILE, EXAMPLES_FILE, MODEL_FILE, SCHEMA_FILE, Manifest, Schema
from fettle.training.records import Feature, MomentPart, Role

PARTS: tuple[MomentPart, ...] = ("year", "month", "day", "weekday", "hour")
EAST = timezone(timedelta(hours=5, minutes=30))
NAMES = ("x", "Größe", "seen at", "a:b", "tail")
TWICE = 2**60 + 2**36 + 1
"""Another 32-bit number when it is rounded to 64 bits before, as Python's numbers are."""
FITTING: dict[Role, tuple[str, ...]] = {
    "number": ("float", "single", "int", "small", "unsigned", "void"),
    "boolean": ("flag", "bit", "void"),
    "category": ("text", "level", "void"),
    "moment": ("date", "time", "zoned", "nanos", "iso", "void"),
}
NUMBER = st.one_of(
    st.floats(), st.floats(width=32), st.just(1e300), st.sampled_from([0.0, -0.0, 1.0, 3.4028235677973366e38])
)
TIME = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
RECENT = st.datetimes(datetime(1678, 1, 1), datetime(2261, 1, 1))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "float": NUMBER,
    "single": st.floats(width=32),
    "int": st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, TWICE])),
    "small": st.integers(-128, 127),
    "unsigned": st.integers(0, 2**64 - 1),
    "flag": st.booleans(),
    "bit": st.sampled_from([0, 1]),
    "text": st.one_of(st.sampled_from(["a", "b", ""]), st.text(max_size=4)),
    "level": st.sampled_from(["a", "b", "never seen"]),
    "date": st.dates(date(1, 1, 2), date(9999, 12, 30)),
    "time": TIME,
    "nanos": RECENT,
    "zoned": RECENT.map(lambda each: each.replace(tzinfo=UTC)),
    "iso": st.one_of(TIME.map(str), RECENT.map(lambda each: each.replace(tzinfo=EAST).isoformat())),
    "void": st.none(),
}
WRONG = st.one_of(*VALUES.values(), st.sampled_from([10**400, -(10**400), b"x", (1,), np.float64(2.5)]))
POLARS: dict[str, Any] = {
    "float": pl.Float64, "single": pl.Float32, "int": pl.Int64, "small": pl.Int8, "unsigned": pl.UInt64,
    "flag": pl.Boolean, "bit": pl.Int32, "text": pl.String, "level": pl.Categorical, "date": pl.Date,
    "time": pl.Datetime("us"), "nanos": pl.Datetime("ns"), "zoned": pl.Datetime("ms", "Asia/Kolkata"),
    "iso": pl.String, "void": pl.Null, "mixed": pl.Object,
}  # fmt: skip
ARROW: dict[str, Any] = {
    "float": pa.float64(), "single": pa.float32(), "int": pa.int64(), "small": pa.int8(), "unsigned": pa.uint64(),
    "flag": pa.bool_(), "bit": pa.int32(), "text": pa.large_string(), "level": pa.dictionary(pa.int32(), pa.string()),
    "date": pa.date32(), "time": pa.timestamp("us"), "nanos": pa.timestamp("ns"),
    "zoned": pa.timestamp("ms", "Asia/Kolkata"), "iso": pa.string(), "void": pa.null(),
}  # fmt: skip
PANDAS = {
    "float": "float64", "single": "float32", "int": "Int64", "small": "Int8", "unsigned": "UInt64",
    "flag": "boolean", "bit": "Int32", "text": "str", "level": "category", "date": "object",
    "time": "datetime64[us]", "nanos": "datetime64[ns]", "zoned": "datetime64[us, Asia/Kolkata]", "iso": "object",
    "void": "object", "mixed": "object",
}  # fmt: skip


def passing(columns: tuple[Feature, ...], cleaning: FittedCleaning | None = None) -> Predictor:
    """A model that answers with its first number, or with zero: only its inputs matter."""
    inputs = [(name, each.role) for each in columns for name in each.inputs]
    kinds = {name: TensorProto.STRING if role == "category" else TensorProto.FLOAT for name, role in inputs}
    values = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    first = next((name for name, kind in kinds.items() if kind == TensorProto.FLOAT), None)
    node = (
        helper.make_node("Identity", [first], ["prediction"])
        if first
        else helper.make_node("Constant", [], ["prediction"], value_floats=[0.0])
    )
    told = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, None)
    graph = helper.make_model(
        helper.make_graph([node], "passing", values, [told]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    files = {
        MODEL_FILE: graph.SerializeToString(),
        SCHEMA_FILE: encode(Schema("regression", "y", columns)),
        EXAMPLES_FILE: encode([]),
        **({CLEANING_FILE: cleaning.encoded()} if cleaning else {}),
    }
    return Predictor(Bundle(Manifest("regression", "y", "passing", {}, 1, listing(files)), files))


@st.composite
def features(draw: st.DrawFn) -> tuple[Feature, ...]:
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        role = draw(st.sampled_from(list(FITTING)))
        made.append(
            Feature(
                name,
                role,
                nullable=draw(st.booleans()),
                levels=("a", "b") if role == "category" else (),
                parts=PARTS if role == "moment" else (),
            )
        )
    return tuple(made)


@st.composite
def tables(
    draw: st.DrawFn, kinds: tuple[str, ...], *, gaps: bool = True
) -> tuple[Predictor, dict[str, tuple[str, list[Any]]]]:
    """A model, and for each column the kind of its values and the values; a few do not fit or are not there."""
    schema = draw(features())
    height = draw(st.integers(1, 6))
    made: dict[str, tuple[str, list[Any]]] = {}
    for each in schema:
        fit = [kind for kind in FITTING[each.role] if kind in kinds]
        kind = draw(st.sampled_from(fit if draw(st.integers(0, 9)) else kinds))
        one = WRONG if kind == "mixed" else VALUES[kind]
        values = draw(
            st.lists(st.one_of(one, one, st.none()) if gaps else one, min_size=height, max_size=height)
        )
        fate = draw(st.integers(0, 19))
        if fate:
            made[each.name.upper() if fate == 1 else each.name] = (kind, values)
    made["other"] = ("int", list(range(height)))
    return passing(schema), made


def outcome(predictor: Predictor, rows: Any) -> Any:
    """The inputs as bytes and the answers, or the refusal's words."""
    try:
        feeds = predictor.feeds(rows)
    except Invalid as error:
        return type(error), error.message, error.found, error.hint, error.subject
    told = {name: each.tolist() if each.dtype == object else each.tobytes() for name, each in feeds.items()}
    assert all(each.flags.c_contiguous and each.ndim == 2 for each in feeds.values())
    try:
        return told, {name: each.dtype for name, each in feeds.items()}, predictor.outputs(rows).tobytes()
    except FettleError as error:
        return told, error.message, error.found


def same(predictor: Predictor, frame: Any, rows: list[dict[str, Any]]) -> None:
    columns = table(frame, predictor.columns)
    assert isinstance(columns, Columns) and len(columns) == len(rows)
    assert outcome(predictor, columns) == outcome(predictor, rows)


def pandas_rows(frame: pd.DataFrame) -> Any:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


many = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@many
@given(tables(tuple(POLARS)))
def test_polars_as_its_rows(made: tuple[Predictor, dict[str, tuple[str, list[Any]]]]) -> None:
    predictor, columns = made
    frame = pl.DataFrame(
        [
            pl.Series(name, values, dtype=POLARS[kind], strict=False)
            for name, (kind, values) in columns.items()
        ]
    )
    same(predictor, frame, frame.to_dicts())


@many
@given(tables(tuple(ARROW)))
def test_arrow_as_its_rows(made: tuple[Predictor, dict[str, tuple[str, list[Any]]]]) -> None:
    predictor, columns = made
    frame = pa.table({name: pa.array(values, ARROW[kind]) for name, (kind, values) in columns.items()})
    same(predictor, frame, frame.to_pylist())
    same(predictor, pa.concat_tables([frame, frame]), frame.to_pylist() * 2)


@many
@given(tables(tuple(PANDAS)))
def test_pandas_as_its_rows(made: tuple[Predictor, dict[str, tuple[str, list[Any]]]]) -> None:
    predictor, columns = made
    frame = pd.DataFrame(
        {name: pd.Series(values, dtype=PANDAS[kind]) for name, (kind, values) in columns.items()}
    )
    same(predictor, frame, pandas_rows(frame))
    same(predictor, frame.set_axis(range(7, 7 + len(frame))), pandas_rows(frame))


@many
@given(tables(("mixed", *VALUES)), st.booleans())
def test_lists_as_their_rows(
    made: tuple[Predictor, dict[str, tuple[str, list[Any]]]], as_tuples: bool
) -> None:
    predictor, columns = made
    plain = {name: values for name, (_, values) in columns.items()}
    rows = [dict(zip(plain, each, strict=True)) for each in zip(*plain.values(), strict=True)]
    same(predictor, {name: tuple(each) for name, each in plain.items()} if as_tuples else plain, rows)


@many
@given(tables(("float", "single", "int", "small", "unsigned", "flag", "bit", "text", "time"), gaps=False))
def test_arrays_with_fields_as_their_rows(
    made: tuple[Predictor, dict[str, tuple[str, list[Any]]]],
) -> None:
    predictor, columns = made
    types = {
        "float": "f8", "single": ">f4", "int": "i8", "small": "i1", "unsigned": "u8", "flag": "?", "bit": "i4",
        "text": "U4", "time": "M8[us]",
    }  # fmt: skip
    values = list(zip(*(values for _, values in columns.values()), strict=True))
    frame = np.array(values, dtype=[(name, types[kind]) for name, (kind, _) in columns.items()])
    rows = [dict(zip(frame.dtype.names or (), each, strict=True)) for each in frame.tolist()]
    same(predictor, frame, rows)
    same(predictor, {name: frame[name] for name in columns}, rows)


@many
@given(features(), st.lists(st.lists(NUMBER, min_size=5, max_size=5), min_size=1, max_size=5))
def test_an_array_has_the_models_columns(schema: tuple[Feature, ...], values: list[list[float]]) -> None:
    predictor = passing(schema)
    array = np.array(values)[:, : len(schema)]
    same(predictor, array, [dict(zip(predictor.columns, each, strict=True)) for each in array.tolist()])


@given(st.lists(st.one_of(st.none(), TIME), min_size=1, max_size=40), st.sampled_from(["us", "ms", "s", "m"]))
def test_the_parts_of_a_column_are_those_of_its_times(moments: list[datetime | None], unit: str) -> None:
    one = np.array([moment_parts(each, PARTS) for each in moments], dtype=np.float32).T
    assert one.tobytes() == listed_parts(moments, PARTS).tobytes()
    assert (
        one.tobytes()
        == column_parts(np.array(moments, dtype="M8[us]").astype(f"M8[{unit}]"), PARTS).tobytes()
    )


ROW: dict[str, Any] = {"x": 1.5, "Größe": "M", "seen at": datetime(2024, 5, 31, 12), "tail": True}
MODEL = passing(
    (
        Feature("x", "number"),
        Feature("Größe", "category", levels=("M",)),
        Feature("seen at", "moment", parts=PARTS),
        Feature("tail", "boolean", nullable=True),
    )
)
KINDS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "polars": pl.DataFrame,
    "lazy": pl.LazyFrame,
    "pandas": pd.DataFrame,
    "extension": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "arrow backed": lambda rows: pa.Table.from_pylist(rows).to_pandas(types_mapper=pd.ArrowDtype),
    "arrow": pa.Table.from_pylist,
    "batch": pa.RecordBatch.from_pylist,
    "lists": lambda rows: {name: [each[name] for each in rows] for name in rows[0]},
    "series": lambda rows: {name: pl.Series([each[name] for each in rows]) for name in rows[0]},
    "arrays": lambda rows: {name: np.array([each[name] for each in rows]) for name in rows[0]},
    "rows": tuple,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("height", [1, FEW, FEW + 1, 1500])
def test_tables_of_any_height_are_answered_as_rows(kind: str, height: int) -> None:
    rows = [{**ROW, "x": float(each)} for each in range(height)]
    assert MODEL.predict(KINDS[kind](rows)) == MODEL.predict(rows)
    assert gc.isenabled()
    told = MODEL.outputs(KINDS[kind](rows))
    assert told.tobytes() == MODEL.outputs(rows).tobytes()


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"rows"}))
def test_the_first_wrong_value_of_a_long_table_is_named(kind: str) -> None:
    rows = [
        {**ROW, "Größe": "M" if kind == "arrays" else None, "tail": each} for each in (0, 1, 1, 0, 7, 9) * 30
    ]
    with pytest.raises(Invalid, match="Row 4 has a value of the wrong type in column 'tail'"):
        MODEL.predict(KINDS[kind](rows))
    lacking = KINDS[kind]([{"Tail": 1, "x": None, **{name: ROW[name] for name in ("Größe", "seen at")}}] * 99)
    with pytest.raises(Invalid, match="Row 0 has no column 'tail'"):
        MODEL.predict(lacking if kind != "arrays" else {**lacking, "x": np.zeros(99)})


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"rows"}))
def test_whole_numbers_are_rounded_as_those_of_rows(kind: str) -> None:
    rows = [{**ROW, "x": TWICE}] * (FEW + 1)
    assert MODEL.outputs(KINDS[kind](rows)).tolist() == MODEL.outputs(rows).tolist()
    assert np.float32(float(TWICE)) != np.array([TWICE]).astype(np.float32)[0]


def test_what_is_empty_has_no_answers() -> None:
    for each in (pl.DataFrame(), pd.DataFrame(), pa.table({"x": pa.array([], pa.float64())}), {"x": []}, ()):
        assert MODEL.predict(each) == []


def test_times_beyond_the_calendar_are_refused_by_name() -> None:
    far = pl.Series([ROW["seen at"].timestamp() * 1e6, 20_000 * 365 * 86_400 * 10**6], dtype=pl.Float64)
    frame = pl.DataFrame({**{name: [ROW[name]] * 2 for name in ROW}, "seen at": far.cast(pl.Int64)})
    with pytest.raises(Invalid, match="Row 1 has a value of the wrong type in column 'seen at'"):
        MODEL.feeds(table(frame.with_columns(pl.col("seen at").cast(pl.Datetime("us"))), MODEL.columns))


def test_rows_of_pandas_may_lack_a_time() -> None:
    assert MODEL.predict([{**ROW, "seen at": pd.NaT}]) == MODEL.predict([{**ROW, "seen at": None}])


@pytest.mark.parametrize("height", [3, 3 * FEW])
def test_tables_are_cleaned_as_rows_are(height: int) -> None:
    known = pl.DataFrame({"age": [20.0, None, 40.0], "city": ["Bern ", "Chur", None]})
    cleaning = fit([{"do": "text"}, {"do": "impute", "columns": ["age"], "by": "mean"}], known)
    model = passing((Feature("age", "number"), Feature("city", "category", nullable=True)), cleaning)
    rows = known.to_dicts() * (height // 3)
    frame = pl.DataFrame(rows)
    expected = model.feeds(rows)
    assert expected["age"][:3, 0].tolist() == [20, 30, 40] and expected["city"][0, 0] == "Bern"
    for each in (frame, frame.to_pandas(), frame.to_arrow(), frame.to_dict(as_series=False)):
        assert all((model.feeds(each)[name] == expected[name]).all() for name in expected)
