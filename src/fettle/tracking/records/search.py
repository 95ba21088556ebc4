"""What a search asks for, as a tree, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from fettle.tracking.records.runs import Run

Family = Literal["metrics", "params", "tags", "attribute", "dataset", "words"]
"""Where a value is looked up."""

Statistic = Literal["last", "low", "high", "mean", "count", "step"]
"""What of a metric is looked at."""

Op = Literal["=", "<", "<=", ">", ">=", "in", "between", "like", "ilike", "contains", "null"]

Value: TypeAlias = str | float | int | bool | datetime


class Field(msgspec.Struct, frozen=True):
    """What a condition looks at.

    Attributes:
        family: Where it is looked up.
        key: The metric, parameter or tag; the attribute's own name (`started_at`); empty for `words`.
        statistic: What of a metric.
    """

    family: Family
    key: str
    statistic: Statistic = "last"


class Term(msgspec.Struct, frozen=True):
    """One condition about one field.

    It is false for a run that lacks the value; with `denied` too, except that `null` is about just that.

    Attributes:
        field: What is looked at.
        op: How it is compared.
        values: With what: one value, two for `between`, any number for `in`, none for `null`.
        denied: `not in`, `!=`, `is not null` …
    """

    field: Field
    op: Op
    values: tuple[Value, ...] = ()
    denied: bool = False


class All(msgspec.Struct, frozen=True):
    """True where each part is; without parts always."""

    parts: tuple[Condition, ...] = ()


class Either(msgspec.Struct, frozen=True):
    """True where one of the parts is."""

    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
    """True where the part is false: each condition is one or the other, also of runs that lack a value."""

    part: Condition


Condition: TypeAlias = Term | All | Either | Not


class Order(msgspec.Struct, frozen=True):
    """What runs are sorted by; those without the value come last either way.

    Attributes:
        field: What is looked at.
        descending: The greatest first.
        as_text: Sort a parameter by its text even where it is a number.
    """

    field: Field
    descending: bool = False
    as_text: bool = False


class Query(msgspec.Struct, frozen=True):
    """A whole search.

    Attributes:
        where: The condition.
        experiments: Only runs of these; None means of any.
        order: What the runs are sorted by; ends by itself with the newest first.
        limit: At most so many.
        offset: Pass over so many first.
        cursor: Go on behind the page that named it.
        archived: True: only those put aside; None: those too.
        deleted: True: only those in the bin; None: those too.
    """

    where: Condition = All()
    experiments: tuple[str, ...] | None = None
    order: tuple[Order, ...] = ()
    limit: int = 100
    offset: int = 0
    cursor: str | None = None
    archived: bool | None = False
    deleted: bool | None = False


class Page(msgspec.Struct, frozen=True):
    """A part of the runs that were found.

    Attributes:
        runs: In their order.
        next: What to give as `cursor` for the runs behind these; None where there are none.
        unknown: Where nothing was found: the fields that the search names and no run has, with what may be meant.
    """

    runs: list[Run]
    next: str | None = None
    unknown: list[str] = []


class Table(msgspec.Struct, frozen=True):
    """Fields of many runs, a column a field.

    Attributes:
        runs: Ids, in their order.
        names: The fields as they were asked for.
        columns: For each field a value for each run: None where the run lacks it, and the texts `NaN`, `Infinity`,
            `-Infinity` for numbers that JSON cannot write.
        next: What to give as `cursor` for the runs behind these; None where there are none.
    """

    runs: list[str]
    names: list[str]
    columns: list[list[Any]]
    next: str | None = None


class Group(msgspec.Struct, frozen=True):
    """Runs that agree in what they were grouped by, and one metric of them.

    Attributes:
        by: What they agree in: field → value, None where they lack it.
        metric: The metric that is summarised.
        runs: How many runs there are.
        count: How many of them have a finite value of the metric.
        mean: The mean.
        std: The standard deviation (n - 1); None for fewer than two.
        low95: Lower end of the 95 % interval of the mean (Student's t); None for fewer than two.
        high95: Its upper end.
        median: The median.
        low: The least value.
        high: The greatest.
        best: Id of the run with the least or greatest value, as was asked.
    """

    by: dict[str, Any]
    metric: str
    runs: int
    count: int
    mean: float | None = None
    std: float | None = None
    low95: float | None = None
    high95: float | None = None
    median: float | None = None
    low: float | None = None
    high: float | None = None
    best: str | None = None
