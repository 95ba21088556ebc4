"""Statistics of traces as MLflow's client asks for them, against sums made by hand and by NumPy."""

from __future__ import annotations

import math
from typing import Any

import httpx
import numpy as np
import pytest

API = "/api/3.0/mlflow/traces"
TOOK_MS = (10, 20, 40, 70, 110)


def span(trace: str, number: int, name: str, **attributes: str) -> dict[str, Any]:
    said = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    began = 1_700_000_000_000_000_000
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if number == 1 else f"{1:016x}",
        "name": name,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + number * 5_000_000),
        "attributes": said,
        "status": {"code": 1},
    }


@pytest.fixture(scope="module")
def place(team: tuple[Any, str]) -> str:
    """The id of an experiment with five traces, two of them with spans."""
    with httpx.Client(base_url=team[1]) as http:
        number = http.post("/api/2.0/mlflow/experiments/create", json={"name": "measured"}).json()[
            "experiment_id"
        ]
        for index, took in enumerate(TOOK_MS):
            tokens = {"mlflow.trace.tokenUsage": f'{{"input_tokens": {index}, "total_tokens": {10 * index}}}'}
            judged = [{"assessment_name": "good", "feedback": {"value": "yes" if index % 2 else "no"}}]
            info = {
                "trace_id": f"tr-{index:032x}",
                "trace_location": {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": number},
                },
                "request_time": f"2024-05-01T1{index // 3}:00:00Z",
                "execution_duration": f"{took / 1000}s",
                "state": "ERROR" if index == 4 else "OK",
                "trace_metadata": {"mlflow.trace.session": "ab"[index % 2], **tokens},
                "tags": {"mlflow.traceName": "app", "team": "x" if index < 2 else "y"},
                "assessments": judged,
            }
            assert http.post(API, json={"trace": {"trace_info": info}}).status_code == 200
        for index in (0, 1):
            trace = f"{index:032x}"
            cost = {"mlflow.llm.cost": '{"total_cost": 0.5}', "mlflow.llm.model": '"m"'}
            spans = [
                span(trace, 1, "app", **{"mlflow.spanType": '"CHAIN"'}),
                span(trace, 2, "llm", **cost, **{"mlflow.spanType": '"LLM"'}),
            ]
            sent = http.post(
                "/v1/traces",
                json={"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]},
                headers={"x-mlflow-experiment-id": number},
            )
            assert sent.status_code == 200, sent.text
    return number


def ask(http: httpx.Client, place: str, view: str, metric: str, *kinds: Any, **more: Any) -> list[Any]:
    ways = [
        {"aggregation_type": each}
        if isinstance(each, str)
        else {"aggregation_type": "PERCENTILE", "percentile_value": each}
        for each in kinds
    ]
    fields = {
        "experiment_ids": [place],
        "view_type": view,
        "metric_name": metric,
        "aggregations": ways,
        **more,
    }
    answer = http.post(f"{API}/metrics", json=fields)
    assert answer.status_code == 200, answer.text
    return [(each["dimensions"], each["values"]) for each in answer.json().get("data_points", [])]


def test_latencies_are_summed_up(http: httpx.Client, place: str):
    ((_, found),) = ask(http, place, "TRACES", "latency", "AVG", "MIN", "MAX", 50.0, 95.0)
    wanted = {
        "AVG": np.mean(TOOK_MS),
        "MIN": 10,
        "MAX": 110,
        "P50.0": 40,
        "P95.0": np.percentile(TOOK_MS, 95),
    }
    assert found == pytest.approx(wanted)


def test_counts_by_state_name_time_and_session(http: httpx.Client, place: str):
    by_state = ask(http, place, "TRACES", "trace_count", "COUNT", dimensions=["trace_status"])
    assert by_state == [({"trace_status": "ERROR"}, {"COUNT": 1}), ({"trace_status": "OK"}, {"COUNT": 4})]
    by_hour = ask(http, place, "TRACES", "trace_count", "COUNT", time_interval_seconds=3600)
    assert [(each["time_bucket"], count["COUNT"]) for each, count in by_hour] == [
        ("2024-05-01T10:00:00+00:00", 3),
        ("2024-05-01T11:00:00+00:00", 2),
    ]
    assert ask(http, place, "TRACES", "session_count", "COUNT") == [({}, {"COUNT": 2})]
    assert ask(http, place, "TRACES", "total_tokens", "SUM") == [({}, {"SUM": 100})]
    late = ask(http, place, "TRACES", "trace_count", "COUNT", start_time_ms=1714561200000)
    assert late == [({}, {"COUNT": 2})]


def test_spans_and_judgements(http: httpx.Client, place: str):
    spans = ask(http, place, "SPANS", "span_count", "COUNT", dimensions=["span_type", "span_status"])
    assert spans == [
        ({"span_type": "CHAIN", "span_status": "OK"}, {"COUNT": 2}),
        ({"span_type": "LLM", "span_status": "OK"}, {"COUNT": 2}),
    ]
    one = ask(http, place, "SPANS", "latency", "MAX", filters=["span.name = 'llm'", 'trace.tag.team = "x"'])
    assert one == [({}, {"MAX": 10})]
    cost = ask(http, place, "SPANS", "total_cost", "SUM", dimensions=["span_model_name"])
    assert cost == [({"span_model_name": "m"}, {"SUM": 1.0})]
    good = ask(http, place, "ASSESSMENTS", "assessment_value", "AVG", dimensions=["assessment_name"])
    assert good == [({"assessment_name": "good"}, {"AVG": 0.4})]
    values = ask(http, place, "ASSESSMENTS", "assessment_count", "COUNT", dimensions=["assessment_value"])
    assert [each["assessment_value"] for each, _ in values] == ['"no"', '"yes"']


def test_sums_beyond_all_floats_are_the_largest_one(http: httpx.Client):
    number = http.post("/api/2.0/mlflow/experiments/create", json={"name": "beyond"}).json()["experiment_id"]
    for index, tokens in enumerate((-1e308, 1e308, 1e308, 1e308)):
        info = {
            "trace_id": f"tr-{index + 900:032x}",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": number}},
            "request_time": "2024-05-01T10:00:00Z",
            "state": "OK",
            "trace_metadata": {"mlflow.trace.tokenUsage": f'{{"input_tokens": {tokens}}}'},
        }
        assert http.post(API, json={"trace": {"trace_info": info}}).status_code == 200
    ((_, found),) = ask(http, number, "TRACES", "input_tokens", "SUM", "AVG", 10.0)
    assert found["SUM"] == 1.7976931348623157e308
    assert found["AVG"] == pytest.approx(5e307)
    assert found["P10.0"] == pytest.approx(-4e307)


def test_pages_of_points(http: httpx.Client, place: str):
    fields = {
        "experiment_ids": [place], "view_type": "TRACES", "metric_name": "trace_count", "max_results": 1,
        "aggregations": [{"aggregation_type": "COUNT"}], "dimensions": ["trace_status"],
    }  # fmt: skip
    first = http.post(f"{API}/metrics", json=fields).json()
    rest = http.post(f"{API}/metrics", json={**fields, "page_token": first["next_page_token"]}).json()
    assert (len(first["data_points"]), len(rest["data_points"]), "next_page_token" in rest) == (1, 1, False)


@pytest.mark.parametrize(
    "change",
    [
        {"view_type": "ROWS"}, {"metric_name": "joy"}, {"aggregations": []}, {"dimensions": ["span_name"]},
        {"aggregations": [{"aggregation_type": "SUM"}]}, {"filters": ["trace.status != 'OK'"]},
        {"aggregations": [{"aggregation_type": "PERCENTILE"}], "metric_name": "latency"},
        {"filters": ["span.name = 'x'"]}, {"filters": ["trace.tag = 'x'"]}, {"filters": ["a = 'b' AND c = 'd'"]},
        {"time_interval_seconds": 0}, {"time_interval_seconds": 2**62}, {"max_results": 0}, {"experiment_ids": []},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(http: httpx.Client, place: str, change: dict[str, Any]):
    good = {
        "experiment_ids": [place], "view_type": "TRACES", "metric_name": "trace_count",
        "aggregations": [{"aggregation_type": "COUNT"}],
    }  # fmt: skip
    assert http.post(f"{API}/metrics", json=good).status_code == 200
    answer = http.post(f"{API}/metrics", json={**good, **change})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_two_filters_go_together_or_not(http: httpx.Client, place: str):
    def together(first: str, second: str, base: str = "") -> dict[str, Any]:
        fields = {"experiment_ids": [place], "filter_string1": first, "filter_string2": second}
        return http.post(
            f"{API}/calculate-filter-correlation", json={**fields, **({"base_filter": base} if base else {})}
        ).json()

    found = together("status = 'ERROR'", "tags.team = 'y'")
    assert [found[each] for each in ("filter1_count", "filter2_count", "joint_count", "total_count")] == [
        1, 3, 1, 5,
    ]  # fmt: skip
    assert found["npmi"] == pytest.approx(math.log(5 / 3) / math.log(5))
    smoothed = math.log(1.5 * 7 / (2.0 * 4.0)) / -math.log(1.5 / 7)
    assert found["npmi_smoothed"] == pytest.approx(smoothed)
    assert together("status = 'ERROR'", "tags.team = 'x'")["npmi"] == -1
    assert together("status = 'ERROR'", "tags.team = 'none'")["npmi"] == "NaN"
    assert together("tags.team = 'y'", "name = 'app'", "tags.team = 'y'")["npmi"] == 1
