"""Records of the workspace as MLflow's JSON, and its words as ours.

A run's name, parent, author and notes are fields of a run here and tags there (`tracking.search.names`). Numbers of
64 bits are numbers, not texts; ids and versions are texts; what is empty is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fettle.protocols.mlflow.calls import wrong
from fettle.tracking.records.experiments import Experiment
from fettle.tracking.records.inputs import LOCATION, Brief, LoggedModel, ModelMetric
from fettle.tracking.records.runs import Status
from fettle.tracking.search.names import NOTES

CAPTURED = {
    "mlflow.source.name": "code.entry",
    "mlflow.source.git.commit": "git.commit",
    "mlflow.source.git.branch": "git.branch",
    "mlflow.source.git.repoURL": "git.remote",
}
"""Tag there → tag here, where the run has not got the one there."""

STATUSES: dict[Status, str] = {
    "scheduled": "SCHEDULED",
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "killed": "KILLED",
}
_STATUS_NUMBERS = {"1": "running", "2": "scheduled", "3": "finished", "4": "failed", "5": "killed"}
MODEL_STATUSES = {
    "pending": "LOGGED_MODEL_PENDING",
    "ready": "LOGGED_MODEL_READY",
    "failed": "LOGGED_MODEL_UPLOAD_FAILED",
}
_MODEL_STATUS_NUMBERS = {"1": "pending", "2": "ready", "3": "failed"}

LARGEST = 1.7976931348623157e308
"""What MLflow shows for infinity."""
_LAST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


def milliseconds(at: datetime) -> int:
    """A time as whole milliseconds since 1970."""
    return (at - _EPOCH) // _MILLISECOND


def moment(ms: int, path: str) -> datetime:
    """The time of so many milliseconds since 1970.

    Raises:
        Refused: It lies before 1970 or behind the year 9999.
    """
    if not 0 <= ms <= _LAST_MS:
        raise wrong(path, ms, "Timestamp must be a nonnegative number of milliseconds, before the year 10000")
    return _EPOCH + ms * _MILLISECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def number(value: float | str) -> float | str:
    """A metric's value in MLflow's form: infinities are the largest floats, NaN is a text."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    return math.copysign(LARGEST, value) if math.isinf(value) else value


def status_of(text: str | None) -> Status | None:
    """Our status for MLflow's, which is a name or a number.

    Raises:
        Refused: It is neither.
    """
    if text is None:
        return None
    known = {shown: ours for ours, shown in STATUSES.items()} | _STATUS_NUMBERS
    if text not in known:
        raise wrong("status", text)
    return known[text]  # type: ignore[return-value]  # both tables hold statuses only


def model_status_of(text: str) -> str:
    """Our status of a logged model for MLflow's, which is a name or a number."""
    known = {shown: ours for ours, shown in MODEL_STATUSES.items()} | _MODEL_STATUS_NUMBERS
    if text not in known:
        raise wrong("status", text)
    return known[text]


def pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Keys and values as MLflow lists them."""
    return [{"key": key, "value": value} for key, value in values.items()]


def experiment_json(found: Experiment) -> dict[str, Any]:
    """An `Experiment` of MLflow."""
    tags = {key: value for key, value in found.tags.items() if key != LOCATION}
    if found.notes:
        tags[NOTES] = found.notes
    fields = {
        "experiment_id": str(found.number),
        "name": found.name,
        "artifact_location": location_of(found),
        "lifecycle_stage": "active" if found.deleted_at is None else "deleted",
        "last_update_time": milliseconds(found.updated_at),
        "creation_time": milliseconds(found.created_at),
    }
    return {**fields, "tags": pairs(tags)} if tags else fields


def location_of(found: Experiment | Brief) -> str:
    """Where the artifacts of an experiment's runs are, as its clients call it."""
    kept = found.location if isinstance(found, Brief) else found.tags.get(LOCATION)
    return kept or f"mlflow-artifacts:/{found.number}"


def model_json(model: LoggedModel, location: str) -> dict[str, Any]:
    """A `LoggedModel` of MLflow.

    Args:
        model: Our record.
        location: Of its experiment's artifacts.
    """
    info = {
        "model_id": model.id,
        "experiment_id": str(model.experiment),
        "name": model.name,
        "creation_timestamp_ms": milliseconds(model.created_at),
        "last_updated_timestamp_ms": milliseconds(model.updated_at),
        "artifact_uri": f"{location.rstrip('/')}/models/{model.id}/artifacts",
        "status": MODEL_STATUSES[model.status],
        "model_type": model.kind,
        "source_run_id": model.run,
        "tags": pairs(model.tags),
    }
    data = {"params": pairs(model.params), "metrics": list(_model_metrics(model.metrics))}
    return {
        "info": {name: value for name, value in info.items() if value not in ("", [])},
        "data": {name: value for name, value in data.items() if value},
    }


def _model_metrics(metrics: Iterable[ModelMetric]) -> Iterable[dict[str, Any]]:
    for each in metrics:
        fields = {
            "key": each.key,
            "value": number(each.value),
            "timestamp": milliseconds(each.at) if each.at else 0,
            "step": each.step,
            "model_id": each.model,
            "run_id": each.run,
            "dataset_name": each.dataset,
            "dataset_digest": each.digest,
        }
        yield {name: value for name, value in fields.items() if value != ""}
