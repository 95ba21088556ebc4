"""What runs read and made: datasets and logged models."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.protocols.mlflow import runs
from fettle.protocols.mlflow.calls import Book, Call
from fettle.protocols.mlflow.errors import invalid
from fettle.protocols.mlflow.experiments import Tag
from fettle.protocols.mlflow.names import check_length, experiment_number
from fettle.tracking.records.inputs import DatasetInput, ModelLink

BOOK = Book()
MOST_EXPERIMENTS = 20
MOST_DATASETS = 1000
_LIMITS = {"name": 500, "digest": 36, "source": 65_535, "schema": 1_048_575, "profile": 16_777_215}


class Dataset(msgspec.Struct):
    """A dataset as its client describes it."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class Input(msgspec.Struct):
    """A dataset and what it was used for."""

    dataset: Dataset
    tags: list[Tag] = []


class Model(msgspec.Struct):
    """A logged model, and the step at which it was made."""

    model_id: str
    step: int = 0


class LogInputs(msgspec.Struct):
    """Fields of `runs/log-inputs`."""

    run_id: str
    datasets: list[Input] = []
    models: list[Model] = []


class LogOutputs(msgspec.Struct):
    """Fields of `runs/outputs`."""

    run_id: str
    models: list[Model]


class SearchDatasets(msgspec.Struct):
    """Fields of `experiments/search-datasets`."""

    experiment_ids: list[str] = []


@BOOK.on("POST", "runs/log-inputs")
def log_inputs(call: Call, asked: LogInputs) -> None:
    """Add what a run read."""
    if len(asked.datasets) > MOST_DATASETS:
        raise invalid(f"At most {MOST_DATASETS} datasets in a request. Got {len(asked.datasets)}.")
    datasets = [_dataset(each) for each in asked.datasets]
    _perform(call, "tracking.add_inputs", asked.run_id, datasets=datasets, models=_links(asked.models))


@BOOK.on("POST", "runs/outputs")
def log_outputs(call: Call, asked: LogOutputs) -> None:
    """Add the models that a run made."""
    _perform(call, "tracking.add_outputs", asked.run_id, models=_links(asked.models))


@BOOK.on("POST", "experiments/search-datasets")
def search_datasets(call: Call, asked: SearchDatasets) -> Any:
    """List the datasets that runs of some experiments read."""
    if not asked.experiment_ids:
        raise invalid("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > MOST_EXPERIMENTS:
        raise invalid(
            f"SearchDatasets request cannot specify more than {MOST_EXPERIMENTS} experiment_ids. "
            f"Received {len(asked.experiment_ids)} experiment_ids."
        )
    numbers = [experiment_number(each) for each in asked.experiment_ids]
    found = call.perform("tracking.datasets", experiments=numbers)
    shown = []
    for each in found:
        fields = {"experiment_id": str(each.experiment), "name": each.name, "digest": each.digest}
        shown.append({**fields, "context": each.context} if each.context else fields)
    return {"dataset_summaries": shown} if shown else None


def _perform(call: Call, act: str, run: str, **arguments: Any) -> None:
    try:
        call.perform(act, run=run, **arguments)
    except (NotFound, Conflict) as error:
        raise runs.explained(error, run) from None


def _dataset(given: Input) -> DatasetInput:
    for name, most in _LIMITS.items():
        check_length(name, getattr(given.dataset, name), most)
    for tag in given.tags:
        check_length("key", tag.key, 255)
        check_length("value", tag.value, 500)
    fields = {name: getattr(given.dataset, name) for name in given.dataset.__struct_fields__}
    return DatasetInput(**fields, tags={each.key: each.value for each in given.tags})


def _links(models: list[Model]) -> list[ModelLink]:
    return [ModelLink(each.model_id, each.step) for each in models]
