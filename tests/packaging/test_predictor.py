"""Rows in, answers out: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.canonical import decode, encode
from fettle.core.errors import Unavailable
from fettle.packaging.assembly import build
from fettle.packaging.bundle import Bundle, listing, save
from fettle.packaging.moments import moment_parts
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import EXAMPLES_FILE, RowInvalid
from fettle.training import features
from tests.packaging.models import HELD_OUT, model

BUNDLE = build(model("bought", "logistic"), HELD_OUT)
PREDICTOR = Predictor(BUNDLE)
ROW: dict[str, Any] = {
    "price €": 12.5,
    "colour": "red",
    "größe": "M",
    "on sale": True,
    "seen at": "2024-05-31T12:00:00",
    "city": "city 1",
    "age": 40,
}


def probability(**changes: Any) -> float:
    return PREDICTOR.predict([{**ROW, **changes}])[0]["probabilities"]["yes"]


def test_an_answer_has_the_label_and_a_probability_for_each() -> None:
    answer = PREDICTOR.predict([ROW])[0]
    assert answer["prediction"] in ("yes", "no")
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["prediction"] == max(answer["probabilities"], key=answer["probabilities"].__getitem__)
    assert msgspec.json.decode(msgspec.json.encode(answer)) == answer


def test_no_rows_no_answers() -> None:
    assert PREDICTOR.predict([]) == []


@given(st.lists(st.integers(0, 199), min_size=1, max_size=40))
def test_a_batch_is_answered_as_its_rows_are(places: list[int]) -> None:
    rows = [
        {**ROW, "price €": float(each), "age": None if each % 7 == 0 else each, "colour": f"c{each % 3}"}
        for each in places
    ]
    together = [each["probabilities"]["yes"] for each in PREDICTOR.predict(rows)]
    alone = [PREDICTOR.predict([each])[0]["probabilities"]["yes"] for each in rows]
    assert together == pytest.approx(alone, abs=1e-6)


def test_null_is_taken_everywhere_and_absence_where_training_had_missing_values() -> None:
    for name in ROW:
        assert 0 <= probability(**{name: None}) <= 1
    assert (
        PREDICTOR.predict([{key: value for key, value in ROW.items() if key != "age"}])[0]
        == PREDICTOR.predict([{**ROW, "age": None}])[0]
    )


def test_a_category_never_seen_is_none_of_the_known_ones() -> None:
    assert probability(colour="ultraviolet") == probability(colour="octarine")
    assert probability(colour="ultraviolet") != probability(colour="red")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(RowInvalid, match="Row 1 has no column 'price €'") as caught:
        PREDICTOR.predict([ROW, {key: value for key, value in ROW.items() if key != "price €"}])
    assert caught.value.subject == "column:price €"
    assert "a number" in caught.value.hint


@pytest.mark.parametrize(("right", "wrong"), [("colour", "color"), ("age", "Age"), ("größe", "grösse")])
def test_a_misspelled_column_is_offered_also_where_it_could_be_left_out(right: str, wrong: str) -> None:
    row = {wrong if key == right else key: value for key, value in ROW.items()}
    with pytest.raises(RowInvalid, match=f"no column '{right}'") as caught:
        PREDICTOR.predict([row])
    assert caught.value.hint == f"Rename '{wrong}' to '{right}'."


def test_columns_the_model_does_not_know_are_not_looked_at() -> None:
    assert PREDICTOR.predict([{**ROW, "note": "x", "bought": "no", "anything": [1]}]) == PREDICTOR.predict(
        [ROW]
    )


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("price €", "12.5", "a text"),
        ("price €", True, "a boolean"),
        ("price €", [1], "a list"),
        ("age", {"years": 3}, "an object"),
        ("on sale", "yes", "a text"),
        ("on sale", 2, "a number"),
        ("colour", 3, "a number"),
        ("größe", False, "a boolean"),
        ("seen at", "yesterday", "a text"),
        ("seen at", 17, "a number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(column: str, value: Any, told: str) -> None:
    with pytest.raises(RowInvalid, match="wrong type in column") as caught:
        PREDICTOR.predict([ROW, {**ROW, column: value}])
    assert repr(column) in caught.value.message and "Row 1" in caught.value.message
    assert told in caught.value.found


def test_numbers_beyond_32_bits_count_as_missing() -> None:
    missing = probability(**{"price €": None})
    for value in (1e300, -1e300, 10**400, math.inf):
        assert probability(**{"price €": value}) == missing


def test_booleans_may_be_numbers_and_numbers_may_be_whole() -> None:
    assert probability(**{"on sale": 1}) == probability(**{"on sale": True})
    assert probability(**{"price €": 12}) == probability(**{"price €": 12.0})
    assert probability(**{"price €": np.float32(12)}) == probability(**{"price €": 12.0})


def test_times_may_be_written_in_several_ways() -> None:
    assert probability(**{"seen at": "2024-05-31T12:00:00Z"}) == probability()
    assert probability(**{"seen at": "2024-05-31T14:00:00+02:00"}) == probability()
    assert probability(**{"seen at": datetime(2024, 5, 31, 12, tzinfo=UTC)}) == probability()
    assert probability(**{"seen at": date(2024, 5, 31)}) == probability(**{"seen at": "2024-05-31"})


@given(st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2300, 1, 1)))
def test_a_time_has_the_same_parts_in_a_request_as_in_training(moment: datetime) -> None:
    import polars as pl

    parts = ("year", "month", "day", "weekday", "hour")
    trained = features.moment_parts(pl.Series([moment]), parts).row(0)
    assert tuple(np.array(moment_parts(moment, parts), dtype=np.float32).tolist()) == trained


@pytest.mark.parametrize(("target", "kind"), [("grade", str), ("score", float)])
def test_other_tasks(target: str, kind: type) -> None:
    predictor = Predictor(build(model(target, "hist_gradient_boosting"), HELD_OUT))
    answer = predictor.predict([ROW])[0]
    assert type(answer["prediction"]) is kind
    assert len(answer.get("probabilities", {})) == (3 if target == "grade" else 0)


def test_examples_are_verified_and_a_false_one_is_not_accepted() -> None:
    PREDICTOR.verify()
    examples = decode(BUNDLE.read(EXAMPLES_FILE))
    examples[0]["answer"]["probabilities"] = {"no": 0.5, "yes": 0.5}
    files = {**BUNDLE.files, EXAMPLES_FILE: encode(examples)}
    with pytest.raises(Unavailable, match="example"):
        Predictor(Bundle(msgspec.structs.replace(BUNDLE.manifest, files=listing(files)), files)).verify()


def test_predicting_needs_no_training_library(tmp_path: Any) -> None:
    save(BUNDLE, tmp_path / "bundle")
    code = (
        "import sys; from pathlib import Path\n"
        "from fettle.packaging import Predictor, open_folder\n"
        "Predictor(open_folder(Path(sys.argv[1]))).verify()\n"
        "print(sorted({'sklearn', 'scipy', 'polars', 'pandas', 'onnx', 'skl2onnx', 'sqlalchemy'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bundle")], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
