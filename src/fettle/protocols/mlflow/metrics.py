"""Metrics: points logged one by one or in batches, and their histories."""

from __future__ import annotations

import sys
from array import array
from operator import attrgetter
from typing import Any

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.protocols.mlflow import runs
from fettle.protocols.mlflow.calls import Book, Call, wrong
from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.history import Sample, histories, history, thinned
from fettle.protocols.mlflow.names import (
    MOST_ENTITIES,
    MOST_METRICS,
    MOST_PARAMS,
    check_key,
    check_number,
    unknown_run,
)
from fettle.protocols.mlflow.paging import offset_of, token_of
from fettle.protocols.mlflow.translate import moment, number
from fettle.tracking.records.inputs import ModelMetric
from fettle.tracking.records.metrics import Column, written

BOOK = Book()
MOST_BULK = 25_000
MOST_RUNS = 100
MOST_SAMPLES = 2500
_INT64 = 1 << 63


class LogMetric(msgspec.Struct):
    """Fields of `runs/log-metric`."""

    run_id: str
    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class Metric(msgspec.Struct):
    """One point of a batch."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LogBatch(msgspec.Struct):
    """Fields of `runs/log-batch`."""

    run_id: str
    metrics: list[Metric] = []
    params: list[Tag] = []
    tags: list[Tag] = []


class History(msgspec.Struct):
    """Fields of `metrics/get-history`."""

    run_id: str
    metric_key: str
    page_token: str = ""
    max_results: int | None = None


class Bulk(msgspec.Struct):
    """Fields of `metrics/get-history-bulk`."""

    run_id: list[str] = []
    metric_key: str | None = None
    max_results: int = MOST_BULK


class Interval(msgspec.Struct):
    """Fields of `metrics/get-history-bulk-interval`."""

    run_ids: list[str]
    metric_key: str
    start_step: int | None = None
    end_step: int | None = None
    max_results: int = MOST_SAMPLES


@BOOK.on("POST", "runs/log-metric")
def log_metric(call: Call, asked: LogMetric) -> None:
    """Log one point."""
    one = Metric(**{name: getattr(asked, name) for name in Metric.__struct_fields__})
    _observe(call, asked.run_id, _columns([one], "name"), _of_models([one]))


@BOOK.on("POST", "runs/log-batch")
def log_batch(call: Call, asked: LogBatch) -> None:
    """Log points, parameters and tags, all or none of them."""
    check_number("metrics", MOST_METRICS, len(asked.metrics))
    check_number("params", MOST_PARAMS, len(asked.params))
    check_number("tags", MOST_PARAMS, len(asked.tags))
    total = len(asked.metrics) + len(asked.params) + len(asked.tags)
    check_number("metrics, params, and tags", MOST_ENTITIES, total)
    columns = _columns(asked.metrics, "")
    params = _params(asked.params)
    tags = {check_key(each.key, f"tags[{at}].key"): each.value for at, each in enumerate(asked.tags)}
    if params or tags or not columns:
        fields = runs.fields_of(tags) | {"params": params, "columns": columns}
        runs.change(call, asked.run_id, **fields, models=_of_models(asked.metrics))
    else:
        _observe(call, asked.run_id, columns, _of_models(asked.metrics))


@BOOK.on("GET", "metrics/get-history")
def get_history(call: Call, asked: History) -> Any:
    """Show all points of a metric."""
    if asked.max_results is not None and asked.max_results <= 0:
        raise wrong("max_results", asked.max_results, "It must be a positive integer.")
    found = history(call, asked.run_id, asked.metric_key)
    if not found and call.perform("tracking.runs_of", ids=[asked.run_id]) == []:
        raise unknown_run(asked.run_id)
    start = offset_of(asked.page_token)
    end = start + (asked.max_results or max(1, len(found)))
    answer: dict[str, Any] = {}
    if start < len(found):
        answer["metrics"] = found.shown(asked.metric_key, start, end)
    return {**answer, "next_page_token": token_of(end)} if len(found) > end else answer


@BOOK.on("GET", "metrics/get-history-bulk")
def get_history_bulk(call: Call, asked: Bulk) -> Any:
    """Show the points of one metric of many runs."""
    if not asked.run_id:
        raise invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulk request cannot specify more than {MOST_RUNS} run_ids. "
            f"Received {len(asked.run_id)} run_ids."
        )
    if asked.metric_key is None:
        raise invalid("GetMetricHistoryBulk request must specify a metric_key.")
    most = max(0, min(asked.max_results, MOST_BULK))
    found: list[dict[str, Any]] = []
    for run, points in histories(call, sorted(asked.run_id), asked.metric_key).items():
        some = points[: most - len(found)]
        found += [{**_shown(asked.metric_key, each), "run_id": run} for each in some]
    return {"metrics": found}


@BOOK.on("GET", "metrics/get-history-bulk-interval")
def get_interval(call: Call, asked: Interval) -> Any:
    """Show a metric of many runs at evenly spaced steps, all runs at the same ones."""
    if len(asked.run_ids) > MOST_RUNS:
        raise invalid(
            f"GetMetricHistoryBulkInterval request must specify at most {MOST_RUNS} run_ids. "
            f"Received {len(asked.run_ids)} run_ids."
        )
    if not asked.run_ids:
        raise invalid("Missing value for required parameter 'run_ids'.")
    if not 1 <= asked.max_results <= MOST_SAMPLES:
        raise invalid(f"max_results must be between 1 and {MOST_SAMPLES}.")
    first, last = asked.start_step, asked.end_step
    if (first is None) != (last is None):
        raise invalid("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise invalid(
            f"end_step must be greater than start_step. Found start_step={first} and end_step={last}."
        )
    found = thinned(histories(call, asked.run_ids, asked.metric_key), first, last, asked.max_results)
    metrics = [
        {**_shown(asked.metric_key, each), "run_id": run} for run, some in found.items() for each in some
    ]
    return {"metrics": metrics} if metrics else None


def _observe(call: Call, run: str, columns: list[Column], models: list[ModelMetric] | None) -> None:
    try:
        call.perform("tracking.observe", run=run, columns=columns, models=models)
    except (NotFound, Conflict) as error:
        raise runs.explained(error, run) from None


def _columns(metrics: list[Metric], one: str) -> list[Column]:
    """Points as a column a metric, without making anything of each of them.

    Args:
        metrics: The points.
        one: What the name of a single point is called; empty for those of a batch.
    """
    rows: dict[str, list[Metric]] = {}
    for each in metrics:
        rows.setdefault(each.key, []).append(each)
    for key, some in rows.items():
        place = "" if one else f"metrics[{metrics.index(some[0])}]."
        check_key(key, one or f"{place}key", kind="Metric name")
        for attribute in ("timestamp", "step"):
            value = attrgetter(attribute)
            for each in (min(some, key=value), max(some, key=value)):
                _check_place(each, attribute, "" if one else f"metrics[{metrics.index(each)}].")
    return [_column(key, some) for key, some in rows.items()]


def _check_place(metric: Metric, attribute: str, path: str) -> None:
    if attribute == "timestamp":
        moment(metric.timestamp, f"{path}timestamp")
    elif not -_INT64 <= metric.step < _INT64:
        raise wrong(f"{path}step", metric.step, "Step must be a valid long (64-bit integer).")


def _column(key: str, some: list[Metric]) -> Column:
    steps, at_us = (
        array("q", [each.step for each in some]),
        array("q", [each.timestamp * 1000 for each in some]),
    )
    values = array("d", [each.value for each in some])
    if sys.byteorder == "big":
        for each in (steps, at_us, values):
            each.byteswap()
    return Column(key, steps.tobytes(), at_us.tobytes(), values.tobytes())


def _of_models(metrics: list[Metric]) -> list[ModelMetric] | None:
    found = [
        ModelMetric(
            model=each.model_id,
            key=each.key,
            value=written(each.value),
            step=each.step,
            at=moment(each.timestamp, "timestamp"),
            dataset=each.dataset_name,
            digest=each.dataset_digest,
        )
        for each in metrics
        if each.model_id
    ]
    return found or None


def _params(given: list[Tag]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: list[str] = []
    for index, each in enumerate(given):
        check_key(each.key, f"params[{index}].key", kind="Param key")
        if each.key in found:
            twice.append(each.key)
        found[each.key] = each.value
    if twice:
        raise Refused(
            "INVALID_PARAMETER_VALUE",
            f"Duplicate parameter keys have been submitted: {twice[:10]}. Please ensure the request contains only "
            "one param value per param key.",
        )
    return found


def _shown(key: str, point: Sample) -> dict[str, Any]:
    return {"key": key, "value": number(point.value), "timestamp": point.timestamp, "step": point.step}
