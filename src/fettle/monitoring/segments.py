"""Collected rows as columnar files: what a pass took from the logs, kept in the blobs under its digest.

One file of requests and one of labels a pass, Parquet. Retraining reads them back without a row passing through the
database; the database only knows which request fell where.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from fettle.monitoring.performance import text_of
from fettle.monitoring.records import Segment
from fettle.storage.objects import get_object, put_object

if TYPE_CHECKING:
    from fettle.serving.records import Label, Prediction
    from fettle.storage.ports import BlobStore

FEATURE = "f."
"""Prefix of the feature columns, so that a feature may be called ``row`` or ``at``."""

_WIDEST = 1 << 63
_TIME = pl.Datetime("us", "UTC")


def requests_frame(records: Sequence[Prediction]) -> pl.DataFrame:
    """Requests as a frame: id, row, time, version, status, the answer as text, and every feature sent."""
    names = {name: None for each in records for name in each.features}
    columns = [
        pl.Series("request", [each.id for each in records], pl.String),
        pl.Series("row", [each.row for each in records], pl.Int32),
        pl.Series("at", [each.at for each in records], _TIME),
        pl.Series("model", [each.model for each in records], pl.String),
        pl.Series("version", [each.version for each in records], pl.Int32),
        pl.Series("status", [each.status for each in records], pl.Int16),
        pl.Series("answer", [_answer(each) for each in records], pl.String),
    ]
    features = [column_of(FEATURE + name, [each.features.get(name) for each in records]) for name in names]
    return pl.DataFrame(columns + features)


def _answer(record: Prediction) -> str | None:
    return text_of((record.answer or {}).get("prediction"))


def labels_frame(labels: Sequence[Label]) -> pl.DataFrame:
    """Labels as a frame: request, row, time, the label as text to compare and as JSON to give back."""
    return pl.DataFrame(
        [
            pl.Series("request", [each.id for each in labels], pl.String),
            pl.Series("row", [each.row for each in labels], pl.Int32),
            pl.Series("at", [each.at for each in labels], _TIME),
            pl.Series("label", [text_of(each.label) for each in labels], pl.String),
            pl.Series("value", [msgspec.json.encode(each.label).decode() for each in labels], pl.String),
        ]
    )


def column_of(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of JSON values in the narrowest type that holds them all; mixed and nested ones become text."""
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pl.Series(name, [None] * len(values), pl.Null)
    if kinds == {bool}:
        return pl.Series(name, values, pl.Boolean)
    if kinds == {int} and all(-_WIDEST <= value < _WIDEST for value in values if value is not None):
        return pl.Series(name, values, pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], pl.Float64)
    return pl.Series(name, [_text(value) for value in values], pl.String)


def _text(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, dict | list) else text_of(value)


def write(blobs: BlobStore, frame: pl.DataFrame) -> str:
    """Keep a frame in the blobs; return its digest."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    return put_object(blobs, buffer.getvalue())


def read(blobs: BlobStore, digest: str) -> pl.DataFrame:
    """Read a frame back."""
    return pl.read_parquet(io.BytesIO(get_object(blobs, digest)))


def described(frame: pl.DataFrame, kind: str, digest: str) -> Segment:
    """The entry of a kept frame: which stretch of time it holds."""
    first_at, last_at = frame.select(pl.col("at").min().alias("first"), pl.col("at").max().alias("last")).row(
        0
    )
    return Segment(digest, kind, first_at, last_at, frame.height)


def joined(requests: Iterable[pl.DataFrame], labels: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Answered requests with their latest labels, each request row once, in order of time.

    `first_label_at` is when a row's first label was told, `label_at` when the one that counts was.
    """
    asked = pl.concat(requests, how="diagonal_relaxed").filter(pl.col("status") < 400)
    told = pl.concat(labels, how="vertical").filter(pl.col("label").is_not_null())
    once = asked.unique(["request", "row"], keep="first", maintain_order=True)
    last = told.unique(["request", "row"], keep="last", maintain_order=True)
    last = last.select("request", "row", "value", label_at="at")
    first = told.group_by("request", "row").agg(first_label_at=pl.col("at").min())
    known = once.join(last, on=["request", "row"], how="inner").join(
        first, on=["request", "row"], how="inner"
    )
    return known.sort("at", "request", "row")
