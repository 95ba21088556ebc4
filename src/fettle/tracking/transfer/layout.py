"""How an export lies in its folder.

fettle-tracking.json     the format's number, when and how much
experiments.parquet      name, number, notes, tags, created_at, updated_at, deleted_at
runs.parquet             a row a run; inputs, params and tags as JSON
points.parquet           run, key, step, at, value: in the order of their logging within a run and key
artifacts.parquet        run, path, digest, size_bytes, at
objects/ab/abcd…         the files, by digest
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound

MANIFEST, EXPERIMENTS, RUNS = "fettle-tracking.json", "experiments.parquet", "runs.parquet"
POINTS, ARTIFACTS, OBJECTS = "points.parquet", "artifacts.parquet", "objects"
FORMAT = 1

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
