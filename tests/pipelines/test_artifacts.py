from __future__ import annotations

import dataclasses
import enum
import math
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.pipelines import artifacts


class Colour(enum.Enum):
    RED = "red"


class Report(msgspec.Struct, frozen=True):
    name: str
    values: dict[str, float]
    at: datetime
    pair: tuple[int, int] = (1, 2)


@dataclasses.dataclass
class Split:
    train: pl.DataFrame
    share: float


class Fitted:
    def __init__(self) -> None:
        self.weight = 3


class Store:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def keep(self, content: bytes | Path) -> str:
        data = content if isinstance(content, bytes) else content.read_bytes()
        self.objects[ids.digest(data)] = data
        return ids.digest(data)

    def fetch(self, digest: str, path: Path) -> None:
        path.write_bytes(self.objects[digest])

    def back(self, value: Any) -> tuple[Any, artifacts.Node]:
        """Freeze, send through JSON as the journal does, and thaw."""
        node = artifacts.freeze(value, self.keep)
        read = msgspec.json.decode(msgspec.json.encode(node))
        assert artifacts.node_digest(read) == artifacts.node_digest(node) == artifacts.digest_of(value)
        return artifacts.Thaw(self.objects.__getitem__, self.fetch).value(read), read


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(st.integers(), max_size=4)
    ),
    max_leaves=12,
)


@given(plain)
def test_plain_data_comes_back_the_same_down_to_its_types(value: Any) -> None:
    back, _ = Store().back(value)
    assert artifacts.same(back, value)


@pytest.mark.parametrize(
    "value",
    [
        Report("r", {"a": math.nan}, datetime(1996, 5, 7, tzinfo=UTC)),
        Colour.RED,
        date(1996, 5, 7),
        timedelta(hours=3),
        Decimal("1.10"),
        [Report("r", {}, datetime(1996, 5, 7, tzinfo=UTC), (3, 4)), (1, "two")],
        {"nested": ({"deep": {1, 2}}, None)},
        "x" * 10_000,
        Path("no/such/file"),
    ],
)
def test_records_and_containers_come_back(value: Any) -> None:
    back, node = Store().back(value)
    assert artifacts.same(back, value)
    assert not artifacts.is_pickled(node)


def test_frames_and_arrays_come_back() -> None:
    frame = pl.DataFrame(
        {
            "n": [1, None, 3],
            "t": ["a", "b", None],
            "at": [datetime(1996, 5, 7), None, None],
            "c": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
            "l": [[1.0], [], None],
        }
    )
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    value = (frame, frame["n"], array, np.float64(0.1), Split(frame, 0.5))
    back, node = Store().back(value)
    assert back[0].equals(frame)
    assert back[0].schema == frame.schema
    assert back[1].equals(frame["n"])
    assert back[1].name == "n"
    assert back[2].dtype == np.float32
    assert np.array_equal(back[2], array)
    assert type(back[3]) is np.float64
    assert back[4].train.equals(frame)
    assert not artifacts.is_pickled(node)


def test_a_path_is_kept_by_content_and_put_back(tmp_path: Path) -> None:
    store, path, folder = Store(), tmp_path / "model.bin", tmp_path / "out"
    path.write_bytes(b"weights")
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    frozen = artifacts.freeze([path, folder], store.keep)
    path.write_bytes(b"changed")
    (folder / "sub" / "a.txt").unlink()
    back = artifacts.Thaw(store.objects.__getitem__, store.fetch).value(frozen)
    assert back == [path, folder]
    assert path.read_bytes() == b"weights"
    assert (folder / "sub" / "a.txt").read_text() == "a"


def test_a_paths_digest_is_its_name_and_content_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "data.csv").write_text("a,b")
    assert artifacts.digest_of(tmp_path / "one/data.csv") == artifacts.digest_of(tmp_path / "two/data.csv")
    (tmp_path / "two/data.csv").write_text("a,c")
    assert artifacts.digest_of(tmp_path / "one/data.csv") != artifacts.digest_of(tmp_path / "two/data.csv")


def test_the_rest_is_pickled_and_flagged() -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    back, node = Store().back({"model": model, "score": 1.0})
    assert back["model"].predict([[2.0]])[0] == pytest.approx(4.0)
    assert artifacts.is_pickled(node)
    assert artifacts.is_pickled(Store().back(Fitted())[1])


def test_what_can_be_kept_in_no_form_is_refused() -> None:
    with pytest.raises(Invalid, match="lock"):
        artifacts.freeze(threading.Lock(), Store().keep)


def test_large_leaves_go_to_the_store_and_small_ones_stay_in_the_row() -> None:
    store = Store()
    small = artifacts.freeze(b"x" * 100, store.keep)
    large = artifacts.freeze(b"x" * 5000, store.keep)
    assert artifacts.objects(small) == []
    assert artifacts.objects(large) == list(store.objects)
    assert artifacts.size_of(large) >= 5000
