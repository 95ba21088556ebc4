"""The rooms of a workspace in the order of the lifecycle, and where each declares its acts and its tables."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fettle.acts import Catalog


ROOMS = (
    "privacy",
    "data",
    "labels",
    "features",
    "tracking",
    "pipelines",
    "registry",
    "serving",
    "monitoring",
    "retraining",
    "governance",
)  # fmt: skip

ERRANDS = ("privacy", "data", "labels", "features", "tracking", "registry", "governance")
"""The rooms with errands: what is done beside the workspace, by way of its acts."""

STORES = ("acts", *ROOMS)


@cache
def catalog() -> Catalog:
    """All acts there are."""
    from fettle.acts import Catalog

    return Catalog(
        {room: f"fettle.{room}.acts" for room in ROOMS}, {room: f"fettle.{room}.errands" for room in ERRANDS}
    )


def migrations() -> Iterator[tuple[str, list]]:
    """Each room that keeps tables, with its ordered migrations."""
    for room in STORES:
        store = importlib.import_module(f"fettle.{room}.store")
        yield room, list(store.MIGRATIONS)
