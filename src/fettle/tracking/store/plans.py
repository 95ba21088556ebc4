"""How to look for the runs of a page with little work; the answer is the same whichever way.

The index of what the runs are sorted by is walked until the page is full, and each run on the way is held to the
conditions. A condition that few runs meet is turned round: its runs are collected first, and the walk passes over
all others; are they very few, nothing is walked at all. Bounded counts decide, on the assumption that conditions are
independent of each other. Where they are not (two wide conditions may exclude each other), a walk that has not filled
the page within `PATIENCE` runs is given up for the `thorough` plan, which collects the runs of every condition.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.tracking.records.search import Condition
from fettle.tracking.store.conditions import candidates
from fettle.tracking.store.runs import runs

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

FEW = 1000
"""So many runs are looked at one by one rather than walking an index."""
MOST_COUNTED = 5000
"""Where the counting of a condition's runs ends."""
PATIENCE = 3000
"""So many runs are walked over before another way is taken; for a long page, more."""
_CONDITIONS = 8
_OFTEN = 0.3  # the share of runs that are thought to meet a condition that was not counted to the end
_LOOKED_UP = 8.0  # what it costs to hold a run to a condition; to collect a run costs 1


@dataclass(frozen=True)
class Plan:
    """`few`: look at these runs and no others. `sets`: pass over runs that are not in all of these.

    `open`: the conditions that a run must still be held to. `thorough`: what to do when the walk is too long; None
    where nothing better is known.
    """

    open: tuple[Condition, ...]
    few: sa.Select[Any] | None = None
    sets: tuple[sa.Select[Any], ...] = ()
    thorough: Plan | None = None


def plan(tx: Transaction, conditions: Sequence[Condition], wanted: int) -> Plan:
    """The way to find `wanted` runs that meet the conditions."""
    possible = [(each, candidates(each)) for each in conditions]
    known = [(each, query) for each, query in possible if query is not None][:_CONDITIONS]
    counted = [(_bounded(tx, query, MOST_COUNTED), each, query) for each, query in known]
    counted.sort(key=lambda one: one[0])
    if not counted:
        return Plan(tuple(conditions))
    if counted[0][0] < FEW:
        return Plan(tuple(each for each in conditions if each is not counted[0][1]), few=counted[0][2])
    total = max(_bounded(tx, sa.select(runs.c.id), 10 * MOST_COUNTED), 1)
    share = [min(1.0, max(number, 1) / total) if number < MOST_COUNTED else _OFTEN for number, *_ in counted]
    steps = float(wanted)
    for each in share:
        steps = min(steps / each, float(total))
    sets: list[tuple[Condition, sa.Select[Any]]] = []
    for (number, each, query), part in zip(counted, share, strict=True):
        if steps * _LOOKED_UP > max(number, part * total):
            sets.append((each, query))
            steps *= part
    chosen = _passing_over(conditions, sets)
    if len(sets) == len(counted):
        return chosen
    every = _passing_over(conditions, [(each, query) for _, each, query in counted])
    return dataclasses.replace(chosen, thorough=every)


def _passing_over(conditions: Sequence[Condition], sets: Sequence[tuple[Condition, sa.Select[Any]]]) -> Plan:
    met = [id(each) for each, _ in sets]
    still = tuple(each for each in conditions if id(each) not in met)
    return Plan(still, sets=tuple(query for _, query in sets))


def _bounded(tx: Transaction, query: sa.Select[Any], most: int) -> int:
    rows = query.limit(most).subquery()
    return tx.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()
