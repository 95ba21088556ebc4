"""What `fettle.load(…).predict` costs beside onnxruntime alone, on the same graph and rows in the same run.

python benchmarks/load.py [rounds]

onnxruntime gets tensors that are ready; fettle gets rows as JSON has them, or the same as a table, checks each value,
makes the tensors and puts the answers into words (`outputs` does not). All take turns, so that a busy moment of the
machine meets each; medians and the least are shown.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl

import fettle
from fettle import packaging, training
from fettle.packaging import Bundle
from fettle.packaging.predictor import Predictor, open_session
from fettle.packaging.records import MODEL_FILE
from fettle.training import Trial
from fettle.training.algorithms import for_task
from fettle.workspace import Workspace

SIZES = (1, 100, 10_000)
NUMBERS = 20


def trained(algorithm: str) -> Bundle:
    """A model of twenty numbers, a text and a boolean."""
    made = np.random.default_rng(1)
    numbers = {f"n{each}": made.normal(size=2000) for each in range(NUMBERS)}
    score = numbers["n0"] - numbers["n1"] + made.normal(scale=0.3, size=2000)
    frame = pl.DataFrame(
        {
            **numbers,
            "kind": [("a", "b", "c")[each % 3] for each in range(2000)],
            "flag": (made.random(2000) > 0.5).tolist(),
            "class": np.where(score > 0, "UP", "DOWN"),
        }
    )
    plan = training.plan(frame, "class")
    params: dict[str, Any] = dict(for_task(plan.task)[algorithm].defaults)
    fitted = training.fit(frame[:1500], plan, Trial(0, algorithm, params, "complete"), seed=1)
    return packaging.build(fitted, frame[1500:])


def times_us(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """How long each work took, in microseconds, least first; they take turns."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for each in works.values():
        each()
    for _ in range(rounds):
        for name, work in works.items():
            begun = time.perf_counter_ns()
            work()
            spent[name].append((time.perf_counter_ns() - begun) / 1000)
    return {name: sorted(each) for name, each in spent.items()}


def asked(model: Predictor, rows: list[dict[str, Any]]) -> dict[str, Callable[[], object]]:
    """The same rows in several forms, to be answered."""
    gaps = [{**row, "n3": None} for row in rows]
    frame = pl.DataFrame(rows)
    forms = {
        "rows": rows,
        "rows with gaps": gaps,
        "polars": frame,
        "pandas": frame.to_pandas(),
        "pyarrow": frame.to_arrow(),
        "lists": frame.to_dict(as_series=False),
    }
    works: dict[str, Callable[[], object]] = {
        name: (lambda form=form: model.predict(form)) for name, form in forms.items()
    }
    return works | {"polars, outputs": lambda: model.outputs(frame)}


def compare(ws: Workspace, algorithm: str, rounds: int) -> None:
    """Print a line for each number of rows."""
    bundle = trained(algorithm)
    ws.registry.register(algorithm, packaging.store(ws.blobs, bundle))
    ws.registry.promote(algorithm, 1)
    begun = time.perf_counter()
    model = fettle.load(f"{algorithm}@champion", workspace=ws)
    print(
        f"{algorithm}: loaded in {(time.perf_counter() - begun) * 1000:.0f} ms, onnxruntime {onnxruntime.__version__}"
    )
    session = open_session(bundle.read(MODEL_FILE))
    output = [session.get_outputs()[-1].name]
    examples = model.examples
    for size in SIZES:
        rows = [examples[each % len(examples)] for each in range(size)]
        feeds = model.feeds(rows)
        works: dict[str, Callable[[], object]] = {
            "onnxruntime": lambda feeds=feeds: session.run(output, feeds)
        }
        took = times_us(works | asked(model, rows), max(rounds // size, 15))
        raw = statistics.median(took["onnxruntime"])
        print(f"  {size:,} rows: onnxruntime {raw:,.0f} µs (least {took.pop('onnxruntime')[0]:,.0f})")
        for name, each in took.items():
            ours = statistics.median(each)
            print(
                f"    {name:<16} {ours:>8,.0f} µs (least {each[0]:,.0f}): {ours / raw:.2f} times, "
                f"{(ours - raw) / size:.2f} µs a row more"
            )


if __name__ == "__main__":
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder)) as workspace:
        compare(workspace, "logistic", turns)
        compare(workspace, "random_forest", turns)
