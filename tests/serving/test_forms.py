"""Bodies in, rows out; rows in, bodies out; and every way to be wrong is a clear refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import FettleError, Invalid
from fettle.serving.forms import LARGEST_ROW_COUNT, Malformed, Predict, Served, TooLarge
from fettle.serving.invocations import Invocations
from fettle.serving.open_inference import OpenInference

COLUMNS = ["length", "colour"]
FORMS = [Predict(), Invocations(lambda: COLUMNS), OpenInference(lambda: COLUMNS)]
SERVED = Served("irises", "iris", 3)


def test_rows_and_a_single_row_are_the_same_request():
    many = Predict().read(b'{"rows": [{"length": 1.5}], "id": "a"}', "")
    one = Predict().read(b'{"length": 1.5}', "a")
    assert (many.id, many.rows) == (one.id, one.rows) == ("a", [{"length": 1.5}])


def test_a_column_may_be_called_rows_or_id():
    asked = Predict().read(b'{"rows": 3, "id": 7}', "header")
    assert asked.rows == [{"rows": 3, "id": 7}]
    assert asked.id == "header"


def test_the_bodys_id_comes_before_the_headers_and_none_makes_one():
    assert Predict().read(b'{"rows": [{"a": 1}], "id": "body"}', "header").id == "body"
    made = {Predict().read(b'{"rows": [{"a": 1}]}', "").id for _ in range(100)}
    assert len(made) == 100


@pytest.mark.parametrize("bad", ["two words", "line\nbreak", "é", "x" * 201, 5, True])
def test_an_id_that_cannot_travel_in_a_header_is_refused(bad: object):
    with pytest.raises(Malformed, match="visible ASCII"):
        Predict().read(json.dumps({"rows": [{"a": 1}], "id": bad}).encode(), "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"NaN",
        b'{"rows": [{"a": 1e999}]}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'"text"',
        b"null",
        b"[]",
        b"3",
        b"\x00" * 100,
        b'{"rows": [{"a": 1}]} trailing',
    ],
)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_what_is_not_the_forms_json_is_malformed(form, body: bytes):
    with pytest.raises(Malformed) as caught:
        form.read(body, "")
    assert caught.value.status == 400


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_every_form(body: bytes):
    for form in FORMS:
        try:
            asked = form.read(body, "")
        except Invalid:
            continue
        assert all(isinstance(row, dict) for row in asked.rows)


_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_keys = st.sampled_from(
    ["rows", "id", "inputs", "dataframe_split", "dataframe_records", "instances", "data", "columns"]
)


@given(st.dictionaries(_keys, _json_values, max_size=3))
def test_any_json_is_read_or_refused_by_every_form(content: dict):
    body = json.dumps(content).encode()
    for form in FORMS:
        try:
            asked = form.read(body, "")
        except FettleError as error:
            assert 400 <= error.status < 500
            assert json.loads(form.refuse(error))["error"]
        else:
            assert asked.rows
            assert all(isinstance(row, dict) and row for row in asked.rows)


def test_rows_are_counted_before_anything_is_done_with_them():
    body = json.dumps({"rows": [{"a": 1}] * (LARGEST_ROW_COUNT + 1)}).encode()
    with pytest.raises(TooLarge) as caught:
        Predict().read(body, "")
    assert caught.value.status == 413


@pytest.mark.parametrize("rows", [[], [1], [{"a": 1}, None], [{}], [[1]]])
def test_rows_that_are_no_rows_are_refused_with_their_place(rows: list):
    with pytest.raises(Invalid) as caught:
        Predict().read(json.dumps({"rows": rows}).encode(), "")
    assert "$.rows" in caught.value.found


ROWS = [{"length": 1.5, "colour": "red"}, {"length": 2, "colour": None}]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "data": [[1.5, "red"], [2, None]]}},
        {"dataframe_split": {"columns": COLUMNS, "index": [0, 1], "data": [[1.5, "red"], [2, None]]}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": [[1.5, "red"], [2, None]]},
        {"inputs": {"length": [1.5, 2], "colour": ["red", None]}},
        {"inputs": ROWS, "params": {"ignored": 1}},
    ],
)
def test_mlflows_forms_all_mean_the_same_rows(body: dict):
    assert Invocations(lambda: COLUMNS).read(json.dumps(body).encode(), "").rows == ROWS


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "data": [[1.5]]}},
        {"dataframe_split": {"columns": "length", "data": []}},
        {"dataframe_split": [1]},
        {"inputs": {"length": [1], "colour": []}},
        {"inputs": {"length": 1}},
        {"inputs": {}},
        {"instances": "text"},
        {"dataframe_records": ROWS, "instances": ROWS},
        {},
    ],
)
def test_mlflows_forms_that_do_not_fit_are_refused(body: dict):
    with pytest.raises(Invalid):
        Invocations(lambda: COLUMNS).read(json.dumps(body).encode(), "")


def test_mlflows_reply_is_the_bare_predictions():
    form = Invocations(lambda: COLUMNS)
    asked = form.read(json.dumps({"instances": ROWS}).encode(), "")
    reply = form.reply(asked, [{"prediction": "a", "probabilities": {"a": 1.0}}, {"prediction": "b"}], SERVED)
    assert json.loads(reply) == {"predictions": ["a", "b"]}


def tensors(*inputs: dict, **more: object) -> bytes:
    return json.dumps({"inputs": list(inputs), **more}).encode()


LENGTH = {"name": "length", "shape": [2], "datatype": "FP64", "data": [1.5, 2]}
COLOUR = {"name": "colour", "shape": [2, 1], "datatype": "BYTES", "data": [["red"], [None]]}


def test_tensors_are_columns_flat_or_nested():
    assert OpenInference(lambda: COLUMNS).read(tensors(LENGTH, COLOUR), "").rows == ROWS


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]])
def test_one_matrix_is_whole_rows(data: list):
    matrix = {"name": "anything", "shape": [2, 2], "datatype": "FP32", "data": data}
    asked = OpenInference(lambda: ["a", "b"]).read(tensors(matrix), "")
    assert asked.rows == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_the_reply_echoes_the_id_and_gives_the_outputs_that_were_asked_for():
    form = OpenInference(lambda: COLUMNS)
    answers = [{"prediction": "a", "probabilities": {"a": 0.75, "b": 0.25}}] * 2
    asked = form.read(tensors(LENGTH, COLOUR, id="mine"), "header")
    assert json.loads(form.reply(asked, answers, SERVED)) == {
        "model_name": "iris",
        "model_version": "3",
        "id": "mine",
        "outputs": [
            {"name": "prediction", "shape": [2], "datatype": "BYTES", "data": ["a", "a"]},
            {
                "name": "probabilities",
                "shape": [2, 2],
                "datatype": "FP64",
                "data": [0.75, 0.25, 0.75, 0.25],
                "parameters": {"labels": ["a", "b"]},
            },
        ],
    }
    asked = form.read(tensors(LENGTH, COLOUR, outputs=[{"name": "probabilities"}]), "")
    assert [each["name"] for each in json.loads(form.reply(asked, answers, SERVED))["outputs"]] == [
        "probabilities"
    ]


@pytest.mark.parametrize(("value", "datatype"), [("a", "BYTES"), (True, "BOOL"), (3, "INT64"), (1.5, "FP64")])
def test_predictions_have_the_datatype_of_their_values(value: object, datatype: str):
    form = OpenInference(lambda: COLUMNS)
    reply = json.loads(form.reply(form.read(tensors(LENGTH), ""), [{"prediction": value}] * 2, SERVED))
    assert reply["outputs"] == [
        {"name": "prediction", "shape": [2], "datatype": datatype, "data": [value, value]}
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"datatype": "FP99"},
        {"shape": [3]},
        {"shape": []},
        {"shape": [-1]},
        {"data": ["a", "b"]},
        {"data": [1.5]},
        {"data": [[1.5, 2]]},
        {"shape": [2, 0], "data": []},
        {"shape": [0], "data": []},
        {"shape": [10**9], "data": []},
        {"data": None},
        {"name": None},
    ],
)
def test_tensors_that_do_not_fit_are_refused(change: dict):
    with pytest.raises(Invalid):
        OpenInference(lambda: COLUMNS).read(tensors(LENGTH | change), "")


def test_an_output_that_the_model_has_not_is_refused():
    with pytest.raises(Invalid, match="no output 'logits'"):
        OpenInference(lambda: COLUMNS).read(tensors(LENGTH, outputs=[{"name": "logits"}]), "")


def test_errors_have_the_form_of_the_route():
    error = Invalid("Wrong.", found="that", hint="Do this.")
    said = {"code": "invalid", "message": "Wrong.", "found": "that", "hint": "Do this."}
    assert json.loads(Predict().refuse(error)) == {"error": said}
    assert json.loads(OpenInference(lambda: COLUMNS).refuse(error)) == {
        "error": "Wrong.\nFound: that\nHint: Do this."
    }
