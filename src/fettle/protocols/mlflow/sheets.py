"""Runs as MLflow's JSON: structs that are written as they are, without a dictionary on the way."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from fettle.protocols.mlflow.translate import CAPTURED, LARGEST, STATUSES, location_of
from fettle.tracking.records.inputs import DatasetInput
from fettle.tracking.records.sheets import Last, Sheet
from fettle.tracking.search.names import NAME, NOTES, PARENT, USER


class Pair(msgspec.Struct, gc=False):
    """A parameter or a tag."""

    key: str
    value: str


class Metric(msgspec.Struct, gc=False):
    """The last value of a metric."""

    key: str
    value: float | str
    timestamp: int
    step: int


class Info(msgspec.Struct):
    """MLflow's `RunInfo`."""

    run_id: str
    run_uuid: str
    run_name: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    artifact_uri: str
    lifecycle_stage: str
    end_time: int | UnsetType = UNSET


class Data(msgspec.Struct):
    """MLflow's `RunData`."""

    metrics: list[Metric] | UnsetType = UNSET
    params: list[Pair] | UnsetType = UNSET
    tags: list[Pair] | UnsetType = UNSET


class Run(msgspec.Struct):
    """MLflow's `Run`."""

    info: Info
    data: Data
    inputs: dict[str, Any]
    outputs: dict[str, Any] | UnsetType = UNSET


def run_of(sheet: Sheet) -> Run:
    """A `Run` of MLflow."""
    data = Data(
        [_metric(each) for each in sheet.metrics] or UNSET,
        [Pair(key, value) for key, value in sheet.params.items()] or UNSET,
        [Pair(key, value) for key, value in tags_of(sheet).items()],
    )
    return Run(info_of(sheet), data, _inputs(sheet) if sheet.datasets or sheet.read else {}, _outputs(sheet))


def info_of(sheet: Sheet) -> Info:
    """A `RunInfo` of MLflow."""
    return Info(
        sheet.id,
        sheet.id,
        sheet.name,
        str(sheet.experiment.number),
        user_of(sheet),
        STATUSES[sheet.status],
        sheet.started_us // 1000,
        f"{location_of(sheet.experiment).rstrip('/')}/{sheet.id}/artifacts",
        "deleted" if sheet.deleted else "active",
        UNSET if sheet.ended_us is None else sheet.ended_us // 1000,
    )


def user_of(sheet: Sheet) -> str:
    """Who MLflow says made a run: what its client said, else our author."""
    return sheet.tags.get(USER) or sheet.author.removeprefix("user:")


def tags_of(sheet: Sheet) -> dict[str, str]:
    """A run's tags, with those that are fields here, and what was captured under the names that MLflow has for it."""
    said = sheet.tags
    tags = {there: said[here] for there, here in CAPTURED.items() if said.get(here)}
    if "mlflow.source.name" in tags:
        tags["mlflow.source.type"] = "LOCAL"
    tags |= said
    for key, value in (
        (NAME, sheet.name),
        (PARENT, sheet.parent),
        (NOTES, sheet.notes),
        (USER, user_of(sheet)),
    ):
        if value:
            tags[key] = value
    return tags


def _metric(last: Last) -> Metric:
    value = last.value
    if value in ("Infinity", "-Infinity"):
        value = math.copysign(LARGEST, float(value))
    return Metric(last.key, value, last.at_us // 1000, last.step)


def _inputs(sheet: Sheet) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    if sheet.datasets:
        inputs["dataset_inputs"] = [_dataset(each) for each in sheet.datasets]
    if sheet.read:
        inputs["model_inputs"] = [{"model_id": each.model} for each in sheet.read]
    return inputs


def _outputs(sheet: Sheet) -> dict[str, Any] | UnsetType:
    if not sheet.made:
        return UNSET
    return {"model_outputs": [{"model_id": each.model, "step": each.step} for each in sheet.made]}


def _dataset(found: DatasetInput) -> dict[str, Any]:
    """A `DatasetInput` of MLflow."""
    fields = {name: getattr(found, name) for name in ("name", "digest", "source_type", "source")}
    fields |= {name: getattr(found, name) for name in ("schema", "profile") if getattr(found, name)}
    tags = [Pair(key, value) for key, value in found.tags.items()]
    return {"tags": tags, "dataset": fields} if tags else {"dataset": fields}
