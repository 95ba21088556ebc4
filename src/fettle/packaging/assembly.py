"""Make a bundle of a fitted model: convert, prove parity, add examples and what is known about it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
import polars as pl

from fettle.core.canonical import encode
from fettle.core.errors import Invalid
from fettle.packaging import parity
from fettle.packaging.bundle import Bundle, listing
from fettle.packaging.onnx import convert
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import (
    ENVIRONMENT_FILE,
    EXAMPLES_FILE,
    LINEAGE_FILE,
    METRICS_FILE,
    MODEL_FILE,
    PARITY_FILE,
    REFERENCE_FILE,
    SCHEMA_FILE,
    Example,
    Manifest,
    Schema,
)
from fettle.packaging.rows import json_rows
from fettle.training.fitting import Fitted
from fettle.training.records import FeaturePlan

EXAMPLES = 5
_PACKAGES = ("numpy", "polars", "scikit-learn", "skl2onnx", "onnx", "onnxruntime", "msgspec")


def build(
    fitted: Fitted,
    held_out: pl.DataFrame,
    *,
    metrics: Any = None,
    lineage: Mapping[str, Any] | None = None,
    reference: Any = None,
    extra: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Package a model. The same model, rows and facts give the same digest.

    Args:
        fitted: The model.
        held_out: Rows it was not fitted on, for parity and examples; the target may be among the columns.
        metrics: JSON-able facts for metrics.json.
        lineage: JSON-able ids for lineage.json, such as dataset commit and run.
        reference: The JSON-able reference profile that drift is measured against.
        extra: More files by name.

    Raises:
        ParityFailed: The packaged form does not answer as the original does.
        Invalid: No held-out rows.
    """
    if held_out.is_empty():
        raise Invalid("A bundle needs held-out rows, to prove parity on.", found="no rows")
    files = {
        MODEL_FILE: convert(fitted),
        SCHEMA_FILE: encode(schema_of(fitted.plan)),
        EXAMPLES_FILE: encode([]),
        METRICS_FILE: encode(metrics if metrics is not None else {}),
        LINEAGE_FILE: encode(dict(lineage or {})),
        ENVIRONMENT_FILE: encode(environment()),
        **(extra or {}),
    }
    if reference is not None:
        files[REFERENCE_FILE] = encode(reference)
    predictor = Predictor(_bundle(fitted, files))
    files[PARITY_FILE] = encode(msgspec.to_builtins(parity.check(fitted, predictor, held_out)))
    rows = json_rows(held_out.head(EXAMPLES), fitted.plan.columns)
    answers = predictor.predict(rows)
    files[EXAMPLES_FILE] = encode([Example(row, answer) for row, answer in zip(rows, answers, strict=True)])
    return _bundle(fitted, files)


def schema_of(plan: FeaturePlan) -> Schema:
    """What rows of a plan must look like."""
    return Schema(
        task=plan.task,
        target=plan.target,
        columns=plan.features,
        labels=plan.labels,
        ignored=tuple(each.name for each in plan.dropped),
    )


def environment() -> dict[str, str]:
    """The versions that made this bundle."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _bundle(fitted: Fitted, files: Mapping[str, bytes]) -> Bundle:
    plan = fitted.plan
    manifest = Manifest(
        plan.task, plan.target, fitted.algorithm, dict(fitted.params), fitted.rows, listing(files)
    )
    return Bundle(manifest, dict(files))
