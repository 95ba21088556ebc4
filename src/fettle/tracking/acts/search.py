"""Search runs by what went in and what came out."""

from __future__ import annotations

from typing import Literal

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.tracking import search as language
from fettle.tracking.records.search import Condition, Field, Group, Page, Query, Table
from fettle.tracking.search.groups import grouped
from fettle.tracking.store import keys
from fettle.tracking.store import search as store
from fettle.tracking.store.tables import columns_of

MOST = 50_000
"""Runs of one page."""
FURTHEST = 100_000_000
"""Runs to pass over."""


@act("tracking.search", reads=True)
def search(
    ctx: Context,
    where: str = "",
    *,
    experiments: list[str] | None = None,
    order_by: list[str] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    offset: int = 0,
    archived: bool | None = False,
    deleted: bool | None = False,
    dialect: Literal["fettle", "mlflow"] = "fettle",
) -> Page:
    """Find runs, a page at a time.

    Args:
        where: Such as `metrics.loss.min < 0.3 and params.model in ("tree", "forest")`; empty for all.
        experiments: Only runs of these; None means of any.
        order_by: `-metrics.loss`, `params.depth`, `tags.owner`, `name`, …; the newest first where the rest is alike.
            Runs without a value come last.
        limit: At most so many runs.
        cursor: `next` of the page before.
        offset: Pass over so many first.
        archived: Those put aside too: all of them and no others if true. None means those too.
        deleted: The same of those in the bin.
        dialect: Whose grammar: `mlflow` takes what MLflow takes and nothing more.

    Raises:
        Invalid: The search cannot be read; the message points at the character.
    """
    condition = language.parse(where, dialect=dialect, now=ctx.now)
    asked = Query(
        where=condition,
        experiments=None if experiments is None else tuple(experiments),
        order=language.parse_order(order_by or [], dialect=dialect),
        limit=_limit(limit),
        offset=_offset(offset),
        cursor=cursor,
        archived=None if language.mentions(condition, "archived") else archived,
        deleted=None if language.mentions(condition, "deleted") else deleted,
    )
    page = store.find(ctx.tx, asked)
    return page if page.runs or cursor else Page([], None, _unknown(ctx, condition))


def _unknown(ctx: Context, condition: Condition) -> list[str]:
    """What no run has of what a search names, in words."""
    found: list[str] = []
    for field, close in keys.unknown(ctx.tx, condition).items():
        if not language.has_other_names(field):
            meant = f"; did you mean {language.spelled(field.family, close[0])}?" if close else ""
            found.append(f"no run has {language.spelled(field.family, field.key)}{meant}")
    return found


@act("tracking.table", reads=True)
def table(
    ctx: Context,
    fields: list[str],
    *,
    where: str = "",
    experiments: list[str] | None = None,
    order_by: list[str] | None = None,
    limit: int = 1000,
    cursor: str | None = None,
) -> Table:
    """Show some fields of many runs, a column a field: for scatter plots, parallel coordinates and further work.

    Args:
        fields: Such as `params.lr`, `metrics.loss.min`, `tags.owner`, `status`.
        where: Which runs.
        experiments: Only runs of these; None means of any.
        order_by: What the runs are sorted by.
        limit: At most so many runs.
        cursor: `next` of the part before.
    """
    asked = language.parse_fields(fields)
    ids, following = store.find_ids(ctx.tx, _query(ctx, where, experiments, order_by, _limit(limit), cursor))
    return Table(ids, list(fields), columns_of(ctx.tx, ids, asked), following)


@act("tracking.group", reads=True)
def group(
    ctx: Context,
    by: list[str],
    *,
    metrics: list[str],
    where: str = "",
    experiments: list[str] | None = None,
    best: Literal["greatest", "least"] = "greatest",
) -> list[Group]:
    """Sum up metrics over runs that agree, such as the seeds of one setting; the group with the best mean first.

    Args:
        by: What the runs of a group agree in, such as `params.model`; those without it are a group too.
        metrics: Keys of metrics, or fields such as `metrics.loss.min`.
        where: Which runs.
        experiments: Only runs of these; None means of any.
        best: Whether the greatest or the least value is the best.

    Returns:
        For each group and metric: count, mean, standard deviation, 95 % interval of the mean, median, extremes, and
        the best run. At most the newest 50,000 runs are looked at.
    """
    kept = language.parse_fields(by)
    values = tuple(_metric(each) for each in metrics)
    ids, _ = store.find_ids(ctx.tx, _query(ctx, where, experiments, None, MOST, None))
    columns = columns_of(ctx.tx, ids, (*kept, *values))
    return grouped(ids, by, columns[: len(kept)], metrics, columns[len(kept) :], best)


def _metric(text: str) -> Field:
    if not text.startswith(("metrics.", "metric.")):
        return Field("metrics", text)
    (field,) = language.parse_fields([text])
    return field


def _query(
    ctx: Context,
    where: str,
    experiments: list[str] | None,
    order_by: list[str] | None,
    limit: int,
    cursor: str | None,
) -> Query:
    condition = language.parse(where, now=ctx.now)
    return Query(
        where=condition,
        experiments=None if experiments is None else tuple(experiments),
        order=language.parse_order(order_by or []),
        limit=limit,
        cursor=cursor,
        archived=None if language.mentions(condition, "archived") else False,
        deleted=None if language.mentions(condition, "deleted") else False,
    )


def _offset(offset: int) -> int:
    if offset > FURTHEST:
        raise Invalid(
            "A page cannot begin so far behind.",
            found=f"offset {str(offset)[:30]}",
            hint=f"At most {FURTHEST:,}; a cursor leads on from any page.",
        )
    return max(0, offset)


def _limit(limit: int) -> int:
    if not 0 <= limit <= MOST:
        raise Invalid(
            "A page cannot be so long.", found=f"limit {str(limit)[:30]}", hint=f"From 0 to {MOST:,}."
        )
    return limit
