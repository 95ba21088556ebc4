"""A small real model for the tests of serving: trained, converted to ONNX and packed once, registered where needed."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from fettle import packaging, training
from fettle.packaging import Bundle
from fettle.registry.records import ModelVersion
from fettle.training import Trial
from fettle.workspace import Workspace

MODEL = "market"


@cache
def packed(seed: int, *, regression: bool = False) -> Bundle:
    """A bundle of a logistic (or ridge) regression on two numbers, a text with gaps and a boolean."""
    made = np.random.default_rng(seed)
    price, demand = made.normal(size=400), made.normal(size=400)
    score = price - demand + made.normal(scale=0.3, size=400)
    frame = pl.DataFrame(
        {
            "price": price,
            "demand (MW)": demand,
            "région": [
                None if each > 1.6 else ("nord", "süd", "东")[index % 3] for index, each in enumerate(price)
            ],
            "holiday": (made.random(400) > 0.9).tolist(),
            "class": score if regression else np.where(score > 0, "UP", "DOWN"),
        }
    )
    plan = training.plan(frame, "class")
    recipe = Trial(0, *(("ridge", {"alpha": 1.0}) if regression else ("logistic", {"C": 1.0})), "complete")
    return packaging.build(training.fit(frame[:300], plan, recipe, seed=seed), frame[300:])


def register_version(ws: Workspace, seed: int = 1, model: str = MODEL) -> ModelVersion:
    """Store and register the bundle of a seed as the model's next version."""
    return ws.registry.register(model, packaging.store(ws.blobs, packed(seed)))
