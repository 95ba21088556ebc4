"""Conditions of a search as SQL: what is true of a run, and which runs could be meant at all."""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa

from fettle.storage.columns import At
from fettle.storage.texts import alone, beginning, unindexed
from fettle.tracking.records.search import All, Condition, Either, Not, Term, Value
from fettle.tracking.store.comparing import (
    Number,
    Truth,
    compare_numbers,
    compare_texts,
    compare_times,
    number_of,
)
from fettle.tracking.store.datasets import dataset, dataset_index
from fettle.tracking.store.metrics import metrics
from fettle.tracking.store.runs import params, runs, tags
from fettle.tracking.store.words import collected_words, words

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
        if not known or len(known) < len(found):
            return None
        union = sa.union_all(*known).subquery()
        return sa.select(union.c.run)
    if isinstance(condition, All | Not) or condition.denied or condition.op == "null":
        return None
    return _INDEX.get(condition.field.family, _nothing)(condition)


def _nothing(_test: Term) -> None:
    return None


def collected(condition: Condition) -> sa.Select[Any] | None:
    """Ids (`run`) of the runs that meet a condition of which no index tells; None if that is not worth while.

    To look once through all values is less work than to look for one in the values of each run.
    """
    if not isinstance(condition, Term) or candidates(condition) is not None:
        return None
    field = condition.field
    if field.family == "attribute":
        flag = field.key in ("archived", "deleted")
        return None if flag else sa.select(runs.c.id.label("run")).where(_attribute(condition))
    if field.family == "words":
        return collected_words(condition)
    if field.family == "dataset" or condition.op == "null":
        return None
    table, true = _TABLES[field.family]
    return sa.select(table.c.run).where(table.c.key == field.key, true(condition))


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
    texts = tuple(each for each in test.values if isinstance(each, str))
    texts += tuple(form for each in test.values if _is_flag(each) for form in (str(each), str(each).lower()))
    if texts:
        op = "in" if test.op == "=" and len(texts) > 1 else test.op
        found.append(compare_texts(_replaced(test, texts, op), params.c.text))
    known = sa.and_(*found) if test.denied else sa.or_(*found)
    return sa.and_(known, given) if test.denied or _fits_null(test, texts) else known


_NULL = "None"
"""The text of a parameter that is null; no comparison holds for it."""


def _fits_null(test: Term, texts: tuple[str, ...]) -> bool:
    """Whether the text of null could meet the test; to look at the value itself takes more than the index."""
    if test.op in ("=", "in"):
        return _NULL in texts
    if test.op == "like":
        return any(_NULL.startswith(beginning(each)) for each in texts)
    return bool(texts)


def _tag(test: Term) -> Truth:
    return _exists(tags, test, _of_tag(test))


def _of_tag(test: Term) -> Truth:
    return sa.true() if test.op == "null" else compare_texts(test, tags.c.value)


def _param_index(test: Term) -> sa.Select[Any] | None:
    texts = [each for each in test.values if isinstance(each, str) or _is_flag(each)]
    if texts and not _is_narrow(test):
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
    "dataset": dataset,
    "words": words,
}
_TABLES = {"metrics": (metrics, _of_metric), "params": (params, _of_param), "tags": (tags, _of_tag)}
_INDEX = {
    "metrics": _metric_index,
    "params": _param_index,
    "tags": _tag_index,
    "attribute": _attribute_index,
    "dataset": dataset_index,
}
