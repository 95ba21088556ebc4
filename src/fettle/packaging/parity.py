"""Row-wise parity: the packaged model must answer as the original does, on held-out rows and on hard ones.

Hard rows are held-out rows changed in one column: the value missing, a category never seen, a number far outside.
The packaged side is asked the whole way, as a client would: JSON row → predictor → ONNX Runtime.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fettle.packaging.predictor import Predictor
from fettle.packaging.records import ParityFailed, ParityReport
from fettle.packaging.rows import json_rows
from fettle.training.fitting import Fitted
from fettle.training.records import Feature

TOLERANCE = 1e-5
MOST_ROWS = 2000
HARD_ROWS = 25
UNSEEN = "⁂ never seen"


def check(
    fitted: Fitted, predictor: Predictor, frame: pl.DataFrame, *, tolerance: float = TOLERANCE
) -> ParityReport:
    """Compare the two on rows.

    Args:
        fitted: The original.
        predictor: The packaged one.
        frame: Held-out rows; 2,000 at most are drawn evenly from them.
        tolerance: The largest difference allowed: of a probability, or of a number in deviations of the target
            (32-bit arithmetic on numbers far from zero is allowed its rounding).

    Raises:
        ParityFailed: A row differs by more.
    """
    drawn = frame.gather_every(max(1, frame.height // MOST_ROWS)).head(MOST_ROWS).select(fitted.plan.columns)
    cases = {"held out": drawn} | _hard(fitted.plan.features, drawn.head(HARD_ROWS))
    worst: dict[str, float] = {}
    flips = rows = 0
    for name, case in cases.items():
        difference, flipped = _compare(fitted, predictor, case, tolerance)
        worst[name] = float(difference.max(initial=0.0))
        flips += flipped
        rows += case.height
    report = ParityReport(rows, max(worst.values()), tolerance, flips, worst)
    if not report.passed:
        told = ", ".join(f"{name} {value:.2g}" for name, value in worst.items())
        raise ParityFailed(
            "The packaged model does not answer as the original does.",
            found=f"differences up to {report.worst:.3g} (allowed {tolerance:.1g}), {flips} other classes; {told}",
            hint="Choose another algorithm, or report the case: a conversion that changes answers is not packaged.",
        )
    return report


def _compare(
    fitted: Fitted, predictor: Predictor, frame: pl.DataFrame, tolerance: float
) -> tuple[NDArray[np.float64], int]:
    original = fitted.predict(frame)
    outputs = predictor.outputs(json_rows(frame)).astype(np.float64)
    if fitted.plan.task == "regression":
        rounding = np.maximum(1.0, np.abs(original.values - fitted.offset) / fitted.scale)
        return np.nan_to_num(np.abs(outputs[:, 0] - original.values) / fitted.scale / rounding, nan=np.inf), 0
    difference = np.nan_to_num(np.abs(outputs - original.probabilities).max(axis=1), nan=np.inf)
    leading = np.sort(original.probabilities, axis=1)
    tied = leading[:, -1] - leading[:, -2] <= 2 * tolerance
    return difference, int(np.sum((outputs.argmax(axis=1) != original.values) & ~tied))


def _hard(features: tuple[Feature, ...], frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    missing, unseen, extreme = [], [], []
    for feature in features:
        column = pl.col(feature.name)
        missing.append(frame.with_columns(pl.lit(None, dtype=frame[feature.name].dtype).alias(feature.name)))
        if feature.role == "category":
            unseen.append(frame.with_columns(pl.lit(UNSEEN).alias(feature.name)))
        if feature.role == "number":
            wide = frame.with_columns(column.cast(pl.Float64))
            extreme += [wide.with_columns(column * 1e3 + 1e3), wide.with_columns(column * -1e3 - 1e3)]
    named = {"missing": missing, "unseen": unseen, "extreme": extreme}
    return {name: pl.concat(each, how="vertical_relaxed") for name, each in named.items() if each}
