"""What is done with features where the user's files are: load definitions, compute, join."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fettle.acts import Surface, errand
from fettle.features.records import Feature, Joined, JoinPlan

if TYPE_CHECKING:
    from fettle.data.records.versions import Commit


@errand("features.load")
def load(ws: Surface, file: Path) -> list[Feature]:
    """Define the features that a file declares: `[[feature]]` tables of a .toml, or decorated functions of a .py.

    Args:
        file: Such as `features.toml`; inputs that are features already need no type.
    """
    from fettle.features import files

    return [ws.call("features.define", draft=each) for each in files.drafts(ws, file)]


@errand("features.compute")
def compute(ws: Surface, ref: str, features: list[str], *, dataset: str, message: str = "") -> Commit:
    """Compute features on the rows of a version, and commit the rows with them.

    Args:
        ref: The version.
        features: The features, such as `bmi` or `bmi@2`.
        dataset: The dataset that gets the new version.
        message: Why.
    """
    from fettle.features import build

    return build.computed(ws, ref, features, dataset=dataset, message=message)


@errand("features.join")
def join(ws: Surface, plan: Path, *, dataset: str, message: str = "") -> Commit:
    """Put a training table together as a plan says, and commit it: each row sees what was known at its time.

    Args:
        plan: A TOML file with `spine`, `time`, `[[tables]]` (`table`, `key`, `time`, `take`, `aggregate`, `lag`, …) and
            `features`.
        dataset: The dataset that gets the new version.
        message: Why.
    """
    from fettle.features import build, files

    return build.joined(ws, files.read(plan, JoinPlan), dataset=dataset, message=message)


@errand("features.lookup")
def lookup(
    ws: Surface,
    spine: str,
    table: str,
    *,
    key: dict[str, str],
    time: str,
    table_time: str,
    take: list[str],
    dataset: str,
    max_age: str = "",
    lag: str = "",
) -> Commit:
    """Join columns of one table to a version as of its time, and commit the rows; `join` takes several and summaries.

    Args:
        spine: The version whose rows are kept.
        table: The version that is joined.
        key: Column of the spine and of the table, such as `--key.customer payer`.
        time: The spine's column that says when a row happened.
        table_time: The table's.
        take: Columns whose last known values are taken.
        dataset: The dataset that gets the new version.
        max_age: Values older than this are not taken, such as `90d`.
        lag: How long after it happened a row of the table was known.
    """
    from fettle.features import build

    how = Joined(table, key, table_time, lag=lag, max_age=max_age, take=take)
    return build.joined(ws, JoinPlan(spine, time, [how]), dataset=dataset)
