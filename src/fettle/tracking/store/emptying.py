"""The SQL that removes experiments which have been in the bin long enough, with all that belongs to them alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.tracking.records.upkeep import RemovableExperiment
from fettle.tracking.store import collaboration, evaluation, upkeep
from fettle.tracking.store.experiments import experiment_tags, experiments
from fettle.tracking.store.inputs import logged_models
from fettle.tracking.store.runs import runs
from fettle.tracking.store.traces import traces
from fettle.tracking.store.views import views

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def removable_experiments(tx: Transaction, before: datetime) -> list[RemovableExperiment]:
    """Experiments that went into the bin before a moment, and whose runs may all go."""
    held = sa.select(upkeep.pins.c.run).where(upkeep.pins.c.run == runs.c.id).exists()
    lately = runs.c.deleted_at.is_(None) | (runs.c.deleted_at >= before)
    here = runs.c.experiment == experiments.c.name
    return _found(tx, before, ~sa.select(runs.c.id).where(here & (lately | held)).exists())


def empty_experiments(tx: Transaction, before: datetime, limit: int) -> list[RemovableExperiment]:
    """Experiments that went into the bin before a moment, and whose runs are all gone."""
    here = runs.c.experiment == experiments.c.name
    return _found(tx, before, ~sa.select(runs.c.id).where(here).exists())[:limit]


def _found(tx: Transaction, before: datetime, condition: sa.ColumnElement[bool]) -> list[RemovableExperiment]:
    query = sa.select(experiments.c.number, experiments.c.name)
    query = query.where((experiments.c.deleted_at < before) & condition).order_by(experiments.c.number)
    found = [_told(tx, row.number, row.name) for row in tx.execute(query).all()]
    highest = _highest(tx)
    return [each for each in found if each.number != highest or each.traces or each.models]


def _highest(tx: Transaction) -> int | None:
    return tx.execute(sa.select(sa.func.max(experiments.c.number))).scalar_one()


def _told(tx: Transaction, number: int, name: str) -> RemovableExperiment:
    """An experiment with what goes with it beside its runs and what is theirs."""
    here = sa.select(runs.c.id).where(runs.c.experiment == name)
    found, models = (
        list(
            tx.execute(
                sa.select(table.c.id).where((table.c.experiment == number) & table.c.run.not_in(here))
            ).scalars()
        )
        for table in (traces, logged_models)
    )
    return RemovableExperiment(name, number, len(found), len(models), upkeep.owned_bytes(tx, models, found))


def purge_experiment(tx: Transaction, number: int, name: str, most: int) -> tuple[int, bool]:
    """Remove the traces of an experiment without runs, and once none is left, all else of it.

    Its row stays while its number is the highest: the next experiment would get the number again, and clients that
    remember it would log to the wrong one.

    Returns:
        How many traces went, and whether nothing is left to remove.
    """
    some = list(tx.execute(sa.select(traces.c.id).where(traces.c.experiment == number).limit(most)).scalars())
    upkeep.purge_traces(tx, some)
    if len(some) == most:
        return len(some), False
    models = tx.execute(sa.select(logged_models.c.id).where(logged_models.c.experiment == number)).scalars()
    upkeep.purge_models(tx, list(models))
    collaboration.forget(tx, [f"experiment:{name}"])
    for each in evaluation.list_sets(tx):
        if number in each.experiments:
            left = [other for other in each.experiments if other != number]
            evaluation.put_set(tx, msgspec.structs.replace(each, experiments=left))
    tx.execute(evaluation.scorers.delete().where(evaluation.scorers.c.experiment == number))
    tx.execute(views.delete().where(views.c.experiment == name))
    tx.execute(upkeep.quotas.delete().where(upkeep.quotas.c.experiment == number))
    tx.execute(experiment_tags.delete().where(experiment_tags.c.number == number))
    if number != _highest(tx):
        tx.execute(experiments.delete().where(experiments.c.number == number))
    return len(some), True


def removable_models(tx: Transaction, before: datetime) -> tuple[int, int]:
    """How many logged models that were deleted before a moment go without their run, and the bytes of their files."""
    binned = sa.select(runs.c.id).where(runs.c.deleted_at < before)
    query = sa.select(logged_models.c.id).where(
        (logged_models.c.deleted_at < before) & logged_models.c.run.not_in(binned)
    )
    found = list(tx.execute(query).scalars())
    return len(found), upkeep.owned_bytes(tx, found, [])
