"""Lay runs side by side."""

from __future__ import annotations

import json
from typing import Any

from fettle.acts import Context, act
from fettle.core.errors import FettleError, Invalid
from fettle.storage.objects import get_object
from fettle.tracking.acts.runs import existing
from fettle.tracking.compare.differences import ENVIRONMENT, differences
from fettle.tracking.records.comparisons import Comparison
from fettle.tracking.records.runs import Run

LEAST, MOST = 2, 50
_MOST_BYTES = 4 << 20


@act("tracking.compare", reads=True)
def compare(ctx: Context, runs: list[str], *, all: bool = False) -> Comparison:
    """Show in what runs differ: parameters, metrics, tags, code, environment and data.

    Args:
        runs: Ids of 2 to 50 runs.
        all: Also what is the same in all of them.
    """
    ids = list(dict.fromkeys(runs))
    if not LEAST <= len(ids) <= MOST:
        raise Invalid(
            f"{LEAST} to {MOST} different runs can be compared.",
            found=f"{len(ids)}",
            hint="Give the ids of runs.",
        )
    found = [existing(ctx, each, whole=True) for each in ids]
    return differences(found, [_packages(ctx, each) for each in found], all=all)


def _packages(ctx: Context, run: Run) -> dict[str, str]:
    """What was installed, as the run has recorded it; nothing where it has not, or not readably."""
    file = next((each for each in run.artifacts if each.path == ENVIRONMENT), None)
    if file is None or file.size_bytes > _MOST_BYTES:
        return {}
    try:
        recorded: Any = json.loads(get_object(ctx.blobs, file.digest))
    except (FettleError, ValueError, RecursionError):
        return {}
    packages = recorded.get("packages") if isinstance(recorded, dict) else None
    return {str(key): str(value) for key, value in packages.items()} if isinstance(packages, dict) else {}
