"""Hold two profiles against each other: what changed in each column, the most important first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fettle.data.profiling import distances, words
from fettle.data.records.profiles import ColumnChange, ColumnProfile, Comparison, Profile

MISSING_FLOOR = 0.01
DISTINCT_FLOOR = 0.2
PSI_FLOOR = 0.1
MEAN_FLOOR = 0.2
LISTED = 20


class _Finding(NamedTuple):
    weight: float
    said: str


def compare_profiles(before: Profile, after: Profile) -> Comparison:
    """Compare two profiles of the same table at two times, or of training and serving rows.

    A column's `importance` is the greatest of: change of the missing rate / 0.01, corrected PSI / 0.1, shift of the
    mean in standard deviations / 0.2, relative change of the distinct count / 0.2, share of rows with new values
    / 0.01; a column that came, went or changed its type counts 100. What is said are the findings of at least 1.
    """
    was = {each.name: each for each in before.columns}
    now = {each.name: each for each in after.columns}
    changes = [
        ColumnChange(name, "removed", 100.0, ["the column is gone"]) for name in was if name not in now
    ]
    changes += [
        ColumnChange(name, "added", 100.0, [f"a new column of type {column.type}"])
        for name, column in now.items()
        if name not in was
    ]
    changes += [_compared(was[name], now[name]) for name in now if name in was]
    return Comparison(
        (before.rows, after.rows),
        (before.duplicate_rows, after.duplicate_rows),
        sorted(changes, key=lambda each: (-each.importance, each.name)),
    )


def _compared(was: ColumnProfile, now: ColumnProfile) -> ColumnChange:
    apart = distance(was, now)
    new, vanished = _levels(was, now)
    findings = [
        *_missing(was, now),
        *_values(was, now, new, vanished),
        *_moved(was, now, apart),
        *_distinct(was, now),
    ]
    retyped = was.type != now.type
    if retyped:
        findings.insert(0, _Finding(100.0, f"type {was.type} → {now.type}"))
    findings.sort(key=lambda each: -each.weight)
    return ColumnChange(
        name=was.name,
        change="retyped" if retyped else "values",
        importance=round(max((each.weight for each in findings), default=0.0), 4),
        said=[each.said for each in findings if each.weight >= 1],
        missing=(was.missing_rate, now.missing_rate),
        distinct=(was.distinct, now.distinct),
        mean=(was.number.mean, now.number.mean) if was.number and now.number else None,
        quantiles={
            key: (value, now.number.quantiles[key])
            for key, value in was.number.quantiles.items()
            if key in now.number.quantiles
        }
        if was.number and now.number
        else {},
        new=new,
        vanished=vanished,
        psi=apart.psi if apart else None,
        js=apart.js if apart else None,
        ks=apart.ks if apart else None,
    )


def distance(was: ColumnProfile, now: ColumnProfile) -> distances.Distances | None:
    """PSI, Jensen–Shannon and KS of two profiled columns; None where the profiles do not say enough."""
    first = (was.number or was.time, now.number or now.time)
    if first[0] is not None and first[1] is not None:
        if first[0].percentiles and first[1].percentiles:
            return distances.of_percentiles(first[0].percentiles, first[1].percentiles)
        return None
    if not (was.top and now.top) or was.unique or now.unique:
        return None
    a, b = ({each.value: each.count for each in column.top} for column in (was, now))
    if not _listed(was):  # only the values that both list can be told from "others"
        b = {value: count for value, count in b.items() if value in a}
    if not _listed(now):
        a = {value: count for value, count in a.items() if value in b}
    if not (a or b):
        return None
    others = (was.rows - was.missing - sum(a.values()), now.rows - now.missing - sum(b.values()))
    return distances.of_counts(a, b, others)


def _listed(column: ColumnProfile) -> bool:
    """Whether all values are listed."""
    return len(column.top) == column.distinct


def _levels(was: ColumnProfile, now: ColumnProfile) -> tuple[list[str], list[str]]:
    """New and vanished values of categories; only where the other side lists all of its own."""
    if was.number or not (was.role in ("category", "boolean", "constant") and now.top):
        return [], []
    a, b = [each.value for each in was.top], [each.value for each in now.top]
    new = [value for value in b if value not in a] if _listed(was) else []
    return new, [value for value in a if value not in b] if _listed(now) else []


def _missing(was: ColumnProfile, now: ColumnProfile) -> Iterator[_Finding]:
    gap = now.missing_rate - was.missing_rate
    if gap:
        text = f"missing {words.share(was.missing_rate)} → {words.share(now.missing_rate)}"
        yield _Finding(abs(gap) / MISSING_FLOOR, text)


def _values(
    was: ColumnProfile, now: ColumnProfile, new: list[str], vanished: list[str]
) -> Iterator[_Finding]:
    for names, column, said in ((new, now, "new"), (vanished, was, "vanished")):
        if names:
            rows = sum(each.count for each in column.top if each.value in names)
            share = rows / max(1, column.rows - column.missing)
            shown = ", ".join(repr(name) for name in names[:3]) + (", …" if len(names) > 3 else "")
            yield _Finding(max(1.0, share / MISSING_FLOOR), f"{said}: {shown} ({words.share(share)})")


def _moved(was: ColumnProfile, now: ColumnProfile, apart: distances.Distances | None) -> Iterator[_Finding]:
    if was.number and now.number and was.number.mean != now.number.mean:
        shift = abs(now.number.mean - was.number.mean) / (was.number.std or abs(was.number.mean) or 1.0)
        text = f"mean {words.number(was.number.mean)} → {words.number(now.number.mean)}"
        yield _Finding(min(shift / MEAN_FLOOR, 90.0), text)
    if apart is not None:
        groups = distances.GROUPS if apart.ks is not None else min(was.distinct, LISTED)
        chance = groups * (1 / max(1, was.rows - was.missing) + 1 / max(1, now.rows - now.missing))
        shape = "values lie elsewhere" if apart.ks is not None else "shares moved"
        yield _Finding(max(0.0, apart.psi - chance) / PSI_FLOOR, f"{shape} (PSI {apart.psi:.2f})")


def _distinct(was: ColumnProfile, now: ColumnProfile) -> Iterator[_Finding]:
    """Where few values repeat often, their number should not depend on how many rows there are."""
    if was.role in ("category", "boolean", "constant") and was.distinct != now.distinct and was.distinct:
        gap = abs(now.distinct - was.distinct) / was.distinct
        yield _Finding(gap / DISTINCT_FLOOR, f"distinct {was.distinct:,} → {now.distinct:,}")
