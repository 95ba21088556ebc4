"""The tables of what runs read and made: datasets, logged models, and files that belong to no run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new
from fettle.tracking.records.inputs import DatasetInput, DatasetUse, ModelLink
from fettle.tracking.store.experiments import experiments
from fettle.tracking.store.runs import runs

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

inputs = sa.Table(
    "tracking_inputs",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("context", sa.Text, nullable=False, server_default=""),
    sa.Column("source_type", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("schema", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Index("tracking_inputs_name", "name", "digest", "run"),
)
model_links = sa.Table(
    "tracking_model_links",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("made", sa.Boolean, primary_key=True, autoincrement=False),
    sa.Column("model", sa.Text, primary_key=True, index=True),
    sa.Column("step", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", At, nullable=False),
)
logged_models = sa.Table(
    "tracking_models",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("experiment", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("deleted_at", At),
    sa.Column("params", Json, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Index("tracking_models_experiment", "experiment", "created_at"),
)
model_metrics = sa.Table(
    "tracking_model_metrics",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", At, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double),
    sa.Column("not_finite", sa.Text),
)
files = sa.Table(
    "tracking_files",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("at", At, nullable=False),
)


def m005_inputs(tx: Transaction) -> None:
    """What runs read and made, as clients of other tools describe it."""
    tx.create(inputs, model_links, logged_models, model_metrics, files)


def add_datasets(tx: Transaction, run: str, datasets: Sequence[DatasetInput], at: datetime) -> None:
    """Add what a run read; the same name and digest again changes nothing."""
    rows = {
        (each.name, each.digest): {
            **msgspec.structs.asdict(each),
            "run": run,
            "context": each.context,
            "at": at,
        }
        for each in reversed(datasets)
    }
    if rows:
        tx.execute(insert_new(inputs), list(rows.values())[::-1])


def add_links(tx: Transaction, run: str, links: Sequence[ModelLink], *, made: bool, at: datetime) -> None:
    """Add the logged models that a run read or made; what is known stays."""
    rows = [{"run": run, "made": made, "model": each.model, "step": each.step, "at": at} for each in links]
    if rows:
        tx.execute(insert_new(model_links), rows)


def list_datasets(tx: Transaction, numbers: Sequence[int], most: int) -> list[DatasetUse]:
    """The datasets that runs of these experiments used, each once."""
    columns = (experiments.c.number, inputs.c.name, inputs.c.digest, inputs.c.context)
    query = (
        sa.select(*columns)
        .select_from(
            inputs.join(runs, runs.c.id == inputs.c.run).join(
                experiments, experiments.c.name == runs.c.experiment
            )
        )
        .where(experiments.c.number.in_(numbers) & runs.c.deleted_at.is_(None))
        .distinct()
        .order_by(*columns)
        .limit(most)
    )
    return [DatasetUse(row.number, row.name, row.digest, row.context) for row in tx.execute(query)]
