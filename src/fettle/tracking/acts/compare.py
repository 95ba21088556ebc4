"""Lay runs side by side."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from fettle.acts import Context, act
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.storage.objects import get_object
from fettle.tracking.compare.differences import CHANGES, ENVIRONMENT, differences
from fettle.tracking.records.comparisons import Comparison
from fettle.tracking.records.runs import Artifact
from fettle.tracking.store import runs as store

LEAST, MOST = 2, 500
_MOST_BYTES = 4 << 20


@act("tracking.compare", reads=True)
def compare(ctx: Context, runs: list[str], *, all: bool = False) -> Comparison:
    """Show in what runs differ: parameters, metrics, tags, code, environment and data.

    Args:
        runs: Ids of 2 to 500 runs.
        all: Also what is the same in all of them.

    Raises:
        NotFound: There is no run of one of the ids.
    """
    ids = list(dict.fromkeys(runs))
    if not LEAST <= len(ids) <= MOST:
        raise Invalid(
            f"{LEAST} to {MOST} different runs can be compared.",
            found=f"{len(ids)}",
            hint="Give the ids of runs.",
        )
    found = {each.id: each for each in store.find_runs(ctx.tx, ids)}
    for each in ids:
        if each not in found:
            raise NotFound.among("run", each, store.run_ids(ctx.tx), hint="fettle tracking runs")
    files = store.artifacts_of(ctx.tx, ids, [CHANGES, ENVIRONMENT])
    runs_with_files = [msgspec.structs.replace(run, artifacts=files.get(id, [])) for id, run in found.items()]
    read: dict[str, dict[str, str]] = {}
    return differences(
        runs_with_files, [_packages(ctx, each.artifacts, read) for each in runs_with_files], all=all
    )


def _packages(ctx: Context, files: list[Artifact], read: dict[str, dict[str, str]]) -> dict[str, str]:
    """What was installed, as the run has recorded it; nothing where it has not, or not readably.

    Args:
        ctx: Where.
        files: The run's.
        read: What was read of other runs before, by digest: many have the same.
    """
    file = next((each for each in files if each.path == ENVIRONMENT), None)
    if file is None or file.size_bytes > _MOST_BYTES:
        return {}
    if file.digest not in read:
        read[file.digest] = _recorded(ctx, file.digest)
    return read[file.digest]


def _recorded(ctx: Context, digest: str) -> dict[str, str]:
    try:
        recorded: Any = json.loads(get_object(ctx.blobs, digest))
    except (FettleError, ValueError, RecursionError):
        return {}
    packages = recorded.get("packages") if isinstance(recorded, dict) else None
    return {str(key): str(value) for key, value in packages.items()} if isinstance(packages, dict) else {}
