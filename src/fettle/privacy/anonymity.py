"""k-anonymity, l-diversity and t-closeness of a table.

Sources: Samarati and Sweeney 1998 (k-anonymity); Machanavajjhala et al. 2007, definitions 4.1 and 4.2 (distinct
and entropy l-diversity); Li, Li and Venkatasubramanian 2007, sections 4.1 and 4.2 (t-closeness by the earth mover's
distance, ordered for numbers, equal for categories).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.core.scalars import number
from fettle.privacy.records import Anonymity, Suggestion

_MOST_SHOWN = 10


def check(
    frame: pl.DataFrame,
    quasi: Sequence[str],
    *,
    sensitive: str = "",
    k: int = 5,
    l: float | None = None,  # noqa: E741 - its name since Machanavajjhala et al. 2007
    t: float | None = None,
) -> Anonymity:
    """Measure how well rows hide in groups that share their quasi-identifiers.

    A missing value is a value of its own: whoever knows that it is missing knows that much.

    Args:
        frame: The rows.
        quasi: Columns that others may know of a person, such as postcode, date of birth and sex.
        sensitive: A column whose value nobody should learn from the group; empty: only k is measured.
        k: Wanted least size of a group.
        l: Wanted least number of different sensitive values in a group; None: not judged.
        t: Wanted greatest distance of a group's sensitive values from the table's, in [0, 1]; None: not judged.

    Raises:
        NotFound: There is no such column.
        Invalid: No quasi-identifier is given.
    """
    names = list(dict.fromkeys(quasi))
    for name in (*names, *([sensitive] if sensitive else [])):
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    if not names:
        raise Invalid(
            "Anonymity is measured by quasi-identifiers, and none is given.", hint="Such as: postcode, age."
        )
    groups = frame.group_by(names).len("rows").sort("rows", *names)
    smallest, risk = _sizes(groups, k)
    diversity = _diversity(frame, names, sensitive) if sensitive and frame.height else (None, None)
    return Anonymity(
        rows=frame.height,
        quasi=names,
        groups=groups.height,
        k=smallest,
        wanted_k=k,
        at_risk=risk,
        smallest=[_plain(row) for row in groups.filter(pl.col("rows") < k).head(_MOST_SHOWN).to_dicts()],
        sensitive=sensitive,
        l=diversity[0],
        entropy_l=diversity[1],
        t=closeness(frame, names, sensitive) if sensitive and frame.height else None,
        wanted_l=l,
        wanted_t=t,
        suggestions=_suggestions(frame, names, k) if smallest < k else [],
    )


def _sizes(groups: pl.DataFrame, k: int) -> tuple[int, int]:
    if groups.is_empty():
        return 0, 0
    rows = groups.get_column("rows")
    return int(rows[0]), int(rows.filter(rows < k).sum())


def _diversity(frame: pl.DataFrame, names: list[str], sensitive: str) -> tuple[int, float]:
    counts = frame.group_by([*names, sensitive] if sensitive not in names else names).len("rows")
    share = pl.col("rows") / pl.col("rows").sum()
    groups = counts.group_by(names).agg(pl.len().alias("l"), -(share * share.log()).sum().alias("entropy"))
    least = groups.select(pl.col("l").min(), pl.col("entropy").min()).row(0)
    return int(least[0]), math.exp(max(0.0, float(least[1])))


def closeness(frame: pl.DataFrame, names: list[str], sensitive: str) -> float:
    """The greatest earth mover's distance between a group's sensitive values and the whole table's."""
    values = frame.get_column(sensitive)
    ordered = values.dtype.is_numeric() or values.dtype.is_temporal()
    codes = (
        values.rank("dense").cast(pl.Int64)
        if ordered
        else values.cast(pl.String).rank("dense").cast(pl.Int64)
    )
    codes = codes.fill_null(0)
    levels, places = np.unique(codes.to_numpy(), return_inverse=True)
    if len(levels) == 1:
        return 0.0
    whole = np.bincount(places, minlength=len(levels)) / len(places)
    numbered = (
        frame.select(pl.struct(names).rank("dense").alias("group"))
        .get_column("group")
        .to_numpy()
        .astype(np.int64)
    )
    order = np.argsort(numbered, kind="stable")
    starts = np.flatnonzero(np.diff(numbered[order], prepend=-1))
    farthest = 0.0
    for each in np.split(places[order], starts[1:]):
        gap = np.bincount(each, minlength=len(levels)) / len(each) - whole
        moved = np.abs(np.cumsum(gap)).sum() / (len(levels) - 1) if ordered else np.abs(gap).sum() / 2
        farthest = max(farthest, float(moved))
    return farthest


# --- what would help


def _suggestions(frame: pl.DataFrame, names: list[str], k: int) -> list[Suggestion]:
    """Each quasi-identifier said less exactly or left out; those that help, best first."""
    made = []
    for name in names:
        for words, column in _coarser(frame.get_column(name)):
            made.append(_tried(frame.select(names).with_columns(column.alias(name)), names, k, words))
        if len(names) > 1:
            rest = [each for each in names if each != name]
            made.append(_tried(frame.select(rest), rest, k, f"leave {name} out"))
    every = {name: options[0] for name in names if (options := _coarser(frame.get_column(name)))}
    if len(every) > 1:
        together = frame.select(names).with_columns(column.alias(name) for name, (_, column) in every.items())
        made.append(
            _tried(together, names, k, "together: " + ", ".join(words for words, _ in every.values()))
        )
    groups = frame.group_by(names).len("rows")
    smallest, risk = _sizes(groups.sort("rows"), k)
    if risk < frame.height:
        left = int(number(groups.get_column("rows").filter(groups.get_column("rows") >= k).min()) or 0)
        made.append(Suggestion(f"leave out the {risk:,} rows in small groups", left, 0))
    helping = [each for each in made if each.at_risk < risk or each.k > smallest]
    return sorted(helping, key=lambda each: (each.at_risk, -each.k))[:5]


def _coarser(values: pl.Series) -> list[tuple[str, pl.Series]]:
    name = values.name
    if values.dtype.is_numeric():
        low, high = number(values.min()), number(values.max())
        if low is None or high is None or low == high:
            return []
        width = 10.0 ** math.floor(math.log10(high - low))
        return [(f"say {name} in ranges of {width:g}", (values.cast(pl.Float64) / width).floor())]
    if values.dtype.is_temporal() and values.dtype not in (pl.Time, pl.Duration):
        return [(f"say only the year of {name}", values.dt.year())]
    if values.dtype == pl.String:
        length = int(number(values.str.len_chars().max()) or 0)
        return (
            [(f"keep only the first {length // 2} characters of {name}", values.str.head(length // 2))]
            if length > 1
            else []
        )
    return []


def _tried(frame: pl.DataFrame, names: list[str], k: int, words: str) -> Suggestion:
    smallest, risk = _sizes(frame.group_by(names).len("rows").sort("rows"), k)
    return Suggestion(words, smallest, risk)


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {
        key: value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in row.items()
    }
