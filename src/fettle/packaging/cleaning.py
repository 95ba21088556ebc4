"""Put a fitted cleaning into a bundle, and prove that the endpoint's rows are cleaned as the offline table is."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl

from fettle.core.canonical import decode, encode
from fettle.data.clean.fitted import FittedCleaning
from fettle.packaging.bundle import Bundle, with_files
from fettle.packaging.parity import HARD_ROWS, MOST_ROWS, UNSEEN
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import (
    CLEANING_FILE,
    EXAMPLES_FILE,
    PARITY_FILE,
    Example,
    ParityFailed,
    ParityReport,
    Schema,
)
from fettle.packaging.rows import json_rows

CASE = "cleaned"


def with_cleaning(made: Bundle, cleaning: FittedCleaning, raw: pl.DataFrame) -> Bundle:
    """A bundle that takes rows as they are before a cleaning.

    Only what the model's columns depend on is carried. Rows as a client sends them are then cleaned one by one in plain
    Python; here their answers are compared with those to the table that was cleaned as a whole, each row
    alone: they must be the same to the last bit, on held-out rows and on hard ones (missing, never seen, extreme).

    Args:
        made: The bundle of the model on cleaned columns, with its own proof of parity.
        cleaning: What cleaned them.
        raw: Held-out rows before cleaning.

    Raises:
        ParityFailed: A row is cleaned differently.
    """
    plain = Predictor(made)
    needed = cleaning.only_for(plain.columns)
    whole = with_files(made, {CLEANING_FILE: needed.encoded(), EXAMPLES_FILE: encode([])})
    predictor = Predictor(whole)
    drawn = raw.gather_every(max(1, raw.height // MOST_ROWS)).head(MOST_ROWS).select(predictor.columns)
    cases = [drawn, *_hard(predictor.schema, drawn.head(HARD_ROWS), needed.strict_columns)]
    worst = max(_difference(plain, predictor, needed, each) for each in cases)
    if worst > 0:
        raise ParityFailed(
            "The rows of an endpoint would not be cleaned as the training table was.",
            found=f"answers differ by up to {worst:.3g}",
            hint="Report the case, with the [[clean]] operations: it is a fault of fettle.",
        )
    report: ParityReport = decode(made.read(PARITY_FILE), ParityReport)
    rows = report.rows + sum(each.height for each in cases)
    told = msgspec.structs.replace(report, rows=rows, cases={**report.cases, CASE: worst})
    kept: list[Example] = decode(made.read(EXAMPLES_FILE), list[Example])
    shown = json_rows(raw.head(max(1, len(kept))), predictor.columns)
    examples = [Example(row, answer) for row, answer in zip(shown, predictor.predict(shown), strict=True)]
    return with_files(
        whole, {EXAMPLES_FILE: encode(examples), PARITY_FILE: encode(msgspec.to_builtins(told))}
    )


def _difference(plain: Predictor, predictor: Predictor, cleaning: FittedCleaning, raw: pl.DataFrame) -> float:
    offline = cleaning.apply(raw, rows="keep").frame
    expected = plain.outputs(json_rows(offline, plain.columns)).astype(np.float64)
    found = predictor.outputs(json_rows(raw)).astype(np.float64)
    return float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max(initial=0.0))


def _hard(schema: Schema, frame: pl.DataFrame, strict: set[str]) -> list[pl.DataFrame]:
    """Rows changed in one column; columns in which the unreadable is refused stay as they are."""
    made = []
    for feature in schema.columns:
        name = feature.name
        made.append(frame.with_columns(pl.lit(None, dtype=frame[name].dtype).alias(name)))
        if feature.role == "category" and name not in strict:
            made.append(frame.with_columns(pl.lit(UNSEEN).alias(name)))
        if feature.role == "number" and name not in strict:
            made += [frame.with_columns(pl.col(name) * 1000 + sign) for sign in (1000, -1000)]
    return made
