"""The nouns of data: datasets, commits and their parts, profiles, schemas and the anomalies found against them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Type = Literal["integer", "number", "boolean", "string", "date", "datetime"]
"""What a column's values are. Whatever a file calls them, fettle keeps these six (see `fettle.data.types`)."""

Role = Literal["integer", "number", "boolean", "category", "text", "date", "constant", "identifier"]
"""What a column is good for: `category` has few distinct strings, `text` many, `identifier` one a row."""

Severity = Literal["notice", "warning", "error"]


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its name, as the source wrote it, and the type of its values."""

    name: str
    type: Type


class Source(msgspec.Struct, frozen=True):
    """Where the rows of a commit came from.

    Attributes:
        name: What the user gave: a path, a query, or any words.
        kind: `csv`, `parquet`, `json`, `jsonl`, `excel`, `sql` or `frame`.
        digest: BLAKE3 of the file's bytes, or of the query's text; empty for a frame in memory.
        size_bytes: Length of the file; 0 where there is none.
        modified_at: The file's own time (UTC), where there is a file.
    """

    name: str
    kind: str = "frame"
    digest: str = ""
    size_bytes: int = 0
    modified_at: datetime | None = None


class Part(msgspec.Struct, frozen=True):
    """A Parquet file kept under the digest of its bytes; a commit is a list of them, in order."""

    digest: str
    rows: int
    size_bytes: int


class Commit(msgspec.Struct, frozen=True):
    """One version of a dataset; it never changes.

    Attributes:
        id: Digest of the fields from `dataset` to `at`.
        dataset: The dataset's name.
        parent: The commit before it; None for the first.
        parts: The files that make it up.
        columns: Names and types, in order.
        rows: Rows of all parts.
        source: Where the rows came from (of an append: the appended ones).
        message: Why, in the author's words.
        author: Who committed.
        at: When (UTC).
        time_column: The column that says when a row happened, if it is known.
        profile_digest: The object that holds the profile; empty if none was made.
        schema_digest: The object that holds the schema these rows were checked against; empty if none.
    """

    id: str
    dataset: str
    parent: str | None
    parts: list[Part]
    columns: list[Column]
    rows: int
    source: Source
    message: str
    author: str
    at: datetime
    time_column: str | None = None
    profile_digest: str = ""
    schema_digest: str = ""

    @property
    def ref(self) -> str:
        """The reference that always means this commit: `churn@3f9a…`."""
        return f"{self.dataset}@{self.id}"

    @property
    def size_bytes(self) -> int:
        """Stored bytes of all parts."""
        return sum(part.size_bytes for part in self.parts)


class Dataset(msgspec.Struct, frozen=True):
    """A name under which commits follow each other; `branches` maps each branch to the commit at its head."""

    name: str
    created_at: datetime
    created_by: str
    branches: dict[str, str]
    rows: int
    commits: int
    updated_at: datetime


class Histogram(msgspec.Struct, frozen=True):
    """Counts of values in bins of equal width; `edges` has one more entry than `counts`, the last bin is closed."""

    edges: list[float]
    counts: list[int]


class NumberSummary(msgspec.Struct, frozen=True):
    """The finite values of a numeric column; `std` has n - 1 below the line, `quantiles` are keyed `"0.5"`."""

    min: float
    max: float
    mean: float
    std: float | None
    quantiles: dict[str, float]
    zeros: int
    negatives: int
    infinite: int
    histogram: Histogram


class TextSummary(msgspec.Struct, frozen=True):
    """The lengths of a string column's values in characters, and how many are blank or hold a space inside."""

    min_length: int
    mean_length: float
    max_length: int
    blank: int
    spaced: int


class TimeSummary(msgspec.Struct, frozen=True):
    """The first and last instant of a date or time column (UTC)."""

    min_at: datetime
    max_at: datetime


class ValueCount(msgspec.Struct, frozen=True):
    """How often a value occurs; the value as text."""

    value: str
    count: int


class ColumnProfile(msgspec.Struct, frozen=True):
    """What is known of one column: counts first, then a summary that fits its type.

    `missing` counts nulls (NaN in numbers included), `distinct` the different values that are not missing, `top` the
    most frequent of them (strings, booleans, integers).
    """

    name: str
    type: Type
    role: Role
    rows: int
    missing: int
    distinct: int
    number: NumberSummary | None = None
    text: TextSummary | None = None
    time: TimeSummary | None = None
    top: list[ValueCount] = msgspec.field(default_factory=list)

    @property
    def missing_rate(self) -> float:
        """Share of missing values, in [0, 1]."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def constant(self) -> bool:
        """Whether there is at most one value."""
        return self.distinct <= 1

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice (and there is one)."""
        return 0 < self.distinct == self.rows - self.missing


class Profile(msgspec.Struct, frozen=True):
    """What is known of a table: a summary of each column, and how many rows repeat an earlier one."""

    rows: int
    duplicate_rows: int
    columns: list[ColumnProfile]

    def column(self, name: str) -> ColumnProfile:
        """The profile of one column; KeyError if there is none of that name."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)


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


class Schema(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is expected of a table; `target` is the column a model is to predict."""

    columns: list[Rule]
    target: str | None = None
    time: str | None = None

    def rule(self, name: str) -> Rule | None:
        """The rule of one column, or None."""
        return next((each for each in self.columns if each.name == name), None)


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
    """

    kind: str
    column: str
    severity: Severity
    message: str
    rows: int = 0
    examples: list[str] = msgspec.field(default_factory=list)
    suggestion: str = ""
    change: dict[str, Any] | None = None


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
