"""Erasure of a person reaches the copies that labels keep."""

from __future__ import annotations

from fettle.acts import Surface, errand
from fettle.labels.records import Overview, Project, Stored

PAGE = 5_000


@errand("labels.forget")
def forget(ws: Surface, subjects: list[str], *, identifier: str = "") -> list[str]:
    """Drop what labels show of a person's rows, and what was written about them; `privacy erase` does it by itself.

    Their items are closed, with no values and a key that says nothing; classes that annotators gave stay.

    Args:
        subjects: The person's random names.
        identifier: As it stands in the subject's column, for rows that are not encrypted; it stays on this machine.
    """
    told: list[str] = []
    overviews: list[Overview] = ws.call("labels.projects")
    for each in overviews:
        project = each.project
        items = _items(ws, project, subjects, identifier)
        for start in range(0, len(items), PAGE):
            ws.call("labels.blank", project=project.name, items=items[start : start + PAGE])
        if items:
            told.append(f"labels {project.name}: {len(items)} items emptied")
    return told


def _items(ws: Surface, project: Project, subjects: list[str], identifier: str) -> list[int]:
    """The person's items: by the rows of the project's version, and by what is shown."""
    from fettle.data.versions import load
    from fettle.labels.protection import person
    from fettle.labels.rows import keys_of

    who = person(ws, project.dataset, subjects, identifier)
    there: list[Stored] = ws.call("labels.answers", project=project.name, only="all", limit=0)
    frame = load(ws, project.ref)
    keys = keys_of(frame, project.key)
    own = {keys[place] for place in who.rows(frame)}
    return [each.item for each in there if each.key in own or who.owns(each.values)]
