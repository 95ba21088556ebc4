"""What is done with the store of versions: push, pull, collect what nothing needs, check what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.data.exchanged import Exchanged, Pushes
    from fettle.data.upkeep import Checked, Freed


@errand("data.push", reads=True)
def push(
    ws: Surface, dataset: str = "", *, to: str = "", branch: str = "main", force: bool = False
) -> Exchanged | Pushes:
    """Send a branch with its history and tags to another place; an interrupted push goes on where it was.

    What its versions need goes along: profiles, schemas, fitted cleanings, checks, and the dataset of its splits.

    Args:
        dataset: The dataset; empty: all that pointer files (`*.data.toml`) here and below name, and their branches.
        to: A folder, s3://bucket/prefix, or the URL of another workspace; empty: data.remote of fettle.toml.
        branch: The branch.
        force: Move the branch there even if it has versions that are not here.
    """
    from fettle.data import exchange
    from fettle.data.exchanged import Pushes

    place = to or _remote(ws)
    if dataset:
        return exchange.push(ws, dataset, place, branch=branch, force=force)
    sent = [exchange.push(ws, name, place, branch=line, force=force) for name, line in _pointed()]
    return Pushes(sent, known=[] if sent else [each.name for each in ws.call("data.datasets")])


@errand("data.pull")
def pull(ws: Surface, dataset: str, *, source: str = "", branch: str = "main") -> Exchanged:
    """Fetch a branch with its history and tags from another place; what was committed here meanwhile is merged.

    What its versions need comes along: profiles, schemas, fitted cleanings, checks, and the dataset of its splits. A
    tag that means another version here stays as it is, and is named.

    Args:
        dataset: The dataset; made if it is new here.
        source: A folder, s3://bucket/prefix, or the URL of another workspace; empty: data.remote of fettle.toml.
        branch: The branch.
    """
    from fettle.data import exchange

    return exchange.pull(ws, dataset, source or _remote(ws), branch=branch)


@errand("data.gc")
def gc(ws: Surface, *, dry: bool = False, grace: str = "14d") -> Freed:
    """Free the space of what no branch, tag, hold, movement of the last 30 days or writer needs.

    In two phases: what is found dead now goes after the grace period, at a later call. Safe beside everything else.

    Args:
        dry: Only tell.
        grace: How long what is dead waits before it goes.
    """
    from fettle.data import upkeep

    return upkeep.collect(ws, dry=dry, grace=grace)


@errand("data.fsck")
def fsck(ws: Surface, *, full: bool = False, repair_from: str = "") -> Checked:
    """Check that everything is there and is what it was; repair what another place still has.

    Args:
        full: Read every byte; otherwise sizes, indexes and references only.
        repair_from: A place that was pushed to: damaged objects are fetched from there.
    """
    from fettle.data import upkeep

    return upkeep.check(ws, full=full, repair_from=repair_from)


def _pointed() -> list[tuple[str, str]]:
    """Datasets and branches that pointer files name, in and below the current folder; git's hook asks for them."""
    from fettle.data.copies import pointers

    found = [pointers.read(name) for name in pointers.below(".")]
    return sorted({(each.dataset, each.branch) for each in found if each})


def _remote(ws: Surface) -> str:
    from pathlib import Path

    from fettle.core.config import Settings

    here = Path.cwd()
    return Settings.read(here if (here / "fettle.toml").is_file() else ws.folder.parent)["data.remote"]
