"""Take what was deleted out of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.tracking.records.upkeep import CollectedRuns


@errand("tracking.gc")
def gc(ws: Surface, *, older_than: str = "30d", dry_run: bool = True) -> CollectedRuns:
    """Remove runs that were deleted some time ago, with their points and files; runs behind a model version stay.

    Args:
        older_than: For how long they have been in the bin at least.
        dry_run: Only say what would go.
    """
    from fettle.core.units import duration_s
    from fettle.tracking.collect import collect

    return collect(ws, older_than_s=duration_s(older_than), dry_run=dry_run)
