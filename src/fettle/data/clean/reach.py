"""What an operation looks at and what it changes, and which operations some columns depend on."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fettle.data import expressions
from fettle.data.records import cleaning as c

MISSING = "_missing"
OUTLIER = "_outlier"
FOREST_FLAG = "outlier"


def reads(step: c.Step) -> set[str]:
    """The columns whose values decide what the step writes."""
    operation, learnt = step.operation, step.learnt
    match operation:
        case c.Rename():
            return set(operation.columns)
        case c.Derive():
            return set(
                expressions.read(operation.formula, {each.name: each.type for each in step.before}).columns
            )
        case c.Call():
            return set(operation.inputs)
        case c.Units():
            return {*operation.columns, *([operation.unit_column] if operation.unit_column else [])}
        case c.Impute():
            features = learnt.features if isinstance(learnt, c.Neighbours | c.Chain) else []
            return {*operation.columns, *features, *(operation.of if isinstance(learnt, c.Last) else [])}
        case c.Drop() | c.Duplicates():
            return set()
        case _:
            return set(operation.columns)


def writes(step: c.Step) -> set[str]:
    """The columns that it makes or changes; dropping rows or columns changes none."""
    operation = step.operation
    match operation:
        case c.Rename():
            return set(operation.columns.values())
        case c.Derive() | c.Call():
            return {operation.column}
        case c.Impute():
            flags = [name + MISSING for name in operation.columns] if operation.indicator else []
            return {*operation.columns, *flags}
        case c.Outliers(action="drop"):
            return set()
        case c.Outliers(action="flag"):
            return set(flags_of(operation))
        case c.Drop() | c.Duplicates():
            return set()
        case _:
            return set(operation.columns)


def narrowed(step: c.Step, wanted: set[str]) -> c.Step:
    """The step for only those of its columns that are wanted, where each is treated by itself."""
    operation, learnt = step.operation, step.learnt
    if isinstance(learnt, c.Neighbours | c.Chain | c.Forest):
        return step
    if not isinstance(
        operation, c.Cast | c.Dates | c.Text | c.Missing | c.Merge | c.Units | c.Impute | c.Outliers
    ):
        return step
    flag = {c.Impute: MISSING, c.Outliers: OUTLIER}.get(type(operation), "")
    columns = [name for name in operation.columns if name in wanted or (flag and name + flag in wanted)]
    if isinstance(learnt, c.Fills):
        learnt = c.Fills(values={name: learnt.values[name] for name in columns})
    elif isinstance(learnt, c.Last):
        values = {name: learnt.values[name] for name in columns if name in learnt.values}
        learnt = c.Last(values=values, fills={name: learnt.fills[name] for name in columns})
    return c.Step(msgspec.structs.replace(operation, columns=columns), learnt, step.before, step.after)


def flags_of(operation: c.Outliers) -> list[str]:
    """The columns in which outliers are flagged."""
    forest = operation.by == "isolation_forest"
    return [FOREST_FLAG] if forest else [name + OUTLIER for name in operation.columns]


def needed(steps: Iterable[c.Step], columns: Iterable[str]) -> tuple[list[c.Step], set[str]]:
    """The steps that columns of the cleaned table depend on, in order, and the columns these begin with."""
    wanted = set(columns)
    kept: list[c.Step] = []
    for step in reversed(list(steps)):
        step = narrowed(step, wanted)
        made = writes(step)
        if not made & wanted:
            continue
        kept.append(step)
        if isinstance(step.operation, c.Rename):
            back = {new: old for old, new in step.operation.columns.items()}
            wanted = {back.get(name, name) for name in wanted}
            continue
        if isinstance(step.operation, c.Derive | c.Call):
            wanted -= made
        new = made - {each.name for each in step.before}
        wanted = (wanted - new) | reads(step)
    return kept[::-1], wanted
