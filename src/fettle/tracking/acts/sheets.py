"""Runs as other tools show them, found and fetched in as few statements as it takes."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.tracking import search as language
from fettle.tracking.records.search import Query
from fettle.tracking.records.sheets import Sheet, SheetPage
from fettle.tracking.store import batch, sheets
from fettle.tracking.store import search as store

MOST = 50_000
"""Runs of one page."""


@act("tracking.sheets", reads=True, plumbing=True)
def show(ctx: Context, ids: list[str]) -> list[Sheet]:
    """Show runs with all that is known of them but their files; those that are not there are left out.

    Args:
        ids: Their ids.
    """
    return sheets.find_sheets(ctx.tx, ids)


@act("tracking.find_sheets", reads=True, plumbing=True)
def find(
    ctx: Context,
    numbers: list[int],
    *,
    where: str = "",
    order_by: list[str] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    deleted: bool | None = False,
) -> SheetPage:
    """Find runs of some experiments in MLflow's filter language, a page at a time.

    Args:
        numbers: The experiments' numbers; those that are not there have no runs.
        where: The filter; empty for all.
        order_by: Such as `metrics.loss DESC`.
        limit: At most so many.
        cursor: `next` of the page before.
        deleted: Those in the bin: no others if true. None means those too.

    Raises:
        Invalid: The filter or the order cannot be read, or the page is too long.
    """
    if not 0 <= limit <= MOST:
        raise Invalid("A page cannot be so long.", found=f"limit {limit}", hint=f"From 0 to {MOST:,}.")
    names = [each.name for each in batch.briefs_numbered(ctx.tx, numbers).values()]
    asked = Query(
        where=language.parse(where, dialect="mlflow", now=ctx.now),
        experiments=tuple(names),
        order=language.parse_order(order_by or [], dialect="mlflow"),
        limit=limit,
        cursor=cursor,
        archived=None,
        deleted=deleted,
    )
    ids, following = store.find_ids(ctx.tx, asked) if names else ([], None)
    return SheetPage(sheets.find_sheets(ctx.tx, ids), following)
