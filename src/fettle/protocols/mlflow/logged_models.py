"""Logged models: what `log_model` keeps before, or without, registering it."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import NotFound
from fettle.protocols.mlflow import experiments
from fettle.protocols.mlflow.artifacts import listed
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import invalid, missing
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.filters import comparisons
from fettle.protocols.mlflow.names import MOST_KEY, check_length, experiment_number
from fettle.protocols.mlflow.paging import page
from fettle.protocols.mlflow.paths import safe
from fettle.protocols.mlflow.translate import (
    location_of,
    milliseconds,
    model_json,
    model_status_of,
)
from fettle.tracking.records.inputs import LoggedModel

BOOK = Book()
_FORBIDDEN = ("/", ":", ".", "%", '"', "'")
MOST_PAGE = 1000


class Create(msgspec.Struct):
    """Fields of `logged-models`."""

    experiment_id: str
    name: str | None = None
    model_type: str = ""
    source_run_id: str = ""
    params: list[Tag] = []
    tags: list[Tag] = []


class One(msgspec.Struct):
    """Fields of `logged-models/{model_id}`."""

    model_id: str
    allow_deleted: bool = False


class Finalize(msgspec.Struct):
    """Fields of `logged-models/{model_id}`."""

    model_id: str
    status: str | int


class AddParams(msgspec.Struct):
    """Fields of `logged-models/{model_id}/params`."""

    model_id: str
    params: list[Tag] = []


class SetTags(msgspec.Struct):
    """Fields of `logged-models/{model_id}/tags`."""

    model_id: str
    tags: list[Tag] = []


class DropTag(msgspec.Struct):
    """Fields of `logged-models/{model_id}/tags/{tag_key}`."""

    model_id: str
    tag_key: str


class ListFiles(msgspec.Struct):
    """Fields of `logged-models/{model_id}/artifacts/directories`."""

    model_id: str
    artifact_directory_path: str = ""


class Measured(msgspec.Struct):
    """A dataset that models were measured on."""

    dataset_name: str
    dataset_digest: str = ""


class OrderBy(msgspec.Struct):
    """What models are sorted by."""

    field_name: str
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class Search(msgspec.Struct):
    """Fields of `logged-models/search`."""

    experiment_ids: list[str]
    filter: str = ""
    datasets: list[Measured] = []
    max_results: int = 50
    order_by: list[OrderBy] = []
    page_token: str = ""


@BOOK.on("POST", "logged-models")
def create(call: Call, asked: Create) -> Any:
    """Make a logged model."""
    if asked.name is not None and (not asked.name or any(each in asked.name for each in _FORBIDDEN)):
        raise invalid(
            f"Invalid model name ({asked.name[:300]!r}) provided. Model name must be a non-empty string and cannot "
            f"contain the following characters: {_FORBIDDEN}"
        )
    experiment = experiments.brief(call, asked.experiment_id)
    made = call.perform(
        "tracking.make_model",
        number=experiment.number,
        name=asked.name,
        kind=asked.model_type,
        run=asked.source_run_id,
        params=_checked(asked.params),
        tags=_checked(asked.tags),
    )
    return {"model": model_json(made, location_of(experiment))}


@BOOK.on("GET", "logged-models/{model_id}")
def get(call: Call, asked: One) -> Any:
    """Show a logged model."""
    return {"model": shown(call, found(call, asked.model_id, deleted=asked.allow_deleted))}


@BOOK.on("PATCH", "logged-models/{model_id}")
def finalize(call: Call, asked: Finalize) -> Any:
    """Say whether a model's files are all here."""
    status = model_status_of(str(asked.status))
    return {"model": shown(call, _change(call, asked.model_id, status=status))}


@BOOK.on("DELETE", "logged-models/{model_id}")
def delete(call: Call, asked: One) -> None:
    """Put a logged model into the bin."""
    call.perform("tracking.delete_model", id=found(call, asked.model_id).id)


@BOOK.on("POST", "logged-models/{model_id}/params")
def add_params(call: Call, asked: AddParams) -> None:
    """Add parameters."""
    _change(call, asked.model_id, params=_checked(asked.params))


@BOOK.on("PATCH", "logged-models/{model_id}/tags")
def set_tags(call: Call, asked: SetTags) -> Any:
    """Set tags."""
    return {"model": shown(call, _change(call, asked.model_id, tags=_checked(asked.tags)))}


@BOOK.on("DELETE", "logged-models/{model_id}/tags/{tag_key}")
def drop_tag(call: Call, asked: DropTag) -> None:
    """Drop a tag."""
    _change(call, asked.model_id, untag=[asked.tag_key])


@BOOK.on("GET", "logged-models/{model_id}/artifacts/directories")
def list_files(call: Call, asked: ListFiles) -> Any:
    """List the files of a logged model."""
    model = found(call, asked.model_id)
    folder = safe(asked.artifact_directory_path, folder=True)
    files = call.perform("tracking.files", owner=f"model:{model.id}", folder=folder)
    return {
        "root_uri": shown(call, model)["info"]["artifact_uri"],
        "files": listed(files, folder, whole=True),
    }


@BOOK.on("POST", "logged-models/search")
def search(call: Call, asked: Search) -> Any:
    """Find logged models."""
    numbers = [experiment_number(each) for each in asked.experiment_ids]
    if asked.max_results > MOST_PAGE or asked.max_results < 1:
        raise invalid(f"max_results must be between 1 and {MOST_PAGE}. Got {asked.max_results}.")
    conditions = comparisons(
        asked.filter, {"attribute": _ATTRIBUTES, "tag": None, "param": None, "metric": None}
    )
    wanted = {(each.dataset_name, each.dataset_digest) for each in asked.datasets}
    matching = []
    for model in call.perform("tracking.models", experiments=numbers):
        values = _values(model, wanted)
        if all(each.holds(values) for each in conditions) and _measured_on(model, wanted, conditions):
            matching.append(model)
    some, token = page(_sorted(matching, asked.order_by), asked.page_token, asked.max_results)
    places = {each.experiment: _location(call, each) for each in some}
    answer: dict[str, Any] = (
        {"models": [model_json(each, places[each.experiment]) for each in some]} if some else {}
    )
    return {**answer, "next_page_token": token} if token else answer


def found(call: Call, model_id: str, *, deleted: bool = False) -> LoggedModel:
    """The logged model of an id."""
    try:
        return call.perform("tracking.model", id=model_id, deleted=deleted)
    except NotFound:
        raise missing(f"Logged model with ID '{model_id[:200]}' not found.") from None


def shown(call: Call, model: LoggedModel) -> dict[str, Any]:
    """A logged model as MLflow's JSON."""
    return model_json(model, _location(call, model))


def _location(call: Call, model: LoggedModel) -> str:
    known = call.perform("tracking.briefs", numbers=[model.experiment])
    return location_of(known[0]) if known else f"mlflow-artifacts:/{model.experiment}"


def _change(call: Call, model_id: str, **fields: Any) -> LoggedModel:
    return call.perform("tracking.change_model", id=found(call, model_id).id, **fields)


def _checked(given: list[Tag]) -> dict[str, str]:
    for each in given:
        check_length("key", each.key, MOST_KEY)
    return {each.key: each.value for each in given}


_ATTRIBUTES: dict[str, type] = {
    "name": str,
    "model_name": str,
    "model_id": str,
    "model_type": str,
    "status": str,
    "source_run_id": str,
    "creation_time": int,
    "creation_timestamp": int,
    "creation_timestamp_ms": int,
    "last_updated_timestamp": int,
    "last_updated_timestamp_ms": int,
    "experiment_id": str,
}


def _values(model: LoggedModel, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """What a model is searched and sorted by; of each metric its latest value on the wanted datasets."""
    values: dict[tuple[str, str], Any] = {("tag", key): value for key, value in model.tags.items()}
    values |= {("param", key): value for key, value in model.params.items()}
    for each in model.metrics:
        if not wanted or _on(each.dataset, each.digest, wanted):
            values[("metric", each.key)] = float(each.value)
    created, updated = milliseconds(model.created_at), milliseconds(model.updated_at)
    fields = {
        "name": model.name,
        "model_name": model.name,
        "model_id": model.id,
        "model_type": model.kind,
        "status": model.status.upper(),
        "source_run_id": model.run,
        "experiment_id": str(model.experiment),
        "creation_time": created,
        "creation_timestamp": created,
        "creation_timestamp_ms": created,
        "last_updated_timestamp": updated,
        "last_updated_timestamp_ms": updated,
    }
    return values | {("attribute", name): value for name, value in fields.items()}


def _on(name: str, digest: str, wanted: set[tuple[str, str]]) -> bool:
    return (name, "") in wanted or (name, digest) in wanted


def _measured_on(model: LoggedModel, wanted: set[tuple[str, str]], conditions: list[Any]) -> bool:
    if not wanted or any(each.family == "metric" for each in conditions):
        return True  # the conditions have looked at these datasets alone
    return any(_on(each.dataset, each.digest, wanted) for each in model.metrics)


def _sorted(models: list[LoggedModel], orders: list[OrderBy]) -> list[LoggedModel]:
    result = sorted(models, key=lambda each: (-milliseconds(each.created_at), each.id))
    for order in reversed(orders):
        family, dot, key = order.field_name.partition(".")
        place = (family.removesuffix("s"), key) if dot else ("attribute", order.field_name)
        if place[0] not in ("attribute", "metric") or (
            place[0] == "attribute" and place[1] not in _ATTRIBUTES
        ):
            raise invalid(f"Invalid order by field name: {order.field_name[:200]}")
        wanted = {(order.dataset_name, order.dataset_digest)} if order.dataset_name else set()
        keyed = [(_values(each, wanted).get(place), each) for each in result]
        present: list[tuple[Any, LoggedModel]] = [each for each in keyed if each[0] is not None]
        present.sort(key=lambda each: each[0], reverse=not order.ascending)
        result = [each for _, each in present] + [each for value, each in keyed if value is None]
    return result
