"""Conditions of a search as SQL: what is true of a run, and which runs could be meant at all."""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa

from fettle.storage.columns import At
from fettle.tracking.records.search import All, Condition, Either, Not, Term, Value
from fettle.tracking.store.comparing import (
    Number,
    Truth,
    compare_numbers,
    compare_texts,
    compare_times,
    number_of,
)
from fettle.tracking.store.inputs import inputs
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, reads, reference_parts, runs, tags
from fettle.tracking.store.texts import alone, beginning, contains, plain, unindexed

DURATION: Number = sa.cast(
    sa.type_coerce(runs.c.ended_at, sa.BigInteger) - sa.type_coerce(runs.c.started_at, sa.BigInteger),
    sa.Double,
) / sa.literal_column("1000000.0", sa.Double)
_INDEXED = ("id", "experiment", "status", "started_at", "parent")


def true_of(condition: Condition) -> Truth:
    """What is true of a row of `runs` that meets the condition, and false (never unknown) of all others."""
    if isinstance(condition, All):
        return sa.and_(sa.true(), *map(true_of, condition.parts))
    if isinstance(condition, Either):
        return sa.or_(sa.false(), *map(true_of, condition.parts))
    if isinstance(condition, Not):
        return sa.not_(true_of(condition.part))
    return _FAMILIES[condition.field.family](condition)


def candidates(condition: Condition) -> sa.Select[Any] | None:
    """Ids (`run`) of the runs that meet the condition, perhaps twice, if an index tells them; else None."""
    if isinstance(condition, Either):
        found = [candidates(each) for each in condition.parts]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        union = sa.union_all(*known).subquery()
        return sa.select(union.c.run)
    if isinstance(condition, All | Not) or condition.denied or condition.op == "null":
        return None
    return _INDEX.get(condition.field.family, _nothing)(condition)


def _nothing(_test: Term) -> None:
    return None


# --- metrics


def _metric(test: Term) -> Truth:
    return _exists(metrics, test, _of_metric(test))


def _of_metric(test: Term) -> Truth:
    column: Number = metrics.c[test.field.statistic]
    if test.op == "null":
        return sa.true() if test.field.statistic == "last" else column.is_not(None)
    if test.op == "=" and isinstance(test.values[0], float) and math.isnan(test.values[0]):
        nan = sa.and_(metrics.c.not_finite.is_not(None), metrics.c.not_finite == "NaN")
        return sa.not_(nan) if test.denied else nan
    return compare_numbers(test, sa.type_coerce(column, sa.Double))


def _metric_index(test: Term) -> sa.Select[Any] | None:
    if test.field.statistic != "last" or any(
        isinstance(each, float) and math.isnan(each) for each in test.values
    ):
        return None
    return sa.select(metrics.c.run).where(metrics.c.key == test.field.key, _of_metric(test))


# --- parameters and tags


def _param(test: Term) -> Truth:
    return _exists(params, test, _of_param(test))


def _of_param(test: Term) -> Truth:
    given = sa.type_coerce(params.c.value, sa.Text) != "null"
    if test.op == "null":
        return given
    numbers = tuple(
        number_of(each) for each in test.values if isinstance(each, int | float) and not _is_flag(each)
    )
    found: list[Truth] = []
    if numbers:
        same = compare_numbers(_replaced(test, numbers), params.c.number)
        found.append(sa.or_(params.c.number.is_(None), same) if test.denied else same)
    words = tuple(each for each in test.values if isinstance(each, str))
    words += tuple(form for each in test.values if _is_flag(each) for form in (str(each), str(each).lower()))
    if words:
        op = "in" if test.op == "=" and len(words) > 1 else test.op
        found.append(compare_texts(_replaced(test, words, op), params.c.text))
    known = sa.and_(*found) if test.denied else sa.or_(*found)
    return sa.and_(known, given) if test.denied or _fits_null(test, words) else known


_NULL = "None"
"""The text of a parameter that is null; no comparison holds for it."""


def _fits_null(test: Term, words: tuple[str, ...]) -> bool:
    """Whether the text of null could meet the test; to look at the value itself takes more than the index."""
    if test.op in ("=", "in"):
        return _NULL in words
    if test.op == "like":
        return any(_NULL.startswith(beginning(each)) for each in words)
    return bool(words)


def _tag(test: Term) -> Truth:
    return _exists(tags, test, sa.true() if test.op == "null" else compare_texts(test, tags.c.value))


def _param_index(test: Term) -> sa.Select[Any] | None:
    words = [each for each in test.values if isinstance(each, str) or _is_flag(each)]
    if words and not _is_narrow(test):
        return None
    return sa.select(params.c.run).where(params.c.key == test.field.key, _of_param(test))


def _tag_index(test: Term) -> sa.Select[Any] | None:
    if not _is_narrow(test):
        return None
    return sa.select(tags.c.run).where(tags.c.key == test.field.key, compare_texts(test, tags.c.value))


def _is_narrow(test: Term) -> bool:
    """Whether an index on the beginning of a text leads to what is meant."""
    if test.op == "like":
        return bool(beginning(str(test.values[0])))
    return test.op not in ("ilike", "contains")


# --- what a run was made of


def _attribute(test: Term) -> Truth:
    if test.field.key in ("archived", "deleted"):
        return _flag(test)
    if test.field.key == "duration_s":
        given = runs.c.ended_at.is_not(None)
        known = sa.true() if test.op == "null" else compare_numbers(test, DURATION)
        return _unless_missing(test, given, known)
    column = unindexed(runs.c[test.field.key])
    known = compare_times(test, column) if isinstance(column.type, At) else _attribute_text(test, column)
    return _unless_missing(test, column.is_not(None), known)


def _attribute_text(test: Term, column: sa.ColumnElement[str]) -> Truth:
    return sa.true() if test.op == "null" else compare_texts(test, column, indexed=False)


def _flag(test: Term) -> Truth:
    column = unindexed(runs.c.archived_at if test.field.key == "archived" else runs.c.deleted_at)
    wanted = test.op != "null" and bool(test.values[0]) != test.denied
    if test.op == "null":
        return sa.true() if test.denied else sa.false()
    return column.is_not(None) if wanted else column.is_(None)


def _unless_missing(test: Term, given: Truth, known: Truth) -> Truth:
    if test.op == "null":
        return given if test.denied else sa.not_(given)
    return sa.and_(given, known)


def _attribute_index(test: Term) -> sa.Select[Any] | None:
    if test.field.key not in _INDEXED or test.op in ("like", "ilike", "contains"):
        return None
    column = runs.c[test.field.key]
    if isinstance(column.type, At):
        return sa.select(runs.c.id.label("run")).where(compare_times(test, column))
    if test.op not in ("=", "in"):
        return None
    return sa.select(runs.c.id.label("run")).where(column.in_([str(each) for each in test.values]))


# --- datasets


def _dataset(test: Term) -> Truth:
    found = sa.exists().where(reads.c.run == runs.c.id, *_of_reads(test))
    logged = sa.exists().where(inputs.c.run == runs.c.id, *_of_inputs(test))
    either = sa.or_(found, logged) if test.field.key != "context" else logged
    return sa.not_(either) if test.op == "null" and not test.denied else either


def _of_reads(test: Term) -> list[Truth]:
    if test.op == "null":
        return []
    if test.field.key != "ref":
        column = {"name": reads.c.name, "digest": reads.c.version}.get(test.field.key)
        return [sa.false() if column is None else compare_texts(test, column, indexed=False)]
    if test.op not in ("=", "in"):
        return [compare_texts(test, reads.c.ref, indexed=False)]
    either = sa.or_(*(_reading(str(each)) for each in test.values))
    return [sa.not_(either) if test.denied else either]


def _reading(reference: str) -> Truth:
    """`churn` in any version, `churn@v3`, or `churn@` and the beginning of a commit's id."""
    name, version = reference_parts(reference)
    if not version:
        return reads.c.name == name
    exact = sa.or_(reads.c.version == version, reads.c.ref == reference)
    if len(version) < _SHORTEST_ID or not set(version) <= set("0123456789abcdef"):
        return sa.and_(reads.c.name == name, exact)
    begins = sa.and_(plain(reads.c.version) >= version, plain(reads.c.version) < version + "g")
    return sa.and_(reads.c.name == name, sa.or_(exact, begins))


_SHORTEST_ID = 6


def _of_inputs(test: Term) -> list[Truth]:
    if test.op == "null":
        return []
    if test.field.key != "ref":
        return [compare_texts(test, inputs.c[test.field.key], indexed=False)]
    if test.op not in ("=", "in"):
        return [compare_texts(test, inputs.c.name, indexed=False)]
    pairs = [reference_parts(str(each)) for each in test.values]
    either = sa.or_(
        *(
            sa.and_(inputs.c.name == name, inputs.c.digest == version if version else sa.true())
            for name, version in pairs
        )
    )
    return [sa.not_(either) if test.denied else either]


def _dataset_index(test: Term) -> sa.Select[Any] | None:
    if test.op not in ("=", "in"):
        return None
    found = sa.select(reads.c.run).where(*_of_reads(test))
    logged = sa.select(inputs.c.run).where(*_of_inputs(test))
    union = sa.union(found, logged).subquery()
    return sa.select(union.c.run)


# --- words


def _words(test: Term) -> Truth:
    """Each word stands in the name, the notes, a tag or a parameter."""
    wanted = str(test.values[0]).split() if test.values else []
    found = sa.and_(sa.true(), *map(_word, wanted[:20]))
    return sa.not_(found) if test.denied else found


def _word(word: str) -> Truth:
    return sa.or_(
        contains(runs.c.name, word),
        contains(runs.c.notes, word),
        _one_of(tags, contains(tags.c.value, word)),
        _one_of(params, contains(params.c.text, word)),
    )


def _one_of(table: sa.Table, condition: Truth) -> Truth:
    """Whether a row of the run meets the condition; OFFSET keeps PostgreSQL from looking at all rows of all runs."""
    return sa.select(sa.literal_column("1")).where(table.c.run == runs.c.id, condition).offset(0).exists()


# --- comparing


def _exists(table: sa.Table, test: Term, condition: Truth) -> Truth:
    found = sa.exists().where(table.c.run == runs.c.id, table.c.key == test.field.key, condition)
    return alone(sa.not_(found) if test.op == "null" and not test.denied else found)


def _replaced(test: Term, values: tuple[Value, ...], op: Any = None) -> Term:
    return Term(test.field, op or test.op, values, test.denied)


def _is_flag(value: Value) -> bool:
    return isinstance(value, bool)


_FAMILIES = {
    "metrics": _metric,
    "params": _param,
    "tags": _tag,
    "attribute": _attribute,
    "dataset": _dataset,
    "words": _words,
}
_INDEX = {
    "metrics": _metric_index,
    "params": _param_index,
    "tags": _tag_index,
    "attribute": _attribute_index,
    "dataset": _dataset_index,
}
