"""Columns that came with a label (who gave it, how sure, other labels): they tell the answer, and are no features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fettle.core import canonical
from fettle.core.errors import NotFound

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.records.versions import Commit

LABEL_COLUMNS = "label_columns"
"""The metadata of a version in which `labels.publish` names, as a JSON list, the columns that it added."""
MOST_VERSIONS = 100


def told_with_label(ws: Surface, ref: str, target: str) -> list[str]:
    """The columns of a version that came with a label and are not the target, in its order.

    What the version continues, and what it was made from (cleaned, joined, split), is looked at too.

    Args:
        ws: The workspace.
        ref: The version.
        target: The column to predict.
    """
    commit: Commit = ws.call("data.show", ref=ref)
    waiting, seen = [ref], set[str]()
    marked: set[str] = set()
    while waiting and len(seen) < MOST_VERSIONS:
        each = waiting.pop(0)
        found = _known(ws, each) if each not in seen else None
        seen.add(each)
        if found is not None:
            marked.update(_names(found.metadata.get(LABEL_COLUMNS, "")))
            waiting += [*found.metadata.get("made_from", "").split(), *_before(found)]
    return [each.name for each in commit.columns if each.name in marked - {target}]


def _before(commit: Commit) -> list[str]:
    return [f"{commit.dataset}@{commit.parent}"] if commit.parent else []


def _known(ws: Surface, ref: str) -> Commit | None:
    """A version; None where it is not in this workspace."""
    try:
        return ws.call("data.show", ref=ref)
    except NotFound:
        return None


def _names(text: str) -> list[str]:
    try:
        return canonical.decode(text.encode(), list[str]) if text else []
    except msgspec.DecodeError:  # somebody else's word for something else
        return []
