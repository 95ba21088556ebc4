"""Whether the terms of a labelling project make sense."""

from __future__ import annotations

from fettle.core.errors import Invalid
from fettle.labels.records import Project


def check_terms(project: Project) -> None:
    """Refuse numbers that make no sense.

    Raises:
        Invalid: There are fewer than one annotator an item, or no time to answer.
    """
    if not 1 <= project.annotators <= 100:
        raise Invalid("An item needs 1 to 100 annotators.", found=str(project.annotators))
    if not 1 <= project.lease_s <= 7 * 86_400:
        raise Invalid("An item is kept for 1 s to 7 d.", found=f"{project.lease_s:g} s")
