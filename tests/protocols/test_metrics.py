"""Metrics: every value there is, histories, and many clients at once."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor

import httpx

from fettle.workspace import Workspace
from tests.protocols.conftest import API


def test_nan_and_infinities(client, ws: Workspace, run_id: str):
    for step, value in enumerate((1.5, math.nan, math.inf, -math.inf)):
        client.log_metric(run_id, "m", value, timestamp=10, step=step)
    values = [each.value for each in client.get_metric_history(run_id, "m")]
    assert values[0] == 1.5 and math.isnan(values[1])
    assert values[2:] == [1.7976931348623157e308, -1.7976931348623157e308]
    points = ws.call("tracking.series", run=run_id, key="m", most=0)
    assert [each.value for each in points][2:] == ["Infinity", "-Infinity"]


def test_identical_points_are_one(client, run_id: str):
    for value in (1.0, 1.0, 2.0):
        client.log_metric(run_id, "m", value, timestamp=5, step=1)
    assert [each.value for each in client.get_metric_history(run_id, "m")] == [1.0, 2.0]
    assert client.get_run(run_id).data.metrics["m"] == 2.0


def test_the_latest_has_the_highest_step_then_time(client, run_id: str):
    for value, time, step in ((1.0, 10, 5), (2.0, 99, 4), (3.0, 11, 5), (4.0, 10, 5)):
        client.log_metric(run_id, "m", value, timestamp=time, step=step)
    assert client.get_run(run_id).data.metrics["m"] == 3.0


def test_histories_come_in_pages(http: httpx.Client, client, run_id: str):
    from mlflow.entities import Metric

    client.log_batch(run_id, [Metric("m", each * 0.5, each, each) for each in range(250)])
    seen, token = [], ""
    while True:
        asked = {"run_id": run_id, "metric_key": "m", "max_results": 100, "page_token": token}
        answer = http.get(f"{API}/metrics/get-history", params=asked).json()
        seen += [each["step"] for each in answer["metrics"]]
        if not (token := answer.get("next_page_token", "")):
            break
    assert seen == list(range(250))
    assert len(client.get_metric_history(run_id, "m")) == 250


def test_many_runs_are_thinned_at_the_same_steps(http: httpx.Client, client):
    from mlflow.entities import Metric

    runs = [client.create_run("0").info.run_id for _ in range(2)]
    for run, count in zip(runs, (10, 20), strict=True):
        client.log_batch(run, [Metric("m", 1.0, 1, step) for step in range(count)])
    asked = {"run_ids": runs, "metric_key": "m", "max_results": 5}
    found = http.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", params=asked).json()["metrics"]
    steps = {run: [each["step"] for each in found if each["run_id"] == run] for run in runs}
    assert steps == {runs[0]: [0, 4, 8, 9], runs[1]: [0, 4, 8, 9, 12, 16, 19]}


def test_32_clients_at_once(mlflow, url: str, run_id: str):
    def work(number: int) -> None:
        client = mlflow.MlflowClient(url)
        for step in range(5):
            client.log_metric(run_id, f"m{number % 4}", number * 10 + step, timestamp=number, step=step)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    client = mlflow.MlflowClient(url)
    found = [client.get_metric_history(run_id, f"m{key}") for key in range(4)]
    assert [len(each) for each in found] == [40] * 4


def test_a_body_that_is_no_plain_struct_is_read_the_long_way(http, client, run_id: str):
    """Nulls, texts for numbers, the old name of the id, twice encoded: as before; and what is wrong is explained."""
    path = f"{API}/runs/log-metric"
    good = {"run_id": run_id, "key": "m", "value": 1.5, "timestamp": 7, "step": 3}
    for body in (
        good,
        {**good, "model_id": None},
        {**good, "value": "1.5", "timestamp": "7", "step": "3"},
        {**{key: good[key] for key in good if key != "run_id"}, "run_uuid": run_id},
        {**good, "run_id": "", "run_uuid": run_id},
        json.dumps(good),
        {**good, "unknown": [1, {"x": 2}]},
    ):
        assert http.post(path, json=body).status_code == 200, body
    assert [(each.step, each.timestamp, each.value) for each in client.get_metric_history(run_id, "m")] == [
        (3, 7, 1.5)
    ]
    for change, words in (
        ({"key": ""}, "required parameter 'key'"),
        ({"run_id": ""}, "required parameter 'run_id'"),
        ({"value": "high"}, "parameter 'value'"),
        ({"timestamp": 1.5}, "parameter 'timestamp'"),
        ({"timestamp": -1}, "parameter 'timestamp'"),
        ({"step": 1 << 63}, "parameter 'step'"),
        ({"key": "../x"}, "resolve to other names"),
    ):
        answer = http.post(path, json={**good, **change})
        assert answer.status_code == 400 and words in answer.json()["message"], (change, answer.text)
    batch = {"run_id": run_id, "metrics": [{**good, "key": "a"}, {**good, "key": "b", "timestamp": -5}]}
    answer = http.post(f"{API}/runs/log-batch", json=batch)
    assert answer.status_code == 400 and "metrics[1].timestamp" in answer.json()["message"]


def test_the_last_value_is_that_of_the_highest_step(client, ws: Workspace, run_id: str):
    client.log_metric(run_id, "m", 1.0, step=4)
    client.log_metric(run_id, "m", 3.0, step=2)
    (sheet,) = ws.call("tracking.sheets", ids=[run_id])
    (found,) = sheet.metrics
    assert (found.key, found.value, found.step) == ("m", 1.0, 4)


def test_a_page_of_a_history_is_written_exactly(client, http: httpx.Client, run_id: str):
    key = "50 % of / it_%d"
    http.post(f"{API}/runs/log-batch", json={"run_id": run_id, "metrics": []})
    values = [0.1, -0.0, 1e300, "NaN", "Infinity", 5e-324, 3]
    points = [
        {"key": "a/ b", "value": each, "timestamp": 7, "step": step} for step, each in enumerate(values)
    ]
    assert http.post(f"{API}/runs/log-batch", json={"run_id": run_id, "metrics": points}).status_code == 200
    answer = http.get(f"{API}/metrics/get-history", params={"run_id": run_id, "metric_key": "a/ b"}).json()
    shown = [1.7976931348623157e308 if each == "Infinity" else each for each in values]
    assert [each["value"] for each in answer["metrics"]] == shown
    assert {(each["key"], each["timestamp"]) for each in answer["metrics"]} == {("a/ b", 7)}
    none = http.get(f"{API}/metrics/get-history", params={"run_id": run_id, "metric_key": key})
    assert none.json() == {}
