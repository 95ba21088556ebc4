"""The webhooks of a workspace: one small blob, so that asking for them costs no database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fettle.core import canonical
from fettle.core.errors import Conflict, NotFound
from fettle.data.records.versions import Hook

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore

KEY = "data/hooks.json"
ATTEMPTS = 20


def stored(blobs: BlobStore) -> list[Hook]:
    """The webhooks, by event, dataset and target."""
    try:
        return canonical.decode(blobs.get(KEY), list[Hook])
    except NotFound:
        return []


def change(blobs: BlobStore, how: Callable[[list[Hook]], list[Hook]]) -> None:
    """Change the list; of two who do it at once neither is lost.

    Raises:
        Conflict: Others were faster, again and again.
    """
    for attempt in range(ATTEMPTS):
        info = blobs.info(KEY)
        made = sorted(how(stored(blobs)), key=lambda each: (each.event, each.dataset, each.target))
        try:
            blobs.swap(KEY, canonical.encode(made), tag=info.tag if info else None)
            return
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, 0.02))
