"""Points, chunks and summaries against a plain list, on both databases."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
import zstandard

from fettle.storage import Database, open_database
from fettle.tracking import curves
from fettle.tracking import store as tracking
from fettle.tracking.chunks import Points
from fettle.tracking.layout import pieces
from fettle.tracking.points import add, microseconds, moment
from fettle.tracking.store import metrics as store

Rows = list[tuple[int, int, float]]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/fettle.db" if sqlite else request.getfixturevalue("fresh_postgres_url")
    opened = open_database(url)
    opened.migrate("tracking", tracking.MIGRATIONS)
    yield opened
    opened.close()


def columns(rows: Rows) -> Points:
    steps, at_us, values = zip(*rows, strict=True)
    return Points(np.array(steps, "<i8"), np.array(at_us, "<i8"), np.array(values, "<f8"))


def rows_of(points: Points | None) -> Rows:
    assert points is not None
    return list(zip(points.steps.tolist(), points.at_us.tolist(), points.values.tolist(), strict=True))


def some_rows(chance: random.Random, begin: int, count: int) -> Rows:
    values = [chance.choice([chance.random(), 0.5, math.inf, -math.inf, 1e300]) for _ in range(count)]
    return [
        (begin + n - chance.randrange(3), chance.randrange(10**15), value) for n, value in enumerate(values)
    ]


def test_appends_of_any_size_add_up_to_the_series(database: Database) -> None:
    chance = random.Random(3)
    logged: dict[str, Rows] = {"a": [], "b": [], "c": []}
    for size in (1, 1, 2, 300, 40, 4000, 1, 70_000, 5, 255, 1, 61_000):
        batch = {key: some_rows(chance, len(logged[key]), size if key != "c" else 1) for key in logged}
        with database.write() as tx:
            assert add(tx, "r", {key: columns(each) for key, each in batch.items()}) == 2 * size + 1
        for key, rows in batch.items():
            logged[key] += rows
    with database.read() as tx:
        for key, rows in logged.items():
            ordered = sorted(rows, key=lambda each: (each[0], each[1]))
            assert [each[:2] for each in rows_of(curves.history(tx, "r", key))] == [
                each[:2] for each in ordered
            ]
            assert sorted(rows_of(curves.history(tx, "r", key))) == sorted(rows)
            assert sorted(store.chunk_sizes(tx, "r", key).items()) == list(pieces(0, len(rows)))
            within = [each for each in ordered if 1000 <= each[0] <= 66_000]
            assert sorted(rows_of(curves.history(tx, "r", key, 1000, 66_000))) == sorted(within)
        outlined = {row["first"] for row in store.outlines_of(tx, "r", "a")}
        assert outlined == {first for first, count in pieces(0, len(logged["a"])) if count >= 4096}
        for key, found in store.find_metrics(tx, "r").items():
            finite = [value for _, _, value in logged[key] if math.isfinite(value)]
            last = max(logged[key], key=lambda each: (each[0], each[1], each[2]))
            assert (found.count, found.finite) == (len(logged[key]), len(finite))
            assert (found.low, found.high) == (min(finite, default=None), max(finite, default=None))
            assert found.total == pytest.approx(math.fsum(finite), rel=1e-15)
            assert found.first_step == min(step for step, _, _ in logged[key])
            assert (found.step, microseconds(found.at), float(found.last)) == last


def test_infinities_are_sorted_where_they_belong_and_nan_nowhere(database: Database) -> None:
    with database.write() as tx:
        for key, value in {"up": math.inf, "down": -math.inf, "none": math.nan, "one": 1.0}.items():
            add(tx, "r", {key: columns([(0, 0, value)])})
        query = sa.select(store.metrics.c.key, store.metrics.c.not_finite).order_by(
            store.metrics.c.last.nulls_last()
        )
        found = [tuple(row) for row in tx.execute(query)]
    assert found == [("down", "-Infinity"), ("one", None), ("up", "Infinity"), ("none", "NaN")]


def test_a_sum_beyond_the_greatest_float_is_infinite(database: Database) -> None:
    with database.write() as tx:
        add(tx, "r", {"m": columns([(0, 0, 1.7e308), (1, 1, 1.7e308)])})
        assert store.find_metrics(tx, "r")["m"].mean == math.inf


def first_format(rows: Rows) -> bytes:
    """A chunk as the first version wrote it."""
    before = (0, 0)
    parts: list[list[int]] = [[], [], []]
    for step, at_us, value in rows:
        parts[0].append(step - before[0])
        parts[1].append(at_us - before[1])
        parts[2].append(struct.unpack("<q", struct.pack("<d", value))[0])
        before = (step, at_us)
    planes = b"".join(np.array(each, "<i8").view(np.uint8).reshape(-1, 8).T.tobytes() for each in parts)
    return struct.pack("<BI", 1, len(rows)) + zstandard.compress(planes, 3)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_series_of_the_first_version_are_summed_up_and_grow(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = backend == "sqlite"
    url = f"sqlite:///{tmp_path}/old.db" if sqlite else request.getfixturevalue("fresh_postgres_url")
    old = open_database(url)
    rows: Rows = [(step + 7, step * 10, step / 4) for step in range(5000)]
    with old.write() as tx:
        tx.execute(
            sa.text(
                "CREATE TABLE tracking_metrics (run TEXT, key TEXT, last DOUBLE PRECISION, not_finite TEXT, step BIGINT"
                ", at BIGINT, low DOUBLE PRECISION, high DOUBLE PRECISION, count BIGINT, PRIMARY KEY (run, key))"
            )
        )
        tx.execute(sa.text("CREATE INDEX tracking_metrics_last ON tracking_metrics (key, last)"))
        tx.create(store.chunks)
        tx.execute(
            sa.text(
                "INSERT INTO tracking_metrics VALUES ('r', 'm', 1249.75, NULL, 5006, 49990, 0, 1249.75, 5000)"
            )
        )
        for first in (0, 4096):
            part = rows[first : first + 4096]
            values = {"run": "r", "key": "m", "first": first, "count": len(part), "data": first_format(part)}
            tx.execute(store.chunks.insert().values(**values))
        store.m003_columns(tx)
        assert rows_of(curves.history(tx, "r", "m")) == rows
        more: Rows = [(step + 7, step * 10, 0.0) for step in range(5000, 5003)]
        add(tx, "r", {"m": columns(more)})
        assert rows_of(curves.history(tx, "r", "m")) == rows + more
        found = store.find_metrics(tx, "r")["m"]
        assert (found.count, found.finite, found.first_step) == (5003, 5003, 7)
        assert found.mean == math.fsum(value for _, _, value in rows) / 5003
        assert list(store.chunk_sizes(tx, "r", "m").items()) == list(pieces(0, 5003))
    old.close()


def test_times_are_exact_to_the_microsecond() -> None:
    at = datetime(2026, 1, 1, 12, 0, 0, 123457, tzinfo=UTC)
    assert moment(microseconds(at)) == at
    assert microseconds(at + timedelta(microseconds=1)) == microseconds(at) + 1
