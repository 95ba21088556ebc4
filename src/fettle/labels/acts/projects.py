"""What can be done with labelling projects: make, look at, change, arrange, remove them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import canonical, ids
from fettle.core.errors import Conflict, Invalid
from fettle.core.units import duration_s
from fettle.labels.records import (
    Item,
    Order,
    Overview,
    Project,
)
from fettle.labels.store import answers, counts, projects, queue
from fettle.labels.terms import check_terms
from fettle.storage.objects import get_object


@act("labels.open_project")
def open_project(ctx: Context, project: Project, items: str) -> Project:
    """Make a project of items that are stored already; `labels.create` stores them and calls this.

    Args:
        project: What is to be labelled and how; its time and author are set here.
        items: Digest of the object that holds the items, a JSON document a line.
    """
    ids.check_name("labelling project", project.name)
    found = list(_items(ctx, items))
    if projects.has_project(ctx.tx, project.name):
        raise Conflict(
            f"There is a labelling project {project.name!r} already.",
            hint=f"Choose another name, or remove it: fettle labels drop {project.name}",
            subject=f"labels:{project.name}",
        )
    made = msgspec.structs.replace(project, items=len(found), created_at=ctx.now, created_by=ctx.actor)
    projects.put_project(ctx.tx, made)
    projects.add_items(ctx.tx, made.name, found, first=1)
    ctx.emit(
        "labels.created", f"labels:{made.name}", dataset=made.dataset, commit=made.commit, items=len(found)
    )
    return made


@act("labels.add_items")
def add_items(ctx: Context, project: str, items: str, *, commit: str = "") -> Project:
    """Add stored items to a project, at the end of its queue; `labels.extend` stores them and calls this.

    Args:
        project: The project.
        items: Digest of the object that holds the items.
        commit: The version they come from; the project then belongs to it.
    """
    known = projects.find_project(ctx.tx, project)
    found = list(_items(ctx, items))
    there = projects.numbers_of(ctx.tx, project, [each.key for each in found])
    fresh = [each for each in found if each.key not in there]
    moved = [msgspec.structs.replace(each, place=known.items + place) for place, each in enumerate(fresh)]
    projects.add_items(ctx.tx, project, moved, first=known.items + 1)
    made = msgspec.structs.replace(known, items=known.items + len(fresh), commit=commit or known.commit)
    projects.put_project(ctx.tx, made)
    queue.lower_cursors(ctx.tx, project, known.items)
    return made


@act("labels.arrange")
def arrange(ctx: Context, project: str, places: str, *, order: Order) -> Project:
    """Put the items of a project in another order; `labels.rank` computes it and calls this.

    Args:
        project: The project.
        places: Digest of the object that holds [key, place, score] for each item.
        order: What the order comes from.
    """
    known = projects.find_project(ctx.tx, project)
    rows = canonical.decode(get_object(ctx.blobs, places), list[tuple[str, int, float | None]])
    projects.arrange(ctx.tx, project, rows)
    made = msgspec.structs.replace(known, order=order)
    projects.put_project(ctx.tx, made)
    return made


@act("labels.change")
def change(
    ctx: Context,
    project: str,
    *,
    instructions: str | None = None,
    annotators: int | None = None,
    order: Order | None = None,
    lease: str | None = None,
) -> Project:
    """Change how a project is labelled.

    Args:
        project: The project.
        instructions: What annotators should know.
        annotators: How many annotators each item needs; items open or close accordingly.
        order: How the next item is chosen; `disagreement` takes items whose answers differ first.
        lease: How long an item is kept for the annotator who has it open, such as 10min.
    """
    known = projects.find_project(ctx.tx, project)
    changes = {
        "instructions": instructions,
        "annotators": annotators,
        "order": order,
        "lease_s": None if lease is None else duration_s(lease),
    }
    made = msgspec.structs.replace(
        known, **{name: each for name, each in changes.items() if each is not None}
    )
    check_terms(made)
    projects.put_project(ctx.tx, made)
    if made.annotators != known.annotators:
        projects.reopen(ctx.tx, project, made.annotators)
    return made


@act("labels.drop", needs=Role.APPROVER)
def drop(ctx: Context, project: str) -> None:
    """Remove a project with its items, answers and history; versions that were published stay.

    Args:
        project: The project.
    """
    projects.find_project(ctx.tx, project)
    projects.drop_project(ctx.tx, project)
    ctx.emit("labels.dropped", f"labels:{project}")


@act("labels.blank", needs=Role.ADMIN)
def blank(ctx: Context, project: str, items: Annotated[list[int], msgspec.Meta(max_length=5000)]) -> int:
    """Empty items whose person was erased: nothing is shown of them, and nobody is asked again; how many.

    Classes that annotators gave stay; texts and notes go. `labels.forget` finds the items and calls this.

    Args:
        project: The project.
        items: Their numbers; at most 5,000.
    """
    projects.find_project(ctx.tx, project)
    count = answers.blank(ctx.tx, project, items)
    ctx.emit("labels.blanked", f"labels:{project}", items=count)
    return count


@act("labels.projects", reads=True)
def list_projects(ctx: Context) -> list[Overview]:
    """List the labelling projects, newest first, and how far each is."""
    made = []
    for project in projects.list_projects(ctx.tx):
        found = counts.counts(ctx.tx, project.name)
        made.append(
            Overview(
                project=project,
                done=found["done"],
                answers=found["answers"],
                annotators=len(counts.annotator_names(ctx.tx, project.name)),
                disputed=found["disputed"],
                flagged=found["flagged"],
                last_at=counts.last_at(ctx.tx, project.name),
            )
        )
    return made


@act("labels.show", reads=True)
def show(ctx: Context, project: str) -> Project:
    """Show one project.

    Args:
        project: The project.
    """
    return projects.find_project(ctx.tx, project)


def _items(ctx: Context, digest: str) -> Iterator[Item]:
    decoder = msgspec.json.Decoder(Item)
    try:
        yield from decoder.decode_lines(get_object(ctx.blobs, digest))
    except msgspec.DecodeError as error:
        raise Invalid(f"The object {digest[:12]}… holds no items.", found=str(error)) from error
