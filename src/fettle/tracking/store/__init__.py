"""The tables of tracking, a module a subject, and the migrations in their one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.tracking.store import (
    collaboration,
    evaluation,
    experiments,
    inputs,
    metrics,
    runs,
    search,
    traces,
    upkeep,
    views,
)

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction


def m001_initial(tx: Transaction) -> None:
    tx.create(
        runs.runs, runs.params, runs.tags, metrics.metrics, metrics.chunks, metrics.cursors, runs.artifacts
    )


MIGRATIONS = [
    m001_initial,
    experiments.m002_experiments,
    metrics.m003_columns,
    search.m004_search,
    inputs.m005_inputs,
    upkeep.m006_upkeep,
    collaboration.m007_collaboration,
    views.m008_views,
    traces.m009_traces,
    evaluation.m010_evaluation,
    evaluation.m011_scorers,
]
