"""Two models on the same rows: whose answers differ, by how much, and how long they take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from fettle.core.errors import Invalid
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import Answer, Row
from fettle.registry.records.comparison import Answers

SAME = 1e-6
SHOWN = 10
TIMED = 200
"""Rows that are timed one by one."""


def compare(a: Predictor, b: Predictor, rows: Sequence[Row]) -> Answers:
    """Answer the same rows with two models.

    Args:
        a: The first.
        b: The second.
        rows: What both are asked.
    """
    if not rows:
        return Answers(note="there are no rows to ask")
    try:
        said_a, said_b = a.predict(rows), b.predict(rows)
    except Invalid as error:
        return Answers(note=f"one of them cannot answer these rows: {error.message} {error.found}")
    if a.schema.task == "regression" or b.schema.task == "regression":
        if a.schema.task != b.schema.task:
            return Answers(note=f"one answers {a.schema.task}, the other {b.schema.task}")
        gaps = [abs(x["prediction"] - y["prediction"]) for x, y in zip(said_a, said_b, strict=True)]
        sizes = [max(1.0, abs(x["prediction"])) for x in said_a]
        differing = sum(gap > SAME * size for gap, size in zip(gaps, sizes, strict=True))
    else:
        gaps = [_gap(x, y) for x, y in zip(said_a, said_b, strict=True)]
        differing = sum(x["prediction"] != y["prediction"] for x, y in zip(said_a, said_b, strict=True))
    a_ms, b_ms = _timed([a, b], rows)
    worst = sorted(range(len(rows)), key=gaps.__getitem__, reverse=True)[:SHOWN]
    return Answers(
        rows=len(rows),
        differing=differing / len(rows),
        largest=max(gaps),
        mean=statistics.fmean(gaps),
        examples=[
            {"row": rows[at], "a": said_a[at], "b": said_b[at], "difference": gaps[at]}
            for at in worst
            if gaps[at] > 0
        ],
        a_ms=a_ms,
        b_ms=b_ms,
    )


def _gap(x: Answer, y: Answer) -> float:
    """The largest difference of a class's probability; a class that one does not know counts as 0 there."""
    one, other = x["probabilities"], y["probabilities"]
    return max(abs(one.get(label, 0.0) - other.get(label, 0.0)) for label in {**one, **other})


def _timed(
    models: Sequence[Predictor], rows: Sequence[Row], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median time of one row of each model, in milliseconds; they take turns, so that a busy moment meets all."""
    times: list[list[float]] = [[] for _ in models]
    for at in range(TIMED):
        row: list[dict[str, Any]] = [rows[at % len(rows)]]
        for place, model in enumerate(models):
            begun = clock()
            model.predict(row)
            times[place].append((clock() - begun) * 1000)
    return [statistics.median(each) for each in times]
