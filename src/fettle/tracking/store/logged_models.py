"""The SQL of logged models and of what was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.storage.upserts import upsert
from fettle.tracking.records.inputs import LoggedModel, ModelMetric
from fettle.tracking.records.metrics import written
from fettle.tracking.store.experiments import experiments
from fettle.tracking.store.inputs import logged_models, model_metrics

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_COLUMNS = [column.name for column in logged_models.columns]


def add_model(tx: Transaction, model: LoggedModel) -> None:
    fields = msgspec.structs.asdict(model)
    tx.execute(logged_models.insert().values(**{name: fields[name] for name in _COLUMNS}))


def change_model(tx: Transaction, model: str, **fields: Any) -> None:
    """Set columns of a logged model."""
    tx.execute(logged_models.update().where(logged_models.c.id == model).values(**fields))


def find_model(tx: Transaction, model: str) -> LoggedModel | None:
    found = _complete(tx, sa.select(logged_models).where(logged_models.c.id == model))
    return found[0] if found else None


def list_models(tx: Transaction, numbers: Sequence[int]) -> list[LoggedModel]:
    """The logged models of experiments that are in use, newest first."""
    query = sa.select(logged_models).where(
        logged_models.c.experiment.in_(numbers) & logged_models.c.deleted_at.is_(None)
    )
    return _complete(tx, query.order_by(logged_models.c.created_at.desc(), logged_models.c.id))


def add_metrics(tx: Transaction, run: str, metrics: Sequence[ModelMetric], now: datetime) -> None:
    """Add what was measured; the same point again is kept once."""
    rows = []
    for each in metrics:
        value = written(float(each.value))
        numbers = (
            {"value": None, "not_finite": value}
            if isinstance(value, str)
            else {"value": value, "not_finite": None}
        )
        fields = {**msgspec.structs.asdict(each), "run": run, "at": each.at or now}
        rows.append(fields | numbers)
    if rows:
        tx.execute(upsert(model_metrics), rows)


def _complete(tx: Transaction, query: sa.Select[Any]) -> list[LoggedModel]:
    """Models from their rows, with their metrics fetched in one query for each five hundred."""
    rows = tx.execute(query).mappings().all()
    keys = [row["id"] for row in rows]
    measured: dict[str, list[ModelMetric]] = {}
    for start in range(0, len(keys), 500):
        some = model_metrics.c.model.in_(keys[start : start + 500])
        ordered = sa.select(model_metrics).where(some).order_by(model_metrics.c.at, model_metrics.c.key)
        for row in tx.execute(ordered).mappings():
            fields = {name: row[name] for name in ModelMetric.__struct_fields__}
            fields["value"] = row["value"] if row["not_finite"] is None else row["not_finite"]
            measured.setdefault(row["model"], []).append(ModelMetric(**fields))
    return [LoggedModel(**row, metrics=measured.get(row["id"], [])) for row in rows]


def experiment_of(tx: Transaction, model: str) -> str | None:
    """The name of the experiment of a logged model; None if there is no such model."""
    of = experiments.c.number == logged_models.c.experiment
    query = sa.select(experiments.c.name).select_from(logged_models.join(experiments, of))
    return tx.execute(query.where(logged_models.c.id == model)).scalar_one_or_none()
