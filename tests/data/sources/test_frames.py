"""Tables of other libraries come in with their types."""

from datetime import UTC, datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fettle.core.errors import Invalid
from fettle.data import ingest

FRAME = pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, None]})


class Streams:
    """A table of a library that only speaks the Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema=None):
        return FRAME.to_arrow().__arrow_c_stream__(requested_schema)


class Interchanges:
    """A table of a library that only speaks the interchange protocol."""

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True):
        return FRAME.to_arrow().__dataframe__(nan_as_null, allow_copy)


@pytest.mark.parametrize(
    "table",
    [FRAME, FRAME.lazy(), FRAME.to_arrow(), Streams(), Interchanges()],
    ids=lambda each: type(each).__name__,
)
def test_a_table_of_any_library_comes_in(table):
    found = ingest.read(table)

    assert found.frame.equals(FRAME)
    assert found.source.kind == "frame"


def test_pandas_keeps_its_named_index_and_tells_of_one_without_a_name():
    named = pd.DataFrame({"v": [1.0, 2.0]}, index=pd.Index(["x", "y"], name="id"))
    nameless = pd.DataFrame({"v": [1, 2]}, index=[5, 7])
    times = pd.DataFrame({"at": pd.to_datetime(["2024-05-01T12:00:00Z"]), "c": pd.Categorical(["x"])})

    assert ingest.read(named).frame.rows() == [("x", 1.0), ("y", 2.0)]
    assert "index has no name" in ingest.read(nameless).notes[0]
    assert ingest.read(nameless).frame.columns == ["v"]
    assert ingest.read(times).frame.rows() == [(datetime(2024, 5, 1, 12, tzinfo=UTC), "x")]
    assert ingest.read(pd.Series([1, 2], name="v")).frame.columns == ["v"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pl.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame({"a": [object()]}), "cannot be used"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are called 'a'"),
        (pa.table({"a": [b"\xff"]}), "'a' cannot be used"),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused(table, said):
    with pytest.raises(Invalid) as caught:
        ingest.read(table)

    assert said in str(caught.value)
