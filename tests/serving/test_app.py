"""The routes of a worker, asked over real HTTP on both lanes; and what stands in the log afterwards."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from fettle.core.ids import digest
from fettle.serving.app import LARGEST_BODY_BYTES
from fettle.serving.records import Label, Prediction
from tests.serving.conftest import ENDPOINT, Running
from tests.serving.models import MODEL


def test_a_prediction_is_answered_and_logged_as_answered(running: Running, client: httpx.Client, row: dict):
    reply = client.post("/predict", json={"rows": [row, row], "id": "order-7"})
    assert reply.status_code == 200
    assert reply.headers["x-request-id"] == "order-7"
    body = reply.json()
    assert (body["id"], body["model"], body["version"]) == ("order-7", MODEL, 1)
    logged = [each for each in running.logged("order-7") if isinstance(each, Prediction)]
    assert [(each.row, each.features, each.answer, each.status) for each in logged] == [
        (0, row, body["predictions"][0], 200),
        (1, row, body["predictions"][1], 200),
    ]


def test_the_packed_examples_are_answered_as_packed(client: httpx.Client, row: dict):
    by_hand = client.post("/predict", json=row).json()["predictions"]
    assert by_hand == client.post("/predict", json={"rows": [row]}).json()["predictions"]
    assert set(by_hand[0]) == {"prediction", "probabilities"}
    assert sum(by_hand[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_request_that_is_repeated_is_answered_again_under_its_id(
    running: Running, client: httpx.Client, row: dict
):
    header = {"x-request-id": "again"}
    first, second = (client.post("/predict", json=row, headers=header) for _ in range(2))
    assert first.json() == second.json()
    assert [each.id for each in running.logged("again")] == ["again", "again"]


def test_a_made_id_is_in_header_body_and_log(running: Running, client: httpx.Client, row: dict):
    reply = client.post("/predict", json=row)
    [record] = running.logged(reply.json()["id"])
    assert reply.headers["x-request-id"] == record.id


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 200_000, 400),
        (b'{"rows": [{"a": NaN}]}', 400),
        (b'{"rows": []}', 422),
        (b'{"rows": [5]}', 422),
        (b'{"rows": [{"no such column": 5}]}', 422),
        (json.dumps({"rows": [{"a": 1}] * 10_001}).encode(), 413),
    ],
)
def test_a_bad_request_is_refused_in_the_house_form_and_logged(
    running: Running, client: httpx.Client, body: bytes, status: int
):
    request_id = f"bad-{digest(body)}"
    reply = client.post("/predict", content=body, headers={"x-request-id": request_id})
    assert reply.status_code == status
    error = reply.json()["error"]
    assert set(error) >= {"code", "message", "found", "hint"}
    assert error["message"]
    [record] = running.logged(request_id)
    assert isinstance(record, Prediction)
    assert record.status == status
    assert error["message"] in record.error


@pytest.mark.parametrize("value", [10**400, -(10**30), "text", [], {}, {"a": 1}, "\x00", True, "x" * 10_000])
def test_a_strange_value_is_never_the_servers_fault(client: httpx.Client, row: dict, value: object):
    for column in row:
        reply = client.post("/predict", json=row | {column: value})
        assert reply.status_code in (200, 400, 422), reply.text


def test_a_body_over_the_limit_is_refused_and_the_connection_goes_on(client: httpx.Client, row: dict):
    reply = client.post("/predict", content=b" " * (LARGEST_BODY_BYTES + 1))
    assert reply.status_code == 413
    assert client.post("/predict", json=row).status_code == 200


def test_a_body_in_chunks_is_read(client: httpx.Client, row: dict):
    body = json.dumps(row).encode()
    reply = client.post("/predict", content=iter([body[:10], body[10:20], body[20:]]))
    assert reply.status_code == 200


def test_a_gzipped_body_is_read_and_a_bomb_is_not(client: httpx.Client, row: dict):
    header = {"content-encoding": "gzip"}
    assert (
        client.post("/predict", content=gzip.compress(json.dumps(row).encode()), headers=header).status_code
        == 200
    )
    bomb = gzip.compress(b" " * (LARGEST_BODY_BYTES * 4))
    assert client.post("/predict", content=bomb, headers=header).status_code == 413
    assert client.post("/predict", content=b"no gzip", headers=header).status_code == 400
    assert client.post("/predict", content=b"x", headers={"content-encoding": "br"}).status_code == 415


def test_many_rows_are_answered_in_order(client: httpx.Client, row: dict):
    column = next(iter(row))
    rows = [row | {column: float(n % 7)} for n in range(2_000)]
    together = client.post("/predict", json={"rows": rows}).json()["predictions"]
    single = [client.post("/predict", json=each).json()["predictions"][0] for each in rows[:7]]
    for index, answer in enumerate(together):
        assert answer["prediction"] == single[index % 7]["prediction"]
        assert answer["probabilities"] == pytest.approx(single[index % 7]["probabilities"], abs=1e-6)


def test_labels_are_logged(running: Running, client: httpx.Client):
    labels = [{"id": "told", "label": "UP"}, {"id": "told", "label": 3, "row": 2}]
    reply = client.post("/labels", json={"labels": labels})
    assert (reply.status_code, reply.json()) == (202, {"accepted": 2})
    told = running.logged("told")
    assert [(each.label, each.row) for each in told if isinstance(each, Label)] == [("UP", 0), (3, 2)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"labels": []},
        {"labels": [1]},
        {"labels": [{"id": "a"}]},
        {"labels": [{"label": 1}]},
        {"labels": [{"id": "a", "label": None}]},
        {"labels": [{"id": "a", "label": [1]}]},
        {"labels": [{"id": "a", "label": 1, "row": -1}]},
        {"labels": [{"id": "a", "label": 1, "row": "0"}]},
        {"labels": [{"id": "a", "label": 1}, {"id": "a"}]},
    ],
)
def test_labels_that_say_nothing_are_refused_whole(running: Running, client: httpx.Client, body: object):
    reply = client.post("/labels", json=body)
    assert 400 <= reply.status_code < 500
    assert reply.json()["error"]["message"]
    assert running.logged("a") == []


def test_mlflows_route_gives_bare_predictions(client: httpx.Client, row: dict):
    expected = client.post("/predict", json=row).json()["predictions"][0]["prediction"]
    split = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
    in_order = [row[each["name"]] for each in client.get("/").json()["inputs"]]
    for body in (split, {"dataframe_records": [row]}, {"inputs": [row]}, {"instances": [in_order]}):
        assert client.post("/invocations", json=body).json() == {"predictions": [expected]}
    assert client.post("/invocations", json={"wrong": 1}).status_code == 400


def test_open_inference_describes_and_answers(client: httpx.Client, row: dict):
    assert client.get("/v2").json()["name"] == "fettle"
    assert client.get("/v2/health/live").status_code == client.get("/v2/health/ready").status_code == 200
    metadata = client.get(f"/v2/models/{MODEL}").json()
    assert {each["name"]: each["datatype"] for each in metadata["inputs"]} == {
        "price": "FP64",
        "demand (MW)": "FP64",
        "région": "BYTES",
        "holiday": "BOOL",
    }
    assert metadata["versions"] == ["1"]
    inputs = [
        {"name": each["name"], "datatype": each["datatype"], "shape": [1], "data": [row[each["name"]]]}
        for each in metadata["inputs"]
    ]
    expected = client.post("/predict", json=row).json()["predictions"][0]
    for path in (f"/v2/models/{MODEL}/infer", f"/v2/models/{MODEL}/versions/1/infer"):
        reply = client.post(path, json={"id": "mine", "inputs": inputs})
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert (body["id"], body["model_name"], body["model_version"]) == ("mine", MODEL, "1")
        outputs = {each["name"]: each for each in body["outputs"]}
        assert outputs["prediction"]["data"] == [expected["prediction"]]
        assert outputs["probabilities"]["data"] == pytest.approx(list(expected["probabilities"].values()))
    assert client.get(f"/v2/models/{MODEL}/versions/1/ready").status_code == 200


def test_open_inference_refuses_in_its_own_form(client: httpx.Client):
    for reply in (
        client.get("/v2/models/marked"),
        client.post(f"/v2/models/{MODEL}/versions/9/infer", json={"inputs": []}),
        client.post(f"/v2/models/{MODEL}/infer", json={"inputs": []}),
        client.post(f"/v2/models/{MODEL}/infer", content=b"{"),
        client.get(f"/v2/models/{MODEL}/nothing"),
    ):
        assert 400 <= reply.status_code < 500
        assert isinstance(reply.json()["error"], str)
    assert "Did you mean 'market'?" in client.get("/v2/models/marked").json()["error"]


def test_unknown_paths_and_methods_are_told_what_there_is(client: httpx.Client):
    assert client.get("/nothing").json()["error"]["code"] == "not-found"
    reply = client.get("/predict")
    assert (reply.status_code, reply.json()["error"]["code"]) == (405, "not-allowed")


def test_health_and_metrics_tell_of_the_worker(client: httpx.Client, row: dict):
    assert client.get("/health/live").json() == {"live": True}
    assert client.get("/health/ready").json() == {"ready": True}

    def counts() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
        }

    before = counts()
    client.post("/predict", json=row)
    client.post("/predict", content=b"{")
    after = counts()
    for status in ("200", "400"):
        name = f'fettle_requests_total{{endpoint="{ENDPOINT}",status="{status}"}}'
        assert after[name] - before.get(name, 0) == 1


def test_the_info_page_has_a_row_that_works_as_pasted(client: httpx.Client):
    info = client.get("/").json()
    assert (info["endpoint"], info["model"], info["version"], info["state"]) == (ENDPOINT, MODEL, 1, "ready")
    assert client.post("/predict", json=info["example"]).status_code == 200
