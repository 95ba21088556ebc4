"""Scorers: what judges answers, registered with an experiment, version by version. They are kept, never run here."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import NotFound
from fettle.protocols.mlflow import experiments
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.translate import milliseconds
from fettle.tracking.records.evaluation import Scorer

BOOK = Book()


class Register(msgspec.Struct):
    """Fields of `scorers/register`."""

    experiment_id: str
    name: str
    serialized_scorer: str


class List(msgspec.Struct):
    """Fields of `scorers/list`."""

    experiment_id: str = ""
    experiment_ids: list[str] = []


class Configs(msgspec.Struct):
    """Fields of `scorers/online-configs`."""

    scorer_ids: list[str] = []


class Named(msgspec.Struct):
    """A scorer, and maybe one of its versions."""

    experiment_id: str
    name: str
    version: int | None = None


@BOOK.on("POST", "scorers/register", version="3.0")
def register(call: Call, asked: Register) -> Any:
    """Keep the next version of a scorer."""
    if not asked.name.strip():
        raise invalid("Scorer name cannot be empty or contain only whitespace.")
    try:
        msgspec.json.decode(asked.serialized_scorer, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise invalid("The parameter 'serialized_scorer' is not a JSON object.") from None
    number = experiments.brief(call, asked.experiment_id).number
    made = call.perform(
        "tracking.register_scorer", experiment=number, name=asked.name, scorer=asked.serialized_scorer
    )
    shown = _shown(made)
    return {**shown, "name": shown.pop("scorer_name"), "version": shown.pop("scorer_version")}


@BOOK.on("GET", "scorers/list", version="3.0")
def list_newest(call: Call, asked: List) -> Any:
    """List the scorers of experiments, each in its newest version."""
    given = [*asked.experiment_ids, *([asked.experiment_id] if asked.experiment_id else [])]
    if not given:
        raise invalid("Missing value for required parameter 'experiment_id'.")
    known = call.perform("tracking.scorers", experiments=[experiment_number(each) for each in given])
    newest = {(each.experiment, each.name): each for each in known}
    return {"scorers": [_shown(each) for each in newest.values()]} if newest else None


@BOOK.on("GET", "scorers/versions", version="3.0")
def list_versions(call: Call, asked: Named) -> Any:
    """List the versions of a scorer."""
    return {"scorers": [_shown(each) for each in _found(call, asked)]}


@BOOK.on("GET", "scorers/get", version="3.0")
def get(call: Call, asked: Named) -> Any:
    """Show a version of a scorer, the newest if none is named."""
    return {"scorer": _shown(_found(call, asked)[-1])}


@BOOK.on("DELETE", "scorers/delete", version="3.0")
def delete(call: Call, asked: Named) -> None:
    """Delete a version of a scorer, or all of them."""
    try:
        call.perform(
            "tracking.delete_scorer",
            experiment=experiment_number(asked.experiment_id),
            name=asked.name,
            version=asked.version,
        )
    except NotFound:
        raise _unknown(asked) from None


@BOOK.on("GET", "scorers/online-configs", version="3.0")
def list_configs(_call: Call, asked: Configs) -> Any:
    """Say that no scorer is run on new traces: clients ask for this with each list."""
    return {"configs": []}


def _found(call: Call, asked: Named) -> list[Scorer]:
    number = experiment_number(asked.experiment_id)
    known: list[Scorer] = call.perform("tracking.scorers", experiments=[number], name=asked.name)
    wanted = [each for each in known if asked.version in (None, each.version)]
    if not wanted:
        raise _unknown(asked)
    return wanted


def _unknown(asked: Named) -> Refused:
    version = "" if asked.version is None else f" and version {asked.version}"
    return missing(
        f"Scorer with name '{asked.name[:200]}'{version} not found for experiment {asked.experiment_id}."
    )


def _shown(scorer: Scorer) -> dict[str, Any]:
    return {
        "experiment_id": str(scorer.experiment),
        "scorer_name": scorer.name,
        "scorer_version": scorer.version,
        "serialized_scorer": scorer.scorer,
        "creation_time": milliseconds(scorer.at),
        "scorer_id": scorer.id,
    }
