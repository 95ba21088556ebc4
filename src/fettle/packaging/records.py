"""The nouns of packaging: the manifest of a bundle, the schema of its rows, the report on parity."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import GateFailed, Invalid
from fettle.training.records import Feature, Label, Task

FORMAT = "fettle.bundle/1"
MODEL_FILE = "model.onnx"
SCHEMA_FILE = "schema.json"
EXAMPLES_FILE = "examples.json"
REFERENCE_FILE = "reference.json"
METRICS_FILE = "metrics.json"
PARITY_FILE = "parity.json"
ENVIRONMENT_FILE = "environment.json"
LINEAGE_FILE = "lineage.json"
CLEANING_FILE = "cleaning.json"
"""How rows are cleaned before the graph sees them; a bundle without it takes them as they are."""

Row = dict[str, Any]
"""One row as JSON has it: column → number, text, boolean or null; dates and times as ISO 8601 text."""

Answer = dict[str, Any]
"""Classes: `{"prediction": label, "probabilities": {label: p}}`; a regression: `{"prediction": number}`."""


class RowInvalid(Invalid):
    """A row that does not fit the model's schema: a column is missing, or has a value of another type."""


class ParityFailed(GateFailed):
    """The packaged model does not answer as the original does, so it is not packaged."""


class Damaged(Invalid):
    """A bundle whose files are not what its manifest says."""


class Schema(msgspec.Struct, frozen=True):
    """What a row must have and what an answer looks like.

    Attributes:
        task: The kind of problem.
        target: The name of what is predicted.
        columns: What goes in; a column that is `nullable` may be left out of a row.
        labels: The classes in the order of the probabilities; empty for a regression.
        ignored: Columns of the training data that the model does not look at; a row may have them.
    """

    task: Task
    target: str
    columns: tuple[Feature, ...]
    labels: tuple[Label, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns of a row."""
        return [each.name for each in self.columns]


class File(msgspec.Struct, frozen=True):
    """One file of a bundle."""

    name: str
    digest: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """The table of contents; the BLAKE3 of its canonical bytes is the bundle's digest.

    Attributes:
        task: The kind of problem.
        target: What is predicted.
        algorithm: What learned it.
        params: With which hyper-parameters.
        rows: From how many rows.
        files: Every file, by name.
        format: The form of this manifest.
    """

    task: Task
    target: str
    algorithm: str
    params: dict[str, Any]
    rows: int
    files: tuple[File, ...]
    format: str = FORMAT


class Example(msgspec.Struct, frozen=True):
    """A row that was held out, and what the packaged model answers to it."""

    row: Row
    answer: Answer


class ParityReport(msgspec.Struct, frozen=True):
    """How far the packaged model's answers are from the original's, row by row.

    Attributes:
        rows: How many rows were compared.
        worst: The largest difference of a probability, or of a number in deviations of the target.
        tolerance: The largest difference allowed.
        flips: Rows where the class differs though the probabilities of the two leading classes do not tie.
        cases: The largest difference for each kind of row: `held out`, `missing`, `unseen`, `extreme`.
    """

    rows: int
    worst: float
    tolerance: float
    flips: int
    cases: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every row agrees."""
        return self.worst <= self.tolerance and self.flips == 0
