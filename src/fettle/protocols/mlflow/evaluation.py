"""Evaluation datasets: sets of questions with hoped-for answers."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import NotFound
from fettle.core.ids import digest_of
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.filters import Values, ordered, parse
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.paging import offset_of, page, token_of
from fettle.protocols.mlflow.translate import milliseconds
from fettle.tracking.records.evaluation import EvaluationRecord, EvaluationSet

BOOK = Book()
MOST_PAGE = 50_000
_ATTRIBUTES: dict[str, type] = {
    "name": str,
    "created_time": int,
    "last_update_time": int,
    "created_by": str,
    "last_updated_by": str,
}


class Create(msgspec.Struct):
    """Fields of `datasets/create`; `tags` are JSON."""

    name: str
    experiment_ids: list[str] = []
    tags: str = ""


class One(msgspec.Struct):
    """A dataset by its id."""

    dataset_id: str


class Search(msgspec.Struct):
    """Fields of `datasets/search`."""

    experiment_ids: list[str] = []
    filter_string: str = ""
    max_results: int = 1000
    order_by: list[str] = []
    page_token: str = ""


class SetTags(msgspec.Struct):
    """Fields of `datasets/{dataset_id}/tags`; `tags` are JSON."""

    dataset_id: str
    tags: str


class DropTag(msgspec.Struct):
    """Fields of `datasets/{dataset_id}/tags/{key}`."""

    dataset_id: str
    key: str


class Records(msgspec.Struct):
    """Fields of `datasets/{dataset_id}/records`; `records` are JSON."""

    dataset_id: str
    records: str


class ListRecords(msgspec.Struct):
    """Fields of `datasets/{dataset_id}/records`."""

    dataset_id: str
    max_results: int = 1000
    page_token: str = ""


class DropRecords(msgspec.Struct):
    """Fields of `datasets/{dataset_id}/records`."""

    dataset_id: str
    dataset_record_ids: list[str] = []


class Experiments(msgspec.Struct):
    """A dataset and experiments."""

    dataset_id: str
    experiment_ids: list[str] = []


@BOOK.on("POST", "datasets/create", version="3.0")
def create(call: Call, asked: Create) -> Any:
    """Make a dataset."""
    numbers = [experiment_number(each) for each in asked.experiment_ids]
    tags = _tags(asked.tags or "{}")
    made = call.perform("tracking.make_evaluation_set", name=asked.name, experiments=numbers, tags=tags)
    return {"dataset": _shown(made)}


@BOOK.on("GET", "datasets/{dataset_id}", version="3.0")
def get(call: Call, asked: One) -> Any:
    """Show a dataset."""
    return {"dataset": _shown(_found(call, asked.dataset_id))}


@BOOK.on("DELETE", "datasets/{dataset_id}", version="3.0")
def delete(call: Call, asked: One) -> None:
    """Delete a dataset; one that is not there is as good as deleted."""
    try:
        call.perform("tracking.delete_evaluation_set", id=asked.dataset_id)
    except NotFound:
        return


@BOOK.on("POST", "datasets/search", version="3.0")
@BOOK.on("GET", "datasets/search", version="3.0")
def search(call: Call, asked: Search) -> Any:
    """Find datasets."""
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(f"max_results must be between 1 and {MOST_PAGE}. Got {asked.max_results}.")
    wanted = {experiment_number(each) for each in asked.experiment_ids}
    holds = parse(asked.filter_string, {"attribute": _ATTRIBUTES, "tag": None})
    known: list[EvaluationSet] = call.perform("tracking.evaluation_sets")
    matching = [
        each for each in known if (not wanted or wanted & set(each.experiments)) and holds(_values(each))
    ]
    found = ordered(matching, asked.order_by, _values, list(_ATTRIBUTES))
    some, token = page(found, asked.page_token, asked.max_results)
    answer: dict[str, Any] = {"datasets": [_shown(each) for each in some]} if some else {}
    return {**answer, "next_page_token": token} if token else answer


@BOOK.on("PATCH", "datasets/{dataset_id}/tags", version="3.0")
@BOOK.on("POST", "datasets/{dataset_id}/tags", version="3.0")
def set_tags(call: Call, asked: SetTags) -> Any:
    """Tag a dataset."""
    tags = _tags(asked.tags)
    return {"dataset": _shown(_change(call, asked.dataset_id, tags=tags))}


@BOOK.on("DELETE", "datasets/{dataset_id}/tags/{key}", version="3.0")
def drop_tag(call: Call, asked: DropTag) -> None:
    """Drop a tag."""
    _change(call, asked.dataset_id, untag=[asked.key])


@BOOK.on("POST", "datasets/{dataset_id}/records", version="3.0")
def merge_records(call: Call, asked: Records) -> Any:
    """Add records."""
    records = _decoded(asked.records, list[dict[str, Any]], "records")
    _found(call, asked.dataset_id)
    merged = call.perform("tracking.merge_evaluation_records", id=asked.dataset_id, records=records)
    return {"inserted_count": merged.inserted, "updated_count": merged.updated}


@BOOK.on("GET", "datasets/{dataset_id}/records", version="3.0")
def list_records(call: Call, asked: ListRecords) -> Any:
    """List records."""
    if not 1 <= asked.max_results <= MOST_PAGE:
        raise invalid(f"max_results must be between 1 and {MOST_PAGE}. Got {asked.max_results}.")
    _found(call, asked.dataset_id)
    start, most = offset_of(asked.page_token), asked.max_results
    some = call.perform("tracking.evaluation_records", id=asked.dataset_id, most=most + 1, start=start)
    answer = {"records": msgspec.json.encode([_record(each) for each in some[:most]]).decode()}
    return {**answer, "next_page_token": token_of(start + most)} if len(some) > most else answer


@BOOK.on("DELETE", "datasets/{dataset_id}/records", version="3.0")
def drop_records(call: Call, asked: DropRecords) -> Any:
    """Take records away."""
    _found(call, asked.dataset_id)
    gone = call.perform(
        "tracking.drop_evaluation_records", id=asked.dataset_id, records=asked.dataset_record_ids
    )
    return {"deleted_count": gone}


@BOOK.on("GET", "datasets/{dataset_id}/experiment-ids", version="3.0")
def experiment_ids(call: Call, asked: One) -> Any:
    """List the experiments a dataset belongs to."""
    numbers = _found(call, asked.dataset_id).experiments
    return {"experiment_ids": [str(each) for each in numbers]} if numbers else None


@BOOK.on("POST", "datasets/{dataset_id}/add-experiments", version="3.0")
def add_experiments(call: Call, asked: Experiments) -> Any:
    """Have a dataset belong to experiments."""
    numbers = [experiment_number(each) for each in asked.experiment_ids]
    return {"dataset": _shown(_change(call, asked.dataset_id, join=numbers))}


@BOOK.on("POST", "datasets/{dataset_id}/remove-experiments", version="3.0")
def remove_experiments(call: Call, asked: Experiments) -> Any:
    """Have a dataset no longer belong to experiments."""
    numbers = [experiment_number(each) for each in asked.experiment_ids]
    return {"dataset": _shown(_change(call, asked.dataset_id, leave=numbers))}


def _found(call: Call, dataset_id: str) -> EvaluationSet:
    try:
        return call.perform("tracking.evaluation_set", id=dataset_id)
    except NotFound:
        raise _unknown(dataset_id) from None


def _change(call: Call, dataset_id: str, **fields: Any) -> EvaluationSet:
    _found(call, dataset_id)
    return call.perform("tracking.change_evaluation_set", id=dataset_id, **fields)


def _unknown(dataset_id: str) -> Refused:
    return missing(f"Evaluation dataset with id '{dataset_id[:200]}' not found")


def _decoded(text: str, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise invalid(f"Invalid JSON in parameter '{name}': {str(error)[:200]}") from None


def _tags(text: str) -> dict[str, str]:
    """Tags from JSON; what is no text becomes JSON again."""
    given = _decoded(text, dict[str, Any], "tags")
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in given.items()
    }


def _shown(known: EvaluationSet) -> dict[str, Any]:
    fields = {
        "dataset_id": known.id,
        "name": known.name,
        "digest": digest_of([known.id, known.updated_at, known.records])[:8],
        "created_time": milliseconds(known.created_at),
        "last_update_time": milliseconds(known.updated_at),
        "created_by": known.author.removeprefix("user:"),
        "last_updated_by": known.author.removeprefix("user:"),
        "tags": msgspec.json.encode(known.tags).decode(),
        "experiment_ids": [str(each) for each in known.experiments],
    }
    if known.fields:
        fields["schema"] = msgspec.json.encode({**known.fields, "version": "1.0"}).decode()
    if known.records:
        fields["profile"] = msgspec.json.encode({"num_records": known.records}).decode()
    return {name: value for name, value in fields.items() if value != []}


def _record(known: EvaluationRecord) -> dict[str, Any]:
    source = known.said.get("source")
    kind = source.get("source_type") if isinstance(source, dict) else None
    return {
        "dataset_record_id": known.id,
        "dataset_id": known.set,
        "created_time": milliseconds(known.created_at),
        "last_update_time": milliseconds(known.updated_at),
        **known.said,
        **({"source_type": kind} if kind else {}),
    }


def _values(known: EvaluationSet) -> Values:
    author = known.author.removeprefix("user:")
    attributes = {
        "name": known.name,
        "created_time": milliseconds(known.created_at),
        "last_update_time": milliseconds(known.updated_at),
        "created_by": author,
        "last_updated_by": author,
    }
    values: dict[tuple[str, str], Any] = {("attribute", key): value for key, value in attributes.items()}
    return values | {("tag", key): value for key, value in known.tags.items()}
