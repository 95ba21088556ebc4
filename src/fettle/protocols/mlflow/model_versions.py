"""Model versions: the versions of fettle's registry, and new ones made of the files that a client has logged."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import NotFound
from fettle.protocols.mlflow import entries, logged_models, sources
from fettle.protocols.mlflow.artifacts import require_editor
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.entries import (
    RUN_LINK,
    checked_name,
    checked_tags,
    model_named,
    number_of,
    version_json,
    version_numbered,
)
from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.filters import comparisons
from fettle.protocols.mlflow.sources import Source
from fettle.registry.records.versions import ModelVersion

BOOK = Book()
MOST_PAGE = 200_000
_ATTRIBUTES: dict[str, type] = {"name": str, "version_number": int, "run_id": str, "source_path": str}
_FIELDS = {"name": "name", "version_number": "version", "run_id": "run_id", "source_path": "source"}
_ORDERS = {
    "name": "name",
    "version_number": "version",
    "creation_timestamp": "at",
    "last_updated_timestamp": "updated_at",
}
_NEWEST_FIRST = ["updated_at desc", "name", "version desc"]
_MADE = "mlflow.modelVersions"
"""Tag of a logged model: the versions that were made of it, as JSON."""


class Create(msgspec.Struct):
    """Fields of `model-versions/create`."""

    name: str
    source: str
    run_id: str = ""
    tags: list[Tag] = []
    run_link: str = ""
    description: str = ""
    model_id: str = ""


class Version(msgspec.Struct):
    """A version of a model."""

    name: str
    version: str


class Update(msgspec.Struct):
    """Fields of `model-versions/update`."""

    name: str
    version: str
    description: str = ""


class Search(msgspec.Struct):
    """Fields of `model-versions/search`."""

    filter: str = ""
    max_results: int = 10_000
    order_by: list[str] = []
    page_token: str = ""


class SetTag(msgspec.Struct):
    """Fields of `model-versions/set-tag`."""

    name: str
    version: str
    key: str
    value: str = ""


class DropTag(msgspec.Struct):
    """Fields of `model-versions/delete-tag`."""

    name: str
    version: str
    key: str


class Transition(msgspec.Struct):
    """Fields of `model-versions/transition-stage`."""

    name: str
    version: str
    stage: str
    archive_existing_versions: bool = False


class _Made(msgspec.Struct):
    name: str
    version: str


@BOOK.on("POST", "model-versions/create")
def create(call: Call, asked: Create) -> Any:
    """Make a version of a model that is there."""
    require_editor(call)
    tags = checked_tags(asked.tags) | ({RUN_LINK: asked.run_link} if asked.run_link else {})
    model_named(call, asked.name)
    source = sources.resolved(call, asked.source, asked.run_id, asked.model_id)
    if source.copied is not None and source.copied.kind == "bundle":
        made = _register(call, asked, source.copied, tags)
    else:
        made = _adopt(call, asked, source, tags)
    return {"model_version": version_json(made)}


@BOOK.on("GET", "model-versions/get")
def get(call: Call, asked: Version) -> Any:
    """Show a version."""
    return {"model_version": version_json(version_numbered(call, asked.name, asked.version))}


@BOOK.on("GET", "model-versions/search")
@BOOK.on("POST", "model-versions/search")
def search(call: Call, asked: Search) -> Any:
    """Find versions of any model."""
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(
            "Invalid value for request parameter max_results. "
            f"It must be at most {MOST_PAGE}, but got value {asked.max_results}"
        )
    found = comparisons(asked.filter, {"attribute": _ATTRIBUTES, "tag": None})
    page = call.perform(
        "registry.search_versions",
        where=entries.conditions(found, _FIELDS, ("name", "run_id")),
        order_by=entries.order_of(asked.order_by, _ORDERS) or _NEWEST_FIRST,
        limit=asked.max_results,
        cursor=asked.page_token,
    )
    answer = {"model_versions": [version_json(each) for each in page.versions]} if page.versions else {}
    return {**answer, "next_page_token": page.next} if page.next else answer


@BOOK.on("PATCH", "model-versions/update")
@BOOK.on("POST", "model-versions/update")
def update(call: Call, asked: Update) -> Any:
    """Describe a version."""
    return {"model_version": version_json(_change(call, asked.name, asked.version, note=asked.description))}


@BOOK.on("DELETE", "model-versions/delete")
def delete(call: Call, asked: Version) -> None:
    """Delete a version that is not in use or on hold."""
    version = version_numbered(call, asked.name, asked.version)
    call.perform(
        "registry.delete_version",
        model=version.model,
        version=version.version,
        drop_aliases=True,
        reason="asked by an MLflow client",
    )


@BOOK.on("POST", "model-versions/set-tag")
def set_tag(call: Call, asked: SetTag) -> None:
    """Tag a version."""
    _change(call, asked.name, asked.version, tags=checked_tags([Tag(asked.key, asked.value)]))


@BOOK.on("DELETE", "model-versions/delete-tag")
def delete_tag(call: Call, asked: DropTag) -> None:
    """Drop a tag; one that is not there is as good as dropped."""
    if asked.key in version_numbered(call, asked.name, asked.version).tags:
        _change(call, asked.name, asked.version, untag=[asked.key])


@BOOK.on("POST", "model-versions/transition-stage")
def transition(call: Call, asked: Transition) -> Any:
    """Give a version a stage; Production asks what the alias `champion` asks, where that has a rule."""
    stage = entries.canonical_stage(asked.stage)
    if asked.archive_existing_versions and stage not in entries.ACTIVE_STAGES:
        raise invalid(
            "Model version transition cannot archive existing model versions because "
            f"'{asked.stage}' is not an Active stage. Valid stages are {list(entries.ACTIVE_STAGES)}"
        )
    chosen = version_numbered(call, asked.name, asked.version)
    moved = call.perform(
        "registry.stage",
        model=chosen.model,
        version=chosen.version,
        stage=stage,
        archive_others=asked.archive_existing_versions,
    )
    return {"model_version": version_json(moved)}


@BOOK.on("GET", "model-versions/get-download-uri")
def get_download_uri(call: Call, asked: Version) -> Any:
    """Say where a version's files are downloaded."""
    return {"artifact_uri": sources.download_uri(call, version_numbered(call, asked.name, asked.version))}


def _register(call: Call, asked: Create, known: ModelVersion, tags: dict[str, str]) -> ModelVersion:
    """A bundle of fettle gets a number in another model, with all that is known of it, its gates above all."""
    return call.perform(
        "registry.register",
        model=checked_name(asked.name),
        bundle=known.bundle,
        metrics=known.metrics,
        gates=known.gates,
        run_id=known.run_id,
        flow_id=known.flow_id,
        dataset=known.dataset,
        dataset_commit=known.dataset_commit,
        tags=tags,
        note=asked.description,
    )


def _adopt(call: Call, asked: Create, source: Source, tags: dict[str, str]) -> ModelVersion:
    made: ModelVersion = call.perform(
        "registry.adopt",
        model=checked_name(asked.name),
        source=source.address,
        manifest=sources.listed(call, source),
        run_id=source.run_id,
        logged_model=source.logged_model,
        tags=tags,
        note=asked.description,
    )
    if source.logged_model:
        _note_on_model(call, source.logged_model, made)
    return made


def _note_on_model(call: Call, model_id: str, made: ModelVersion) -> None:
    """Have a logged model say which versions were made of it, as its clients expect."""
    try:
        kept = logged_models.found(call, model_id).tags.get(_MADE, "[]")
        known = msgspec.json.decode(kept, type=list[_Made])
    except Refused:
        return  # it was deleted meanwhile
    except msgspec.MsgspecError:
        known = []
    new = [*known, _Made(made.model, str(made.version))]
    call.perform("tracking.change_model", id=model_id, tags={_MADE: msgspec.json.encode(new).decode()})


def _change(call: Call, name: str, number: str, **fields: Any) -> ModelVersion:
    try:
        return call.perform(
            "registry.change_version", model=checked_name(name), version=number_of(number), **fields
        )
    except NotFound:
        return version_numbered(call, name, number)  # says in MLflow's words what is missing
