"""The operations of cleaning that one may declare: tables of TOML, or records made in Python."""

from __future__ import annotations

from typing import Literal

import msgspec

from fettle.data.records.versions import Type

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
