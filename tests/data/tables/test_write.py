"""Writing Parquet: right, the same bytes for the same rows, few new bytes for a small change."""

import io
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from pyfastcdc import FastCDC

from fettle.core.errors import Invalid, NotFound
from fettle.data.tables import cuts
from fettle.data.tables.write import Written, part_path, store_table, write_table

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def table(rows: int) -> pl.DataFrame:
    noise = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "x": noise.normal(size=rows),
            "y": noise.normal(size=rows).round(1),
            "n": noise.integers(0, 10**6, rows),
            "s": [f"v{each % 997}" for each in range(rows)],
            "t": [f"text {each}" for each in range(rows)],
            "b": noise.random(rows) > 0.5,
            "d": [date(2024, 1, 1) + timedelta(days=each % 500) for each in range(rows)],
            "at": [MOMENT + timedelta(seconds=each) for each in range(rows)],
        }
    )


def read(written: list[Written]) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(io.BytesIO(each.data)) for each in written])


values = {
    "i": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "f": st.floats(allow_nan=False) | st.none(),
    "s": st.text(max_size=10) | st.none(),
    "b": st.booleans() | st.none(),
    "d": st.dates() | st.none(),
    "at": st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
    | st.none(),
}
SCHEMA = {
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "b": pl.Boolean,
    "d": pl.Date,
    "at": pl.Datetime("us", "UTC"),
}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries(values), max_size=30))
def test_what_is_written_is_read_back(rows: list[dict]):
    frame = pl.DataFrame(rows, schema=SCHEMA)
    written = list(write_table(frame))
    assert len(written) == bool(rows)
    if rows:
        assert read(written).equals(frame)
        assert pl.from_arrow(pq.read_table(pa.BufferReader(written[0].data))).equals(frame)


def test_the_same_rows_give_the_same_bytes_however_they_come():
    frame = table(70_000)
    first = [bytes(each.data) for each in write_table(frame)]
    assert [bytes(each.data) for each in write_table(frame.lazy())] == first
    assert [bytes(each.data) for each in write_table(frame.iter_slices(999))] == first


def test_row_groups_have_the_digest_of_their_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuts, "PIECE_ROWS", 4096)
    frame = table(50_000)
    written = list(write_table(frame))

    assert len(written) > 2
    assert read(written).equals(frame)
    for each in written:
        facts = pq.read_metadata(pa.BufferReader(each.data))
        assert [facts.row_group(place).num_rows for place in range(facts.num_row_groups)] == [
            group.rows for group in each.groups
        ]
        assert sum(group.rows for group in each.groups) == each.rows == facts.num_rows
        start = 4  # the magic number
        for place, group in enumerate(each.groups):
            size = sum(facts.row_group(place).column(at).total_compressed_size for at in range(frame.width))
            assert group.digest == blake3(each.data[start : start + size]).hexdigest()
            start += size


def test_after_an_insertion_the_other_files_keep_their_digests(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuts, "PIECE_ROWS", 4096)
    frame = table(100_000)
    more = pl.concat([frame[:30_000], frame[:50].with_columns(pl.col("id") + 10**6), frame[30_000:]])
    old, new = list(write_table(frame, key=["id"])), list(write_table(more, key=["id"]))

    digests = [{group.digest for each in side for group in each.groups} for side in (old, new)]
    assert len(digests[0] - digests[1]) == len(digests[1] - digests[0]) == 1
    assert len(digests[0]) > 15
    assert len({bytes(each.data) for each in old} - {bytes(each.data) for each in new}) == 1


def test_statistics_let_readers_skip_row_groups():
    facts = pq.read_metadata(pa.BufferReader(next(write_table(table(2000))).data)).row_group(0)
    assert (facts.column(0).statistics.min, facts.column(0).statistics.max) == (0, 1999)
    assert facts.column(0).compression == "ZSTD"


def test_an_insertion_stores_a_fifth_of_what_ordinary_pages_would():
    frame = table(400_000)
    more = pl.concat([frame[:200_000], frame[:2000].with_columns(pl.col("id") + 10**6), frame[200_000:]])

    def ordinary(rows: pl.DataFrame) -> list[memoryview]:
        sink = pa.BufferOutputStream()
        pq.write_table(rows.to_arrow(), sink, compression="zstd", row_group_size=cuts.PIECE_ROWS)
        return [memoryview(sink.getvalue()).cast("B")]

    ours = new_bytes([each.data for each in write_table(frame)], [each.data for each in write_table(more)])
    theirs = new_bytes(ordinary(frame), ordinary(more))
    assert ours * 5 < theirs


def new_bytes(old: list[memoryview], new: list[memoryview]) -> int:
    """What a store of chunks of about 64 KiB keeps of `new` when it has `old`."""
    chunker = FastCDC(avg_size=1 << 16, min_size=1 << 14, max_size=1 << 17)
    known = {blake3(chunk.data).digest() for data in old for chunk in chunker.cut_buf(data)}
    fresh = {blake3(chunk.data).digest(): len(chunk.data) for data in new for chunk in chunker.cut_buf(data)}
    return sum(size for digest, size in fresh.items() if digest not in known)


def test_other_types_and_batches_that_differ_are_refused():
    with pytest.raises(Invalid, match="Int32"):
        list(write_table(pl.DataFrame({"a": [1]}, schema={"a": pl.Int32})))
    with pytest.raises(Invalid, match="different columns"):
        list(write_table([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": ["x"]})]))
    with pytest.raises(NotFound, match="'ID'"):
        list(write_table(pl.DataFrame({"id": [1]}), key=["ID"]))


def test_parts_are_kept_in_order_under_names_that_sort():
    kept: dict[str, bytes] = {}

    def put_bytes(data: bytes) -> SimpleNamespace:
        digest = blake3(data).hexdigest()
        kept[digest] = data
        return SimpleNamespace(digest=digest, size_bytes=len(data))

    parts = store_table(SimpleNamespace(put_bytes=put_bytes), table(100), first=7)
    assert [each.path for each in parts] == ["table/000007.parquet"] == [part_path("table", 7)]
    assert parts[0].rows == 100
    assert kept[parts[0].digest][:4] == b"PAR1"
    assert parts[0].size_bytes == len(kept[parts[0].digest])
