"""How to look for the runs of a page with little work; the answer is the same whichever way.

Runs are taken in the order of the page from an index, and each on the way is held to the conditions, until the page is
full. That is quick where every tenth run fits and slow where few do. So the walk ends after `PATIENCE` runs, and goes
on only if the page will be full soon, going by what was met so far. Bounded counts tell how many runs meet a condition,
before the walk where that is quick, else behind it. Where they are few, they are looked at alone; where they are not,
the runs of each condition are collected from its index, the narrowest first, and those that are in all are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fettle.tracking.records.search import Condition, Term
from fettle.tracking.store.conditions import candidates, collected
from fettle.tracking.store.gathered import given, lines_of, roughly
from fettle.tracking.store.runs import runs

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

FEW = 2500
"""So many runs are looked at one by one rather than walking an index."""
SCARCE = 20
"""So few runs that have a text are told from more before anything is walked."""
MOST_COUNTED = 5000
"""Where the counting of a condition's runs ends."""
PATIENCE = 300
"""So many runs are walked over before another way is thought of; for a long page, more."""
MOST_COLLECTED = 1_000_000
"""Of so many runs at most are the ids of those held in memory that meet a condition."""
_CONDITIONS = 8
_WORTH_WALKING = 30  # to collect a run's id costs so many times less than to hold it to a condition
_WORTH_READING = 5  # the same without an index of the condition
_OFTEN = 0.3  # the share of runs that are thought to meet a condition that was not counted to the end
_LOOKED_UP = 20  # to hold a run to a condition costs so many times more than to collect its id


Known = tuple[Condition, sa.Select[Any]]
"""A condition and a query of the runs that meet it."""


@dataclass(frozen=True)
class Plan:
    """`few`: look at these runs and no others. `sets`: pass over runs that are not in all of these.

    `open`: the conditions that a run must still be held to. `walked`: over how many runs to walk before another way is
    thought of; None where there is none.
    """

    open: tuple[Condition, ...]
    few: sa.Select[Any] | None = None
    sets: tuple[sa.Select[Any], ...] = ()
    walked: int | None = None


class Planner:
    """Finds the ways to the runs that meet all conditions."""

    def __init__(self, tx: Transaction, conditions: Sequence[Condition]) -> None:
        self._tx = tx
        self._conditions = tuple(conditions)
        found = [(each, query) for each in conditions if (query := candidates(each)) is not None]
        self._indexed = found[:_CONDITIONS]
        self._others = [(each, query) for each in conditions if (query := collected(each)) is not None]

    def first(self, wanted: int, *, ordered: bool) -> Plan:
        """The way to begin with.

        Args:
            wanted: How many runs.
            ordered: Whether an index has the runs in their order; without one, a walk looks at all of them.
        """
        if not self._indexed and not self._others:
            return Plan(self._conditions)
        if narrow := self._narrow():
            return narrow
        return Plan(self._conditions, walked=max(PATIENCE, 3 * wanted)) if ordered else self.thorough()

    def most_walked(self, total: int) -> int:
        """Over how many of so many runs to walk rather than to collect."""
        return max(PATIENCE, total // (_WORTH_WALKING if self._indexed else _WORTH_READING))

    def thorough(self) -> Plan:
        """Look at the runs of the narrowest condition, or of those that are in the sets of several."""
        if narrow := self._few(self._indexed, self._counts):
            return narrow
        if self._total > MOST_COLLECTED:
            return Plan(
                self._without([each for each, _ in self._indexed]),
                sets=tuple(each for _, each in self._indexed),
            )
        met: list[Condition] = []
        held: set[str] | None = None
        for number, (each, query) in self._ranked():
            if held is not None and len(held) * _LOOKED_UP < number:
                break
            found = self._ids(query)
            held = set(found) if held is None else held.intersection(found)
            met.append(each)
        return Plan(self._without(met), few=given(sorted(held or ())))

    def _narrow(self) -> Plan | None:
        """To look at the runs of a condition of which a quick look tells that they are few."""
        bounds = [(known, bound) for known in self._indexed if (bound := _quickly_counted(known[0]))]
        if not bounds:
            return None
        counts, _total = self._count([known for known, _ in bounds], [bound for _, bound in bounds])
        few = [place for place, (_, bound) in enumerate(bounds) if counts[place] < bound]
        return self._few([bounds[place][0] for place in few], [counts[place] for place in few])

    def _few(self, known: Sequence[Known], counts: Sequence[int]) -> Plan | None:
        """To look at the runs of the narrowest of these conditions, if they are few."""
        least = min(counts, default=FEW)
        if least >= FEW:
            return None
        each, query = known[counts.index(least)]
        return Plan(self._without([each]), few=query)

    def _ranked(self) -> list[tuple[float, Known]]:
        """The narrowest condition first, each with about how many runs are to be looked at for it."""
        often = self._total * _OFTEN
        numbers = [each if each < MOST_COUNTED else max(often, each) for each in self._counts]
        ranked = sorted(zip(numbers, self._indexed, strict=True), key=lambda one: one[0])
        return [*ranked, *((float(self._total), known) for known in self._others)]

    def _without(self, met: Sequence[Condition]) -> tuple[Condition, ...]:
        return tuple(each for each in self._conditions if not any(each is other for other in met))

    def _ids(self, query: sa.Select[Any]) -> list[str]:
        found = self._tx.execute(lines_of(query)).scalar()
        return found.split("\n") if found else []

    @property
    def _counts(self) -> list[int]:
        return self._counted[0]

    @property
    def _total(self) -> int:
        return self._counted[1]

    @cached_property
    def _counted(self) -> tuple[list[int], int]:
        """How many runs each index tells, up to a bound, and about how many runs there are."""
        return self._count(self._indexed, [MOST_COUNTED] * len(self._indexed))

    def _count(self, known: Sequence[Known], bounds: Sequence[int]) -> tuple[list[int], int]:
        counts = [
            sa.select(sa.func.count()).select_from(each.limit(bound).subquery()).scalar_subquery()
            for (_, each), bound in zip(known, bounds, strict=True)
        ]
        *numbers, total = self._tx.execute(sa.select(*counts, roughly(runs))).one()
        return list(numbers), max(total or 0, 1, *numbers)


def _quickly_counted(condition: Condition) -> int:
    """Up to how many runs can be counted in no more time than that number says; 0 where this cannot be known.

    PostgreSQL reads all that an index of texts tells before it gives the first, unless very few are asked for.
    """
    if not isinstance(condition, Term):
        return 0
    return {"metrics": FEW, "attribute": FEW, "params": SCARCE, "tags": SCARCE}.get(condition.field.family, 0)
