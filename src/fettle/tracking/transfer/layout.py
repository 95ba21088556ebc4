"""How an export lies in its folder.

fettle-tracking.json     the format's number, when and how much
experiments.parquet      name, number, notes, tags, created_at, updated_at, deleted_at
runs.parquet             a row a run; inputs, params and tags as JSON
points.parquet           run, key, step, at, value: in the order of their logging within a run and key
artifacts.parquet        run, path, digest, size_bytes, at
objects/ab/abcd…         the files, by digest
TABLE.parquet            what people made besides, a row each; see `MADE`
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound

MANIFEST, EXPERIMENTS, RUNS = "fettle-tracking.json", "experiments.parquet", "runs.parquet"
POINTS, ARTIFACTS, OBJECTS = "points.parquet", "artifacts.parquet", "objects"
FORMAT = 1
MANY = "experiments"
"""The kind of a column that names several experiments."""

_AT = pa.timestamp("us", tz="UTC")
EXPERIMENT_COLUMNS = pa.schema(
    [
        ("name", pa.string()),
        ("number", pa.int64()),
        ("notes", pa.string()),
        ("tags", pa.string()),
        ("created_at", _AT),
        ("updated_at", _AT),
        ("deleted_at", _AT),
    ]
)
RUN_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "experiment", "name", "status", "author")),
        ("started_at", _AT),
        ("ended_at", _AT),
        ("parent", pa.string()),
        ("inputs", pa.string()),
        ("params", pa.string()),
        ("tags", pa.string()),
        ("notes", pa.string()),
        ("archived_at", _AT),
        ("deleted_at", _AT),
    ]
)
POINT_COLUMNS = pa.schema(
    [("run", pa.string()), ("key", pa.string()), ("step", pa.int64()), ("at", _AT), ("value", pa.float64())]
)
ARTIFACT_COLUMNS = pa.schema(
    [
        ("run", pa.string()),
        ("path", pa.string()),
        ("digest", pa.string()),
        ("size_bytes", pa.int64()),
        ("at", _AT),
    ]
)


class Made(msgspec.Struct, frozen=True):
    """A table of what people made around their runs.

    Attributes:
        columns: As they lie in Parquet.
        whose: The column that says what a row belongs to; empty: to the whole workspace.
        kind: What that column names; empty: it says so itself, as `run:ID`.
        named: What the column `id` makes of a row, for rows of later tables; empty: nothing.
    """

    columns: Any
    whose: str = ""
    kind: str = ""
    named: str = ""


def _columns(texts: str, times: str = "", wholes: str = "", truths: str = "", numbers: str = "") -> pa.Schema:
    given = (
        (texts, pa.string()),
        (times, _AT),
        (wholes, pa.int64()),
        (truths, pa.bool_()),
        (numbers, pa.float64()),
    )
    return pa.schema([(name, kind) for names, kind in given for name in names.split()])


MADE = {
    "inputs": Made(
        _columns("run name digest context source_type source schema profile tags", "at"), "run", "run"
    ),
    "model_links": Made(_columns("run model", "at", "step", "made"), "run", "run"),
    "models": Made(
        _columns("id experiment name kind run status author params tags", "created_at updated_at deleted_at"),
        "experiment",
        "experiment",
        "model",
    ),
    "model_metrics": Made(
        _columns("model key run dataset digest not_finite", "at", "step", numbers="value"), "model", "model"
    ),
    "traces": Made(
        _columns(
            "id experiment state client_id request response run metadata tags assessments",
            "at",
            "duration_ms",
        ),
        "experiment",
        "experiment",
        "trace",
    ),
    "spans": Made(
        _columns("trace id parent name said", "", "started_ns ended_ns", "failed"), "trace", "trace"
    ),
    "files": Made(_columns("owner path digest", "at", "size_bytes"), "owner"),
    "evaluation_sets": Made(
        _columns("id name author experiments tags fields", "created_at updated_at"),
        "experiments",
        MANY,
        "evaluation-set",
    ),
    "evaluation_records": Made(
        _columns("set question id said", "created_at updated_at"), "set", "evaluation-set"
    ),
    "scorers": Made(
        _columns("experiment name id scorer author", "at", "version"), "experiment", "experiment"
    ),
    "comments": Made(
        _columns("id subject text author mentions answers", "at edited_at"), "subject", "", "comment"
    ),
    "mentions": Made(_columns("actor comment"), "comment", "comment"),
    "pinned": Made(_columns("subject by note", "at"), "subject"),
    "links": Made(_columns("id path by", "at")),
    "reports": Made(_columns("name title text author updated_by", "at updated_at", "revision")),
    "views": Made(
        _columns("experiment name where order_by columns charts notes author", "updated_at"),
        "experiment",
        "experiment",
    ),
    "quotas": Made(
        _columns("experiment", "", "most_runs most_points most_bytes"), "experiment", "experiment"
    ),
}
"""Table of what people made → how it lies; moments as times, nested values as JSON, experiments by name."""


class Manifest(msgspec.Struct, frozen=True):
    """What an export says of itself.

    Attributes:
        format: 1.
        at: When it was made.
        experiments: How many.
        runs: How many.
        points: How many.
        files: How many, as they are named; the same content is kept once.
    """

    format: int
    at: datetime
    experiments: int
    runs: int
    points: int
    files: int


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export, which is written last: a folder without one is not whole.

    Raises:
        NotFound: The folder holds no export, or one that was cut off.
        Invalid: It cannot be read, or is of a later format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFound(
            f"{folder} holds no export of runs.", found=f"no {MANIFEST}", hint="Was the export cut off?"
        )
    try:
        found = canonical.decode(path.read_bytes(), Manifest)
    except msgspec.DecodeError as error:
        raise Invalid(f"{path} cannot be read.", found=str(error)) from error
    if found.format != FORMAT:
        raise Invalid(
            f"{path} is of format {found.format}.", found=f"this fettle reads {FORMAT}", hint="Upgrade."
        )
    return found
