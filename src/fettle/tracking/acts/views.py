"""Save ways of looking at runs, and find them again."""

from __future__ import annotations

from typing import Any

from fettle.acts import Context, act
from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.tracking import search as language
from fettle.tracking.acts import experiments
from fettle.tracking.names import check_key
from fettle.tracking.records.views import View
from fettle.tracking.store import views as store

MOST_BYTES = 256 << 10
"""Of a view's columns and settings."""


@act("tracking.save_view")
def save_view(
    ctx: Context,
    name: str,
    experiment: str = "",
    *,
    where: str = "",
    order_by: list[str] | None = None,
    columns: list[str] | None = None,
    charts: dict[str, Any] | None = None,
    notes: str = "",
) -> View:
    """Save a search under a name, with its columns and charts; one of the same name is replaced.

    Args:
        name: Any printable text.
        experiment: Whose runs it is about; empty for those of all experiments.
        where: The search; it must be one that can be read.
        order_by: What the runs are sorted by.
        columns: The fields that are shown, such as `params.lr`.
        charts: Settings of its charts.
        notes: About it, in Markdown.
    """
    check_key("view", name)
    if experiment:
        experiments.named(ctx, experiment)
    language.parse(where, now=ctx.now)
    language.parse_order(order_by or [])
    language.parse_fields(columns or [])
    size = len(canonical.encode([columns, charts, notes]))
    if size > MOST_BYTES:
        raise Invalid(
            f"The view {name!r} is too long.", found=f"{size:,} bytes", hint=f"At most {MOST_BYTES:,}."
        )
    view = View(
        name=name,
        experiment=experiment,
        where=where,
        order_by=order_by or [],
        columns=columns or [],
        charts=charts or {},
        notes=notes,
        author=ctx.actor,
        updated_at=ctx.now,
    )
    store.put_view(ctx.tx, view)
    return view


@act("tracking.views", reads=True)
def views(ctx: Context, experiment: str | None = None) -> list[View]:
    """List saved views.

    Args:
        experiment: Only those of one experiment and those of the whole workspace.
    """
    return store.list_views(ctx.tx, experiment)


@act("tracking.drop_view")
def drop_view(ctx: Context, name: str, experiment: str = "") -> None:
    """Drop a saved view; the runs it shows are not touched.

    Args:
        name: Its name.
        experiment: Whose it is; empty for one of the whole workspace.
    """
    if not store.drop_view(ctx.tx, experiment, name):
        known = [each.name for each in store.list_views(ctx.tx, experiment) if each.experiment == experiment]
        raise NotFound.among("view", name, known, hint="fettle tracking views")
