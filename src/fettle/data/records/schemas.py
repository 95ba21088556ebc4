"""The nouns of validation: what is expected of a table, and in which ways it is otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from fettle.data.records.profiles import Role
from fettle.data.records.versions import Type

Severity = Literal["notice", "warning", "error"]

Monotone = Literal["increasing", "strictly increasing", "decreasing", "strictly decreasing"]
"""The order of a column's values from row to row."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is expected of one column; a field that is None or False asks nothing.

    Attributes:
        name: The column.
        type: The type of its values; integers pass for numbers, dates for times.
        role: What it is good for.
        required: Whether the column must be there.
        min: Least allowed number.
        max: Greatest allowed number.
        values: The only allowed strings.
        missing_max: Greatest allowed share of missing values, in [0, 1].
        unique: Whether no value may occur twice.
        regex: A pattern that whole texts match (Rust's syntax: no look-around).
        min_length: Least characters of a text.
        max_length: Most characters of a text.
        min_at: Earliest instant (UTC) of a date or time.
        max_at: Latest instant (UTC).
        monotone: The order of the values from row to row.
        drift_max: Greatest population stability index (less what chance gives) against the reference's profile.
    """

    name: str
    type: Type
    role: Role = "text"
    required: bool = True
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None
    missing_max: float | None = None
    unique: bool = False
    regex: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_at: datetime | None = None
    max_at: datetime | None = None
    monotone: Monotone | None = None
    drift_max: float | None = None


class Schema(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is expected of a table.

    Attributes:
        columns: A rule for each column.
        target: The column a model is to predict.
        time: The column that says when a row happened.
        rows_min: Least rows a delivery has.
    """

    columns: list[Rule]
    target: str | None = None
    time: str | None = None
    rows_min: int | None = None

    def rule(self, name: str) -> Rule | None:
        """The rule of one column, or None."""
        return next((each for each in self.columns if each.name == name), None)


class FailingRow(msgspec.Struct, frozen=True):
    """A row that breaks a rule: its number, the first row being 1, and the value there as text (None: missing)."""

    row: int
    value: str | None


class Anomaly(msgspec.Struct, frozen=True):
    """One way in which a table is not as its schema says.

    Attributes:
        kind: Such as `missing-column`, `type`, `range`, `unseen-category` (all in `validate.KINDS`).
        column: Where.
        severity: `error` spoils a model, `warning` should be looked at, `notice` is worth knowing.
        message: What is wrong, in one sentence with values.
        rows: How many rows are concerned.
        examples: Some of the values, as text.
        suggestion: What to do about it.
        change: Fields of the column's `Rule` that would make it pass; None if no rule would.
        failing: The first rows that fail (`validate.failing_rows` gives all).
    """

    kind: str
    column: str
    severity: Severity
    message: str
    rows: int = 0
    examples: list[str] = msgspec.field(default_factory=list)
    suggestion: str = ""
    change: dict[str, Any] | None = None
    failing: list[FailingRow] = []


class Report(msgspec.Struct, frozen=True):
    """The outcome of a validation, the gravest anomalies first."""

    rows: int
    anomalies: list[Anomaly]

    @property
    def ok(self) -> bool:
        """True if nothing is an error; warnings may stand."""
        return not any(each.severity == "error" for each in self.anomalies)

    def of(self, severity: Severity) -> list[Anomaly]:
        """The anomalies of one severity."""
        return [each for each in self.anomalies if each.severity == severity]
