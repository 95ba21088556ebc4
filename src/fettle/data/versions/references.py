"""What a reference to a version means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.data.records.versions import Commit

if TYPE_CHECKING:
    from fettle.acts import Surface


def resolve(ws: Surface, ref: str | Commit) -> Commit:
    """The commit that a reference means: `name`, `name@branch`, `name@tag`, `name@3f9ac1`, `name@main~2` and so on.

    Raises:
        NotFound: There is no such version; the nearest names are offered.
    """
    return ref if isinstance(ref, Commit) else ws.call("data.show", ref=ref)


def head_of(ws: Surface, dataset: str, branch: str = "main") -> Commit | None:
    """The newest version on a branch; None if there is no such branch yet."""
    try:
        pointers = ws.call("data.refs", dataset=dataset)
    except NotFound:
        return None
    found = next((each for each in pointers if each.kind == "branch" and each.name == branch), None)
    return resolve(ws, f"{dataset}@{found.commit}") if found else None
