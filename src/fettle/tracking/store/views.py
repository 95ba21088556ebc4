"""The table of saved views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import upsert
from fettle.tracking.records.views import View

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

views = sa.Table(
    "tracking_views",
    metadata,
    sa.Column("experiment", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("where", sa.Text, nullable=False),
    sa.Column("order_by", Json, nullable=False),
    sa.Column("columns", Json, nullable=False),
    sa.Column("charts", Json, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("updated_at", At, nullable=False),
)


def m008_views(tx: Transaction) -> None:
    tx.create(views)


def put_view(tx: Transaction, view: View) -> None:
    tx.execute(upsert(views), msgspec.structs.asdict(view))


def list_views(tx: Transaction, experiment: str | None) -> list[View]:
    """Views by name; of one experiment together with those of the whole workspace, or all."""
    query = sa.select(views).order_by(views.c.experiment, views.c.name)
    if experiment is not None:
        query = query.where(views.c.experiment.in_(["", experiment]))
    return [View(**row) for row in tx.execute(query).mappings()]


def drop_view(tx: Transaction, experiment: str, name: str) -> bool:
    """Drop a view; False if there is none."""
    named = (views.c.experiment == experiment) & (views.c.name == name)
    return tx.execute(views.delete().where(named)).rowcount == 1


def rename_experiment(tx: Transaction, name: str, to: str) -> None:
    """Let the views of an experiment follow its name."""
    tx.execute(views.update().where(views.c.experiment == name).values(experiment=to))
