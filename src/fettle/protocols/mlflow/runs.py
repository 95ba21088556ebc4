"""Runs, their parameters, tags and metrics: what is logged, found and put into the bin."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.protocols.mlflow import experiments
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.names import check_key, experiment_number, unknown_run
from fettle.protocols.mlflow.sheets import Info, info_of, run_of
from fettle.protocols.mlflow.translate import moment, status_of
from fettle.tracking.records.runs import Run
from fettle.tracking.records.sheets import Sheet
from fettle.tracking.search.names import NAME, NOTES, PARENT, USER

BOOK = Book()
MODELS = "mlflow.log-model.history"


class Create(msgspec.Struct):
    """Fields of `runs/create`."""

    experiment_id: str = "0"
    user_id: str = ""
    run_name: str = ""
    start_time: int = 0
    tags: list[Tag] = []


class One(msgspec.Struct):
    """Fields of `runs/get` and `runs/delete` and others."""

    run_id: str


class Update(msgspec.Struct):
    """Fields of `runs/update`."""

    run_id: str
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class LogParam(msgspec.Struct):
    """Fields of `runs/log-parameter`."""

    run_id: str
    key: str
    value: str = ""


class SetTag(msgspec.Struct):
    """Fields of `runs/set-tag`."""

    run_id: str
    key: str
    value: str = ""


class DeleteTag(msgspec.Struct):
    """Fields of `runs/delete-tag`."""

    run_id: str
    key: str


class LogModel(msgspec.Struct):
    """Fields of `runs/log-model`."""

    run_id: str
    model_json: str


@BOOK.on("POST", "runs/create")
def create(call: Call, asked: Create) -> Any:
    """Start a run."""
    tags = {each.key: each.value for each in asked.tags}
    for key in tags:
        check_key(key)
    named = tags.pop(NAME, "")
    if named and asked.run_name and named != asked.run_name:
        raise invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{asked.run_name[:500]}', mlflow.runName='{named[:500]}')."
        )
    if asked.user_id:
        tags.setdefault(USER, asked.user_id)
    number = experiment_number(asked.experiment_id or "0")
    started = moment(asked.start_time, "start_time") if asked.start_time else None
    parent, notes = tags.pop(PARENT, ""), tags.pop(NOTES, "")
    try:
        made = call.perform(
            "tracking.begin",
            number=number,
            name=asked.run_name or named or None,
            tags=tags,
            parent=parent or None,
            notes=notes or None,
            started_at=started,
        )
    except NotFound:
        raise missing(f"No Experiment with id={number} exists") from None
    except Conflict as error:
        raise experiments.binned(number) if "in the bin" in error.message else error from None
    return {"run": run_of(made)}


@BOOK.on("GET", "runs/get")
def get(call: Call, asked: One) -> Any:
    """Show a run."""
    return {"run": run_of(sheet(call, asked.run_id))}


@BOOK.on("POST", "runs/update")
def update(call: Call, asked: Update) -> Any:
    """Change a run's status, end or name."""
    change(
        call,
        asked.run_id,
        status=status_of(None if asked.status is None else str(asked.status)),
        ended_at=None if asked.end_time is None else moment(asked.end_time, "end_time"),
        name=asked.run_name or None,
    )
    return {"run_info": info(call, asked.run_id)}


@BOOK.on("POST", "runs/delete")
def delete(call: Call, asked: One) -> None:
    """Put a run into the bin."""
    run = found(call, asked.run_id)
    if run.deleted_at is None:
        call.perform("tracking.delete", run=run.id)


@BOOK.on("POST", "runs/restore")
def restore(call: Call, asked: One) -> None:
    """Take a run out of the bin."""
    call.perform("tracking.restore", run=found(call, asked.run_id).id)


@BOOK.on("POST", "runs/log-parameter")
def log_param(call: Call, asked: LogParam) -> None:
    """Set a parameter, once."""
    check_key(asked.key, kind="Param key")
    change(call, asked.run_id, params={asked.key: asked.value})


@BOOK.on("POST", "runs/set-tag")
def set_tag(call: Call, asked: SetTag) -> None:
    """Set a tag; some tags are fields of our run."""
    check_key(asked.key)
    change(call, asked.run_id, **fields_of({asked.key: asked.value}))


@BOOK.on("POST", "runs/delete-tag")
def delete_tag(call: Call, asked: DeleteTag) -> None:
    """Drop a tag."""
    if asked.key == NOTES:
        change(call, asked.run_id, notes="")
        return
    run = found(call, asked.run_id)
    if run.deleted_at is None and asked.key not in run.tags:
        raise Refused("RESOURCE_DOES_NOT_EXIST", f"No tag with name: {asked.key} in run with id {run.id}")
    change(call, run.id, untag=[asked.key])


@BOOK.on("POST", "runs/log-model")
def log_model(call: Call, asked: LogModel) -> None:
    """Add a model to the history that clients before version 3 keep in a tag."""
    try:
        model = msgspec.json.decode(asked.model_json, type=dict[str, Any])
    except msgspec.DecodeError:
        raise invalid("Malformed model info: it is not a JSON object.") from None
    lacking = {"artifact_path", "flavors", "utc_time_created", "run_id"} - set(model)
    if lacking:
        raise invalid(f"Model json is missing mandatory fields: {sorted(lacking)}")
    known = found(call, asked.run_id).tags.get(MODELS, "[]")
    try:
        history = msgspec.json.decode(known, type=list[Any])
    except msgspec.DecodeError:
        history = []
    change(call, asked.run_id, tags={MODELS: msgspec.json.encode([*history, model]).decode()})


def fields_of(tags: dict[str, str]) -> dict[str, Any]:
    """Tags as what `tracking.record` takes: those that are fields of a run apart."""
    rest = dict(tags)
    fields: dict[str, Any] = {
        "name": rest.pop(NAME, None) or None,
        "parent": rest.pop(PARENT, None),
        "notes": rest.pop(NOTES, None),
    }
    return {key: value for key, value in fields.items() if value is not None} | (
        {"tags": rest} if rest else {}
    )


def change(call: Call, run_id: str, **fields: Any) -> None:
    """Change a run as `tracking.record` does, with errors in MLflow's words."""
    try:
        call.perform("tracking.record", run=run_id, **fields)
    except (NotFound, Conflict) as error:
        raise explained(error, run_id) from None


def explained(error: NotFound | Conflict, run_id: str) -> Exception:
    """The error about a run, in MLflow's words."""
    if isinstance(error, NotFound):
        return unknown_run(run_id) if error.subject.startswith("run:") else error
    if "in the bin" in error.message:
        return invalid(f"The run {run_id} must be in the 'active' state. Current state is deleted.")
    if error.message.startswith("Changing the values"):
        return invalid(
            f"Changing param values is not allowed. Params were already logged for run ID='{run_id}': "
            f"{error.found}."
        )
    return error


def found(call: Call, run_id: str) -> Run:
    """The run of an id, in the bin or not.

    Raises:
        Refused: There is none.
    """
    known = call.perform("tracking.runs_of", ids=[run_id])
    if not known:
        raise unknown_run(run_id)
    return known[0]


def sheet(call: Call, run_id: str) -> Sheet:
    """The run of an id with all that is shown of it.

    Raises:
        Refused: There is none.
    """
    known = call.perform("tracking.sheets", ids=[run_id])
    if not known:
        raise unknown_run(run_id)
    return known[0]


def info(call: Call, run_id: str) -> Info:
    """A run's `RunInfo`."""
    return info_of(sheet(call, run_id))
