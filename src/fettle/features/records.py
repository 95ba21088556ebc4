"""The nouns of features: definitions, what they need, and how tables are joined as of a time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from fettle.data.records.versions import Type

How = Literal["last", "count", "sum", "mean", "min", "max", "std", "distinct"]
"""What is taken from the earlier rows of a table: the last one's value, or a summary of those in a window."""


class Feature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named column that is computed from others; it never changes, a changed definition is the next version.

    Attributes:
        name: The feature, which is also the name of the column it makes.
        version: Counted from 1.
        expression: How it is computed, in the language of `fettle.data.expressions`; empty for a function.
        function: `module:name` of a Python function that takes a frame and gives a column; empty for an expression.
        code: Digest of the function's source, by which a changed function is noticed.
        inputs: The columns and features it is computed from, with their types.
        type: What it gives.
        description: What it means.
        owner: Who answers for it.
        tags: Words to find it by.
        at: When this version was defined (UTC).
        by: Who defined it.
        retired: Why it should not be used any more; empty if it may.
        digest: Of what decides the values: expression or function and code, inputs and type.
    """

    name: str
    version: int
    inputs: dict[str, Type]
    type: Type
    at: datetime
    by: str
    digest: str
    expression: str = ""
    function: str = ""
    code: str = ""
    description: str = ""
    owner: str = ""
    tags: list[str] = []
    retired: str = ""

    @property
    def ref(self) -> str:
        """The reference that always means this version: `bmi@2`."""
        return f"{self.name}@{self.version}"


class Draft(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A definition as it is written, in `features.toml` or by the decorator; a version is made of it when it is new."""

    name: str
    inputs: dict[str, Type] = {}
    expression: str = ""
    function: str = ""
    code: str = ""
    type: Type | None = None
    description: str = ""
    owner: str = ""
    tags: list[str] = []


class Aggregate(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A column made from the earlier rows of a joined table.

    Attributes:
        name: The column it makes.
        how: `last` takes the value of the latest row; the others summarise the rows within `window`.
        of: The column it is made from; empty for `count`.
        window: How far back rows count, such as `30d`; empty for all earlier rows.
    """

    name: str
    how: How = "last"
    of: str = ""
    window: str = ""


class Joined(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A table that is joined to others as of their time.

    Attributes:
        table: A version of a dataset.
        key: Its columns that say whose row it is, by the names of the same columns in the table it is joined to.
        time: The column that says when a row happened.
        lag: How long after it happened a row was known, such as `1h`; it counts from then on.
        max_age: For `last`: rows older than this are not taken; empty for any age.
        strict: Rows of the very same instant do not count.
        take: Columns whose last known values are taken as they are.
        aggregate: Columns that are made from several rows.
        prefix: Put before the names of taken columns.
    """

    table: str
    key: dict[str, str]
    time: str
    lag: str = ""
    max_age: str = ""
    strict: bool = False
    take: list[str] = []
    aggregate: list[Aggregate] = []
    prefix: str = ""


class JoinPlan(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a training table is put together.

    Attributes:
        spine: The version whose rows are kept, one for one: what happened, when, to whom, and how it ended.
        time: Its column that says when a row happened.
        tables: What is joined to it.
        features: Features computed on the joined rows, by reference.
    """

    spine: str
    time: str
    tables: list[Joined]
    features: list[str] = []
