"""Models and versions of the registry in MLflow's words.

Stages are a thing of the past there and a tag here: `mlflow.stage` of a version. Where the files of a version lie is
always an address that MLflow's clients can download from this server, also for fettle's own bundles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from fettle.core.errors import NotFound
from fettle.protocols.mlflow.calls import Call, absent
from fettle.protocols.mlflow.errors import invalid, missing
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.filters import Comparison
from fettle.protocols.mlflow.names import MOST_KEY, check_key, check_length
from fettle.protocols.mlflow.translate import milliseconds, pairs
from fettle.registry.records.models import Model
from fettle.registry.records.search import Condition
from fettle.registry.records.versions import ModelVersion

STAGE, RUN_LINK, PROMPT = "mlflow.stage", "mlflow.runLink", "mlflow.prompt.is_prompt"
"""Tags of versions that are fields there; and the tag of a model that is a prompt."""
STAGES = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES = ("Staging", "Production")
BUNDLES = "mlflow-artifacts:/bundles"
"""Below it lies every bundle of fettle, by its digest."""
LISTINGS = "mlflow-artifacts:/listings"
"""Below it lie the files of versions of another tool's form, by the digest of what was written down of them."""
MOST_TAG = 100_000
_MOST_NUMBER = 2**31 - 1


def model_json(model: Model, latest: Sequence[ModelVersion]) -> dict[str, Any]:
    """A `RegisteredModel` of MLflow.

    Args:
        model: Our record.
        latest: The newest version of each stage.
    """
    fields = {
        "name": model.name,
        "creation_timestamp": milliseconds(model.at),
        "last_updated_timestamp": milliseconds(model.updated_at or model.at),
        "description": model.description,
        "latest_versions": [version_json(each) for each in latest],
        "tags": pairs(model.tags),
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in model.aliases.items()],
    }
    return {name: value for name, value in fields.items() if value not in ("", []) or name == "description"}


def version_json(version: ModelVersion) -> dict[str, Any]:
    """A `ModelVersion` of MLflow."""
    fields = {
        "name": version.model,
        "version": str(version.version),
        "creation_timestamp": milliseconds(version.at),
        "last_updated_timestamp": milliseconds(version.updated_at or version.at),
        "user_id": version.author.removeprefix("user:"),
        "current_stage": stage_of(version),
        "description": version.description,
        "source": source_of(version),
        "run_id": version.run_id or "",
        "run_link": version.tags.get(RUN_LINK, ""),
        "status": "READY",
        "model_id": version.logged_model or "",
        "tags": pairs({key: value for key, value in version.tags.items() if key not in (STAGE, RUN_LINK)}),
        "aliases": version.aliases,
    }
    return {name: value for name, value in fields.items() if value not in ("", []) or name == "description"}


def source_of(version: ModelVersion) -> str:
    """Where a version's files are said to lie."""
    return version.source if version.kind == "foreign" else f"{BUNDLES}/{version.bundle}"


def stage_of(version: ModelVersion) -> str:
    """The stage of a version; `None`, the text, is the first."""
    return version.tags.get(STAGE) or STAGES[0]


def canonical_stage(text: str) -> str:
    """A stage in its own letter case.

    Raises:
        Refused: There is no such stage.
    """
    for each in STAGES:
        if each.lower() == text.lower():
            return each
    raise invalid(f"Invalid Model Version stage: {text[:100]}. Value must be one of {', '.join(STAGES)}.")


def model_named(call: Call, name: str) -> Model:
    """The model of a name."""
    try:
        return call.perform("registry.model", model=checked_name(name))
    except NotFound:
        raise unknown_model(name) from None


def version_numbered(call: Call, name: str, number: str) -> ModelVersion:
    """The version of a model by its number."""
    try:
        return call.perform("registry.show", model=checked_name(name), version=number_of(number))
    except NotFound:
        raise missing(f"Model Version (name={name[:300]}, version={number}) not found") from None


def unknown_model(name: str) -> Exception:
    """The error for a model that is not there."""
    return missing(f"Registered Model with name={name[:300]} not found")


def checked_name(name: str) -> str:
    """The name, if MLflow lets it name a model; what fettle asks besides, its acts say."""
    if not name.strip():
        raise absent("name")
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name '{name[:300]}'. Names cannot contain '/' or ':'.")
    return name


def number_of(text: str) -> int:
    """The number of a version.

    Raises:
        Refused: It is none.
    """
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise invalid(f"Parameter 'version' must be an integer, got '{text[:80]}'.")
    number = int(text)
    return number if abs(number) <= _MOST_NUMBER else 0  # none has that number, nor 0


def checked_tags(given: Iterable[Tag]) -> dict[str, str]:
    """Tags as a dictionary; the last of a key counts."""
    found = {}
    for each in given:
        check_key(each.key, "key")
        check_length("key", each.key, MOST_KEY)
        found[each.key] = check_length("value", each.value, MOST_TAG)
    return found


def latest_versions(call: Call, models: Sequence[Model]) -> dict[str, list[ModelVersion]]:
    """The newest version of each stage of some models, by model."""
    some = [each for each in models if each.latest]
    if not some:
        return {}
    names = Condition("name", "in", [each.name for each in some])
    numbers = Condition("version", "in", sorted({str(each.latest) for each in some}))
    staged = _versions(call, [names, Condition(f"tag.{STAGE}", "is not null")])
    newest = {each.name: each.latest for each in some}
    found: dict[str, dict[str, ModelVersion]] = {}
    for each in [*_versions(call, [names, numbers]), *staged]:
        known = found.setdefault(each.model, {})
        if stage_of(each) != STAGES[0] or each.version == newest[each.model]:
            kept = known.get(stage_of(each))
            known[stage_of(each)] = each if kept is None or kept.version < each.version else kept
    for name, known in found.items():
        if STAGES[0] not in known:
            known |= _first_without_stage(call, name)
    return {name: [known[stage] for stage in STAGES if stage in known] for name, known in found.items()}


def versions_with(call: Call, field: str, value: str) -> list[ModelVersion]:
    """The versions of any model that have a bundle or a manifest."""
    return _versions(call, [Condition(field, "=", value)])


def _first_without_stage(call: Call, name: str) -> dict[str, ModelVersion]:
    """The newest version of a model that has no stage, if one is left."""
    unstaged = [Condition("name", "=", name), Condition(f"tag.{STAGE}", "is null")]
    page = call.perform("registry.search_versions", where=unstaged, order_by=["version desc"], limit=1)
    return {STAGES[0]: page.versions[0]} if page.versions else {}


def _versions(call: Call, where: list[Condition]) -> list[ModelVersion]:
    return call.perform("registry.search_versions", where=where, limit=200_000).versions


def conditions(found: Sequence[Comparison], fields: dict[str, str], lists: Sequence[str]) -> list[Condition]:
    """A filter as conditions of the registry's search; prompts are left out unless it speaks of them.

    Args:
        found: The comparisons of the filter.
        fields: MLflow's attribute → our field.
        lists: The attributes that may be compared with a list.

    Raises:
        Refused: An operator that MLflow does not have there.
    """
    asked = []
    for each in found:
        attribute = each.family == "attribute"
        if each.op.startswith("IS ") or (each.op.endswith("IN") and not (attribute and each.key in lists)):
            raise invalid(f"Invalid comparator for {each.family}: {each.op}")
        if not attribute and each.key == PROMPT:
            asked.append(_prompts(each))
            continue
        field = fields[each.key] if attribute else f"tag.{each.key}"
        asked.append(Condition(field, each.op.lower(), each.value))  # type: ignore[arg-type]  # the same words
    if not any(each.field == f"tag.{PROMPT}" for each in asked):
        asked.append(Condition(f"tag.{PROMPT}", "is null"))
    return asked


def _prompts(asked: Comparison) -> Condition:
    """What is no prompt does not have the tag, and yet it is meant by `= 'false'` and `!= 'true'`."""
    others = (asked.op, str(asked.value).lower()) in (("=", "false"), ("!=", "true"))
    return Condition(f"tag.{PROMPT}", "is null") if others else Condition(f"tag.{PROMPT}", "=", asked.value)


def order_of(asked: Sequence[str], fields: dict[str, str]) -> list[str]:
    """MLflow's `order_by` as the registry's.

    Raises:
        Refused: It names another field than these, or one twice.
    """
    found: list[str] = []
    for each in asked:
        match = re.fullmatch(
            r"\s*(?:attributes?\.)?[`\"]?(\w+)[`\"]?(?:\s+(asc|desc))?\s*", each, re.IGNORECASE
        )
        if match is None or match.group(1) not in fields:
            raise invalid(f"Invalid order by key '{each[:100]}' specified. Valid keys are {sorted(fields)}")
        field = fields[match.group(1)]
        if field in {known.split()[0] for known in found}:
            raise invalid(f"`order_by` contains duplicate fields: {list(asked)}")
        found.append(f"{field} {(match.group(2) or 'asc').lower()}")
    return found
