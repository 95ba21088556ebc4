"""Registered models and their aliases: the models of fettle's registry."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.protocols.mlflow import entries
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.entries import (
    checked_name,
    checked_tags,
    model_json,
    model_named,
    unknown_model,
    version_json,
    version_numbered,
)
from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.filters import comparisons
from fettle.registry.records.models import Model

BOOK = Book()
MOST_PAGE = 1000
_ORDERS = {
    "name": "name",
    "timestamp": "updated_at",
    "last_updated_timestamp": "updated_at",
    "creation_timestamp": "at",
}


class Create(msgspec.Struct):
    """Fields of `registered-models/create`."""

    name: str
    tags: list[Tag] = []
    description: str = ""


class Name(msgspec.Struct):
    """A model."""

    name: str


class Rename(msgspec.Struct):
    """Fields of `registered-models/rename`."""

    name: str
    new_name: str


class Update(msgspec.Struct):
    """Fields of `registered-models/update`."""

    name: str
    description: str = ""


class Search(msgspec.Struct):
    """Fields of `registered-models/search`."""

    filter: str = ""
    max_results: int = 100
    order_by: list[str] = []
    page_token: str = ""


class SetTag(msgspec.Struct):
    """Fields of `registered-models/set-tag`."""

    name: str
    key: str
    value: str = ""


class DropTag(msgspec.Struct):
    """Fields of `registered-models/delete-tag`."""

    name: str
    key: str


class Latest(msgspec.Struct):
    """Fields of `registered-models/get-latest-versions`."""

    name: str
    stages: list[str] = []


class SetAlias(msgspec.Struct):
    """Fields of `registered-models/alias`."""

    name: str
    alias: str
    version: str


class Alias(msgspec.Struct):
    """An alias of a model."""

    name: str
    alias: str


@BOOK.on("POST", "registered-models/create")
def create(call: Call, asked: Create) -> Any:
    """Make a model without versions."""
    tags = checked_tags(asked.tags)
    name = checked_name(asked.name)
    try:
        made = call.perform("registry.make", model=name, description=asked.description, tags=tags)
    except Conflict:
        raise _taken(call, name, tags) from None
    return {"registered_model": model_json(made, [])}


@BOOK.on("GET", "registered-models/get")
def get(call: Call, asked: Name) -> Any:
    """Show a model."""
    return _shown(call, model_named(call, asked.name))


@BOOK.on("POST", "registered-models/rename")
def rename(call: Call, asked: Rename) -> Any:
    """Give a model another name."""
    model_named(call, asked.name)
    try:
        renamed = call.perform("registry.rename", model=asked.name, to=checked_name(asked.new_name))
    except Conflict as error:
        if "already" not in error.message:
            raise
        message = f"Registered Model (name={asked.new_name}) already exists."
        raise Refused("RESOURCE_ALREADY_EXISTS", message) from None
    return _shown(call, renamed)


@BOOK.on("PATCH", "registered-models/update")
@BOOK.on("POST", "registered-models/update")
def update(call: Call, asked: Update) -> Any:
    """Describe a model."""
    return _shown(call, _change(call, asked.name, description=asked.description))


@BOOK.on("DELETE", "registered-models/delete")
def delete(call: Call, asked: Name) -> None:
    """Delete a model with its versions, where none of them is in use or on hold."""
    model_named(call, asked.name)
    call.perform("registry.delete", model=asked.name, drop_aliases=True, reason="asked by an MLflow client")


@BOOK.on("GET", "registered-models/search")
@BOOK.on("POST", "registered-models/search")
def search(call: Call, asked: Search) -> Any:
    """Find models."""
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(
            "Invalid value for request parameter max_results. "
            f"It must be at most {MOST_PAGE}, but got value {asked.max_results}"
        )
    found = comparisons(asked.filter, {"attribute": {"name": str}, "tag": None})
    page = call.perform(
        "registry.search",
        where=entries.conditions(found, {"name": "name"}, ("name",)),
        order_by=entries.order_of(asked.order_by, _ORDERS),
        limit=asked.max_results,
        cursor=asked.page_token,
    )
    latest = entries.latest_versions(call, page.models)
    shown = [model_json(each, latest.get(each.name, [])) for each in page.models]
    answer: dict[str, Any] = {"registered_models": shown} if shown else {}
    return {**answer, "next_page_token": page.next} if page.next else answer


@BOOK.on("POST", "registered-models/set-tag")
def set_tag(call: Call, asked: SetTag) -> None:
    """Tag a model."""
    _change(call, asked.name, tags=checked_tags([Tag(asked.key, asked.value)]))


@BOOK.on("DELETE", "registered-models/delete-tag")
def delete_tag(call: Call, asked: DropTag) -> None:
    """Drop a tag; one that is not there is as good as dropped."""
    if asked.key in model_named(call, asked.name).tags:
        _change(call, asked.name, untag=[asked.key])


@BOOK.on("GET", "registered-models/get-latest-versions")
@BOOK.on("POST", "registered-models/get-latest-versions")
def get_latest_versions(call: Call, asked: Latest) -> Any:
    """List the newest version of each stage."""
    wanted = {entries.canonical_stage(each) for each in asked.stages} or set(entries.STAGES)
    model = model_named(call, asked.name)
    latest = entries.latest_versions(call, [model]).get(model.name, [])
    shown = [version_json(each) for each in latest if entries.stage_of(each) in wanted]
    return {"model_versions": shown} if shown else None


@BOOK.on("POST", "registered-models/alias")
def set_alias(call: Call, asked: SetAlias) -> None:
    """Point an alias at a version: through the gates and approvals that the alias asks for."""
    version = version_numbered(call, asked.name, asked.version)
    call.perform("registry.set_alias", model=version.model, alias=asked.alias, version=version.version)


@BOOK.on("DELETE", "registered-models/alias")
def delete_alias(call: Call, asked: Alias) -> None:
    """Take an alias away; one that is not there is as good as taken away."""
    if asked.alias in model_named(call, asked.name).aliases:
        call.perform("registry.remove_alias", model=asked.name, alias=asked.alias)


@BOOK.on("GET", "registered-models/alias")
def get_alias(call: Call, asked: Alias) -> Any:
    """Show the version that an alias names."""
    number = model_named(call, asked.name).aliases.get(asked.alias)
    if number is None:
        raise invalid(f"Registered model alias {asked.alias[:300]} not found.")
    return {"model_version": version_json(version_numbered(call, asked.name, str(number)))}


def _shown(call: Call, model: Model) -> dict[str, Any]:
    latest = entries.latest_versions(call, [model])
    return {"registered_model": model_json(model, latest.get(model.name, []))}


def _change(call: Call, name: str, **fields: Any) -> Model:
    try:
        return call.perform("registry.change", model=checked_name(name), **fields)
    except NotFound:
        raise unknown_model(name) from None


def _taken(call: Call, name: str, tags: dict[str, str]) -> Refused:
    """The error for a name that is in use, by a model or by a prompt."""
    kinds = {True: "Prompt", False: "Registered Model"}
    known = kinds[_is_prompt(model_named(call, name).tags)]
    wanted = kinds[_is_prompt(tags)]
    if known == wanted:
        return Refused("RESOURCE_ALREADY_EXISTS", f"{known} (name={name}) already exists.")
    return Refused(
        "RESOURCE_ALREADY_EXISTS",
        f"Tried to create a {wanted.lower()} with name {name!r}, but the name is already taken by a {known.lower()}. "
        "MLflow does not allow creating a model and a prompt with the same name.",
    )


def _is_prompt(tags: dict[str, str]) -> bool:
    return tags.get(entries.PROMPT, "").lower() == "true"
