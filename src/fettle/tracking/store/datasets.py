"""Which runs read which datasets, as SQL: by references of ours, and by inputs that other tools logged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fettle.storage.texts import plain
from fettle.tracking.records.search import Term
from fettle.tracking.store.comparing import Truth, compare_texts
from fettle.tracking.store.inputs import inputs
from fettle.tracking.store.runs import reads, reference_parts, runs


def dataset(test: Term) -> Truth:
    """What is true of a row of `runs` whose run read such a dataset."""
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


def dataset_index(test: Term) -> sa.Select[Any] | None:
    """The runs (`run`) that read such a dataset, if an index tells."""
    if test.op not in ("=", "in"):
        return None
    found = sa.select(reads.c.run).where(*_of_reads(test))
    logged = sa.select(inputs.c.run).where(*_of_inputs(test))
    union = sa.union(found, logged).subquery()
    return sa.select(union.c.run)
