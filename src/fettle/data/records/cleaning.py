"""The nouns of cleaning: the operations one may declare, what each has learnt, and the report on what was changed.

An operation is data: a table of TOML, or a record made in Python. What it learnt from the training rows is data too
(numbers and texts, no pickle), so that it can lie in a bundle and be read by any program.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

from fettle.data.records.versions import Column, Type

Scalar = bool | int | float | str | None
Ways = Literal["constant", "mean", "median", "mode", "knn", "iterative", "forward", "backward", "interpolate"]


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """An operation as it is declared; `do` names it."""


class Rename(_Declared, frozen=True, tag="rename"):
    """Give columns other names: old → new."""

    columns: dict[str, str]


class Drop(_Declared, frozen=True, tag="drop"):
    """Leave columns out."""

    columns: list[str]


class Cast(_Declared, frozen=True, tag="cast"):
    """Read columns as another type; what cannot be read becomes missing, or is refused.

    Attributes:
        columns: Which.
        to: The type they get.
        on_error: `null` makes a value that cannot be read missing and reports it; `fail` refuses it by row.
        decimal: The mark before the fraction in texts that are numbers.
        thousands: The mark between groups of digits, taken out first; empty for none.
    """

    columns: list[str]
    to: Type
    on_error: Literal["null", "fail"] = "null"
    decimal: str = "."
    thousands: str = ""


class Dates(_Declared, frozen=True, tag="dates"):
    """Read texts as dates or times, by the first form that fits.

    Attributes:
        columns: Which.
        forms: Forms of strptime, such as `%d.%m.%Y`; ISO 8601 is tried after them.
        to: A date, or a time in UTC.
        on_error: As in `Cast`.
    """

    columns: list[str]
    forms: list[str] = []
    to: Literal["date", "datetime"] = "datetime"
    on_error: Literal["null", "fail"] = "null"


class Text(_Declared, frozen=True, tag="text"):
    """Write texts that mean the same in the same way; the steps are done in this order.

    Attributes:
        columns: Which; empty means all texts.
        unicode: Normal form; empty leaves them. NFKC also folds full-width letters, ligatures and superscripts.
        trim: Take spaces off both ends.
        spaces: Make each run of white space one space.
        case: `lower`, `upper`, `title`, or `fold` (for comparing); empty leaves it.
        accents: False takes accents off: `é` becomes `e`.
        missing: Texts that stand for a missing value, compared after the other steps; the empty text always does.
    """

    columns: list[str] = []
    unicode: Literal["NFC", "NFKC", ""] = "NFC"
    trim: bool = True
    spaces: bool = True
    case: Literal["lower", "upper", "title", "fold", ""] = ""
    accents: bool = True
    missing: list[str] = []


class Missing(_Declared, frozen=True, tag="missing"):
    """Make values missing that stand for it, or cannot be.

    Attributes:
        columns: Which.
        values: What stands for a missing value, such as -999; dates and times as ISO 8601.
        below: Smaller values cannot be; of dates and times as ISO 8601.
        above: Greater values cannot be.
    """

    columns: list[str]
    values: list[int | float | str] = []
    below: int | float | str | None = None
    above: int | float | str | None = None


class Merge(_Declared, frozen=True, tag="merge"):
    """Make few categories of many.

    Attributes:
        columns: Which.
        mapping: Old → new, done first. `fettle data alike` suggests pairs, to be confirmed here.
        rare: Categories with fewer rows become `other`: a count from 1, or a share of the rows below 1; 0 keeps all.
        keep: At most so many categories, the most frequent; 0 for any number.
        other: The name of the rest, also for categories not seen when fitted (if `rare` or `keep` is given).
    """

    columns: list[str]
    mapping: dict[str, str] = {}
    rare: float = 0
    keep: int = 0
    other: str = "other"


class Units(_Declared, frozen=True, tag="units"):
    """Bring measurements to one unit.

    Attributes:
        columns: Numbers, or texts with the unit behind the number, such as `12 kg`.
        to: The unit they get.
        unit: The unit of numbers (and of texts without one); empty: they are in `to` already.
        unit_column: A column that names each row's unit.
        decimal: The mark before the fraction in texts.
        on_error: As in `Cast`: for texts without a number, and units that are not known or of another kind.
    """

    columns: list[str]
    to: str
    unit: str = ""
    unit_column: str = ""
    decimal: str = "."
    on_error: Literal["null", "fail"] = "null"


class Impute(_Declared, frozen=True, tag="impute"):
    """Fill in missing values.

    Attributes:
        columns: Which; empty means all that had missing values when fitted and that the way can fill.
        by: The way. `forward`, `backward` and `interpolate` look at neighbouring rows in the order of `time`;
            the others at columns.
        value: `constant`: what to fill in.
        indicator: Add a column `<name>_missing` that is true where a value was filled in.
        of: `forward`, `backward`, `interpolate`: the columns that tell whose row it is; empty: all rows are one's.
        time: The column that orders rows for these; empty: the order they are in.
        using: `knn`, `iterative`: further columns of numbers to look at; empty means all but the target.
        neighbours: `knn`: how many.
        weights: `knn`: the same for each, or by 1/distance.
        scale: `knn`: measure distances in standard deviations, so that units do not matter.
        reference: `knn`: at most so many training rows are kept to look among, drawn evenly.
        estimator: `iterative`: the model that predicts one column from the others.
        rounds: `iterative`: at most so many.
    """

    columns: list[str] = []
    by: Ways = "median"
    value: Scalar = None
    indicator: bool = False
    of: list[str] = []
    time: str = ""
    using: list[str] = []
    neighbours: int = 5
    weights: Literal["uniform", "distance"] = "uniform"
    scale: bool = True
    reference: int = 2000
    estimator: Literal["bayesian_ridge", "ridge", "linear"] = "bayesian_ridge"
    rounds: int = 10


class Outliers(_Declared, frozen=True, tag="outliers"):
    """Treat values, or whole rows, far from the others.

    Attributes:
        columns: Numbers.
        by: `iqr`: outside the quartiles by more than `factor` times their distance (Tukey 1977). `quantile`:
            outside `low` and `high`. `isolation_forest`: rows that few random cuts set apart (Liu, Ting, Zhou
            2008), over all columns at once.
        action: `clip` to the bounds (not for a forest), make `null`, `drop` the row (never at an endpoint), or
            `flag` it in a column `<name>_outlier` (a forest: `outlier`).
        factor: See `iqr`; 1.5 is usual, 3 is far out.
        low: See `quantile`.
        high: See `quantile`.
        contamination: `isolation_forest`: the share of training rows taken for outliers; 0 uses the paper's
            score of 0.5.
        trees: `isolation_forest`: how many.
        sample: `isolation_forest`: rows a tree is grown on.
        seed: `isolation_forest`: of its random choices.
    """

    columns: list[str]
    by: Literal["iqr", "quantile", "isolation_forest"] = "iqr"
    action: Literal["clip", "null", "drop", "flag"] = "clip"
    factor: float = 1.5
    low: float = 0.01
    high: float = 0.99
    contamination: float = 0.0
    trees: int = 100
    sample: int = 256
    seed: int = 0


class Duplicates(_Declared, frozen=True, tag="duplicates"):
    """Leave out rows that repeat another; an endpoint never does.

    Attributes:
        key: The columns that must be equal; empty means all.
        keep: Which of equal rows stays. `newest` has the latest `time`; of equal times the last.
        time: See `newest`.
    """

    key: list[str] = []
    keep: Literal["first", "last", "newest"] = "first"
    time: str = ""


class Derive(_Declared, frozen=True, tag="derive"):
    """Make a column from others by a formula, see `fettle.data.expressions`."""

    column: str
    formula: str


class Call(_Declared, frozen=True, tag="call"):
    """Make a column by a Python function of the project, see `fettle.features.functions`.

    Attributes:
        column: The column it makes.
        function: `module:name`; the module must be named in `features.functions`.
        code: Digest of the function's source; another one is refused.
        inputs: The columns it is given, with their types.
        type: What it gives.
    """

    column: str
    function: str
    code: str
    inputs: dict[str, Type]
    type: Type


Operation = (
    Rename
    | Drop
    | Cast
    | Dates
    | Text
    | Missing
    | Merge
    | Units
    | Impute
    | Outliers
    | Duplicates
    | Derive
    | Call
)


class _Learnt(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What an operation took from the training rows."""


class Fills(_Learnt, frozen=True, tag="fills"):
    """The value to fill in, by column; dates and times as ISO 8601 text."""

    values: dict[str, Scalar]


class Last(_Learnt, frozen=True, tag="last"):
    """The last known value, by column and whose row it is (`of` as a JSON list); `fills` where none is."""

    values: dict[str, dict[str, Scalar]]
    fills: dict[str, Scalar]


class Levels(_Learnt, frozen=True, tag="levels"):
    """The categories that are kept, by column."""

    kept: dict[str, list[str]]


class Bounds(_Learnt, frozen=True, tag="bounds"):
    """The least and greatest value that is no outlier, by column; None where there is no bound."""

    bounds: dict[str, tuple[float | None, float | None]]


class Neighbours(_Learnt, frozen=True, tag="neighbours"):
    """Training rows to look among.

    Attributes:
        features: The columns distances are measured in.
        fill: Columns to fill in.
        scales: What each feature is divided by.
        means: What is filled in where no neighbour is known.
        rows: One list a feature: its values in the kept rows.
    """

    features: list[str]
    fill: list[str]
    scales: list[float]
    means: list[float]
    rows: list[list[float | None]]


class Regression(msgspec.Struct, frozen=True):
    """One column predicted from all others: `value = intercept + Σ weight · other`, others by their place."""

    target: int
    others: list[int]
    weights: list[float]
    intercept: float


class Chain(_Learnt, frozen=True, tag="chain"):
    """Regressions that are applied one after the other to rows whose gaps hold `start` at first."""

    features: list[str]
    fill: list[str]
    start: list[float]
    steps: list[Regression]


class Tree(msgspec.Struct, frozen=True):
    """A tree as arrays, a node an entry; `left` is -1 at a leaf, where `depth` counts."""

    left: list[int]
    right: list[int]
    feature: list[int]
    threshold: list[float]
    depth: list[float]


class Forest(_Learnt, frozen=True, tag="forest"):
    """An isolation forest: a row is an outlier if `-2 ** (-mean depth / normal) - offset` is negative."""

    features: list[str]
    medians: list[float]
    normal: float
    offset: float
    trees: list[Tree]


Learnt = Fills | Last | Levels | Bounds | Neighbours | Chain | Forest


class Step(msgspec.Struct, frozen=True):
    """An operation that is fitted.

    Attributes:
        operation: What was declared; columns left open are named.
        learnt: What it took from the training rows; None if there was nothing to learn.
        before: The columns it finds, with their types.
        after: The columns it leaves.
    """

    operation: Operation
    learnt: Learnt | None
    before: list[Column]
    after: list[Column]


class Change(msgspec.Struct, frozen=True):
    """One changed value: in which row (counted from 0, before the operation), and from what to what."""

    row: int
    column: str
    before: Any
    after: Any


class Done(msgspec.Struct, frozen=True):
    """What one operation did to a table.

    Attributes:
        operation: Its words, such as `impute age by median`.
        rows: Rows that were changed.
        cells: Values that were changed, by column.
        failed: Values that could not be read and became missing, by column.
        dropped: Rows that were left out; where rows are kept, those that would have been.
        added: Columns that are new.
        removed: Columns that are gone.
        examples: Some of the changes.
    """

    operation: str
    rows: int
    cells: dict[str, int]
    failed: dict[str, int]
    dropped: int
    added: list[str]
    removed: list[str]
    examples: list[Change]


class CleaningReport(msgspec.Struct, frozen=True):
    """What cleaning did to a table, operation by operation."""

    rows_before: int
    rows_after: int
    done: list[Done]

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        told = [f"{self.rows_before:,} rows in, {self.rows_after:,} out"]
        for each in self.done:
            told.append(f"  {each.operation}: {_told(each)}")
            told += [
                f"      row {one.row:,} {one.column}: {_value(one.before)} → {_value(one.after)}"
                for one in each.examples[:3]
            ]
        return told


class Pair(msgspec.Struct, frozen=True):
    """Two categories that look like one: `value` (the rarer) could become `instead`."""

    column: str
    value: str
    instead: str
    likeness: float
    rows: int
    instead_rows: int


def _value(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return "missing"
        case float():
            return f"{value:.10g}"
        case date():
            return value.isoformat()
        case _:
            return repr(value)


def _told(done: Done) -> str:
    parts = []
    if done.cells:
        count = sum(done.cells.values())
        parts.append(f"{count:,} value{'s' * (count != 1)} in {done.rows:,} row{'s' * (done.rows != 1)}")
    if done.failed:
        parts.append(f"{sum(done.failed.values()):,} could not be read")
    if done.dropped:
        parts.append(f"{done.dropped:,} row{'s' * (done.dropped != 1)} out")
    parts += [f"+ {', '.join(done.added)}"] if done.added else []
    parts += [f"− {', '.join(done.removed)}"] if done.removed else []
    return "; ".join(parts) or "nothing to do"


class CleanedVersion(msgspec.Struct, frozen=True):
    """A version that was cleaned and committed.

    Attributes:
        ref: The cleaned version, as `dataset@commit`.
        of: What was cleaned.
        cleaning: Digest of the fitted cleaning, kept in the workspace; the version's metadata name it too.
        fitted_on: How many rows it was fitted on.
        report: What was changed.
        split: The kept split of the cleaned version, if there was one before: every row is on the side it was on.
    """

    ref: str
    of: str
    cleaning: str
    fitted_on: int
    report: CleaningReport
    split: str = ""

    def lines(self) -> list[str]:
        """In words, for a terminal."""
        return [
            f"{_short(self.of)} cleaned as {_short(self.ref)} (fitted on {self.fitted_on:,} rows)",
            *self.report.lines(),
            *([f"split as before, kept as {_short(self.split)}"] if self.split else []),
        ]


def _short(ref: str) -> str:
    """A reference with the first twelve characters of its commit, which is enough to type."""
    name, at, commit = ref.partition("@")
    return name + at + commit[:12]
