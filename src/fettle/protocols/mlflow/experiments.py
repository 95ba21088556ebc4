"""Experiments: an id there is the number here; `0`, the experiment `Default`, is always there."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.filters import ordered, parse
from fettle.protocols.mlflow.names import MOST_EXPERIMENT_TAG, check_key, check_length, experiment_number
from fettle.protocols.mlflow.paging import page
from fettle.protocols.mlflow.translate import NOTES, experiment_json, milliseconds
from fettle.tracking.records.experiments import Experiment
from fettle.tracking.records.inputs import LOCATION, Brief

BOOK = Book()
DEFAULT = "Default"
MOST_PAGE = 50_000


class Tag(msgspec.Struct):
    """A key and its text."""

    key: str
    value: str = ""


class Create(msgspec.Struct):
    """Fields of `experiments/create`."""

    name: str
    artifact_location: str = ""
    tags: list[Tag] = []


class One(msgspec.Struct):
    """Fields of `experiments/get` and `experiments/delete` and others."""

    experiment_id: str


class Named(msgspec.Struct):
    """Fields of `experiments/get-by-name`."""

    experiment_name: str


class Update(msgspec.Struct):
    """Fields of `experiments/update`."""

    experiment_id: str
    new_name: str


class SetTag(msgspec.Struct):
    """Fields of `experiments/set-experiment-tag`."""

    experiment_id: str
    key: str
    value: str = ""


class DeleteTag(msgspec.Struct):
    """Fields of `experiments/delete-experiment-tag`."""

    experiment_id: str
    key: str


class Search(msgspec.Struct):
    """Fields of `experiments/search`."""

    max_results: int = 1000
    page_token: str = ""
    filter: str = ""
    order_by: list[str] = []
    view_type: str | int = "ACTIVE_ONLY"


@BOOK.on("POST", "experiments/create")
def create(call: Call, asked: Create) -> Any:
    """Make an experiment."""
    tags = {each.key: each.value for each in asked.tags}
    for key, value in tags.items():
        _check_tag(key, value)
    notes = tags.pop(NOTES, "")
    if asked.artifact_location:
        tags[LOCATION] = check_location(asked.artifact_location)
    try:
        made = call.perform("tracking.make_experiment", name=asked.name, notes=notes, tags=tags)
    except Conflict as error:
        raise Refused(
            "RESOURCE_ALREADY_EXISTS", f"Experiment(name={asked.name}) already exists. Error: {error.found}"
        ) from None
    except Invalid as error:
        raise invalid(f"Invalid experiment name: {asked.name[:600]!r}. {error.found}") from None
    return {"experiment_id": str(made.number)}


@BOOK.on("GET", "experiments/get")
def get(call: Call, asked: One) -> Any:
    """Show an experiment."""
    return {"experiment": experiment_json(by_id(call, asked.experiment_id))}


@BOOK.on("GET", "experiments/get-by-name")
def get_by_name(call: Call, asked: Named) -> Any:
    """Show the experiment of a name."""
    try:
        found = call.perform("tracking.experiment", name=asked.experiment_name)
    except NotFound:
        if asked.experiment_name != DEFAULT:
            name = asked.experiment_name[:600]
            raise missing(f"Could not find experiment with name '{name}'") from None
        found = _default(call)
    return {"experiment": experiment_json(found)}


@BOOK.on("POST", "experiments/delete")
def delete(call: Call, asked: One) -> None:
    """Put an experiment and its runs into the bin."""
    found = by_id(call, asked.experiment_id, made=True)
    if found.deleted_at is not None:
        raise missing(f"No Experiment with id={found.number} exists")
    call.perform("tracking.delete_number", number=found.number)


@BOOK.on("POST", "experiments/restore")
def restore(call: Call, asked: One) -> None:
    """Take an experiment out of the bin."""
    found = by_id(call, asked.experiment_id)
    if found.deleted_at is None:
        raise missing(f"No deleted Experiment with id={found.number} exists")
    call.perform("tracking.restore_experiment", name=found.name)


@BOOK.on("POST", "experiments/update")
def update(call: Call, asked: Update) -> None:
    """Rename an experiment."""
    found = by_id(call, asked.experiment_id, made=True)
    try:
        call.perform("tracking.change_experiment", name=found.name, to=asked.new_name)
    except Conflict as error:
        raise Refused("RESOURCE_ALREADY_EXISTS", error.message) from None


@BOOK.on("POST", "experiments/set-experiment-tag")
def set_tag(call: Call, asked: SetTag) -> None:
    """Set a tag."""
    _check_tag(asked.key, asked.value)
    found = in_use(by_id(call, asked.experiment_id, made=True))
    if asked.key == NOTES:
        call.perform("tracking.change_experiment", name=found.name, notes=asked.value)
    else:
        call.perform("tracking.change_experiment", name=found.name, tags={asked.key: asked.value})


@BOOK.on("POST", "experiments/delete-experiment-tag")
def delete_tag(call: Call, asked: DeleteTag) -> None:
    """Drop a tag."""
    found = in_use(by_id(call, asked.experiment_id))
    if asked.key == NOTES and found.notes:
        call.perform("tracking.change_experiment", name=found.name, notes="")
        return
    if asked.key not in found.tags or asked.key == LOCATION:
        raise missing(f"No tag with name: {asked.key} in experiment with id {found.number}")
    call.perform("tracking.change_experiment", name=found.name, untag=[asked.key])


@BOOK.on("POST", "experiments/search")
@BOOK.on("GET", "experiments/search")
def search(call: Call, asked: Search) -> Any:
    """Find experiments."""
    if not 0 < asked.max_results <= MOST_PAGE:
        raise invalid(
            f"Invalid value {asked.max_results} for parameter 'max_results' supplied. "
            f"It must be a positive integer, at most {MOST_PAGE}."
        )
    matches = parse(asked.filter, {"attribute": _ATTRIBUTES, "tag": None})
    found = [each for each in everything(call, view_of(asked.view_type)) if matches(_values(each))]
    orders = asked.order_by or ["creation_time DESC", "experiment_id ASC"]
    found = ordered(found, orders, _values, _ORDERS)
    some, token = page(found, asked.page_token, asked.max_results)
    answer: dict[str, Any] = {"experiments": [experiment_json(each) for each in some]} if some else {}
    return {**answer, "next_page_token": token} if token else answer


_ATTRIBUTES = {"name": str, "creation_time": int, "last_update_time": int, "experiment_id": str}
_ORDERS = ("name", "experiment_id", "creation_time", "last_update_time")


def _values(found: Experiment) -> dict[tuple[str, str], Any]:
    """What can be searched and sorted by."""
    values: dict[tuple[str, str], Any] = {("tag", key): value for key, value in found.tags.items()}
    values[("attribute", "name")] = found.name
    values[("attribute", "experiment_id")] = found.number
    values[("attribute", "creation_time")] = milliseconds(found.created_at)
    values[("attribute", "last_update_time")] = milliseconds(found.updated_at)
    return values


def view_of(given: str | int) -> bool | None:
    """Whether a view shows what is in the bin: False no, True nothing else, None too."""
    views: dict[str, bool | None] = {"ACTIVE_ONLY": False, "DELETED_ONLY": True, "ALL": None}
    views |= {"1": False, "2": True, "3": None}
    if str(given) not in views:
        raise invalid(f"Invalid view type '{str(given)[:80]}'.")
    return views[str(given)]


def everything(call: Call, deleted: bool | None) -> list[Experiment]:
    """The experiments of a view, `Default` among them even if it has no row yet."""
    found: list[Experiment] = []
    if deleted is not True:
        found += call.perform("tracking.experiments")
    binned = call.perform("tracking.experiments", deleted=True)
    if deleted is not True and not any(each.number == 0 for each in [*found, *binned]):
        oldest = min((each.created_at for each in found), default=call.workspace.clock.now())
        found.append(_virtual(call, oldest - timedelta(milliseconds=1)))
    return found if deleted is False else [*found, *binned]


def by_id(call: Call, text: str, *, made: bool = False) -> Experiment:
    """The experiment of an id; `made`: with a row, which `Default` gets when it is first needed.

    Raises:
        Refused: There is none.
    """
    number = experiment_number(text)
    try:
        return call.perform("tracking.experiment", number=number)
    except NotFound:
        if number != 0:
            raise missing(f"No Experiment with id={number} exists") from None
        return call.perform("tracking.make_experiment", name=DEFAULT) if made else _default(call)


def brief(call: Call, text: str) -> Brief:
    """The experiment of an id that is in use, without what must be counted.

    Raises:
        Refused: There is none, or it is in the bin.
    """
    number = experiment_number(text)
    found = call.perform("tracking.briefs", numbers=[number])
    if not found and number != 0:
        raise missing(f"No Experiment with id={number} exists")
    known = found[0] if found else Brief(0, DEFAULT)
    if known.deleted_at is not None:
        raise binned(number)
    return known


def binned(number: int) -> Refused:
    """The error for a change in an experiment that is in the bin."""
    return invalid(f"The experiment {number} must be in the 'active' state. Current state is deleted.")


def in_use(found: Experiment) -> Experiment:
    """The experiment, unless it is in the bin."""
    if found.deleted_at is not None:
        raise binned(found.number)
    return found


def _default(call: Call) -> Experiment:
    return _virtual(call, call.workspace.clock.now())


def _virtual(call: Call, at: Any) -> Experiment:
    return Experiment(name=DEFAULT, number=0, runs=0, latest_at=None, created_at=at, updated_at=at)


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


def check_location(location: str) -> str:
    """Return the place where clients shall keep an experiment's artifacts, if it can be one.

    The server itself never opens it: a client that is told such a place goes there on its own.
    """
    parts = urlsplit(location) if len(location) <= 2048 else None
    plain = location
    for _ in range(5):
        plain = unquote(plain)
    bad = (
        parts is None
        or parts.scheme == "runs"
        or parts.fragment
        or parts.query
        or (parts.scheme and not _SCHEME.fullmatch(parts.scheme))
        or ".." in plain.replace("\\", "/").split("/")
        or any(unicodedata.category(each) in ("Cc", "Cs") for each in plain)
    )
    if bad:
        shown = location[:200]
        raise invalid(f"Invalid artifact_location: '{shown}' cannot be where artifacts are kept.")
    return location.rstrip("/") or location


def _check_tag(key: str, value: str) -> None:
    check_key(key)
    check_length("value", value, MOST_EXPERIMENT_TAG)
