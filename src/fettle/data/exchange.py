"""Push versions to another place and pull them from there; what has arrived is not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, NotFound
from fettle.core.units import size_text
from fettle.core.urls import shown
from fettle.data import hooks, merge, versions
from fettle.data.places import Place, open_place
from fettle.data.repositories import mend_commit, repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.records.versions import Commit


class Exchanged(msgspec.Struct, frozen=True):
    """What a push or pull did.

    Attributes:
        dataset: Of which dataset.
        branch: The branch.
        place: Where to, or from.
        commit: The version the branch points at now, on the side that was written.
        how: `up to date`, `advanced`, `new`, `merged`, `forced` or `conflicts`.
        commits: How many commits were sent.
        packs: Packs sent whole.
        frames: Objects gathered into new packs.
        bytes: Stored bytes sent.
        tags: Tags sent.
        fault: What is left to do.
    """

    dataset: str
    branch: str
    place: str
    commit: str
    how: str
    commits: int = 0
    packs: int = 0
    frames: int = 0
    bytes: int = 0
    tags: int = 0
    fault: str = ""

    def lines(self) -> list[str]:
        """The outcome in words."""
        if self.how == "up to date":
            return [f"{self.dataset}@{self.branch} is up to date with {self.place} ({self.commit[:12]})."]
        sent = f"{self.commits} commit(s), {size_text(self.bytes)}" + (
            f", {self.tags} tag(s)" if self.tags else ""
        )
        return [f"{self.dataset}@{self.branch} {self.how} to {self.commit[:12]}: {sent}."]


def push(ws: Surface, dataset: str, url: str, *, branch: str = "main", force: bool = False) -> Exchanged:
    """Send a branch, with its history and the tags in it, to another place.

    Args:
        ws: The workspace.
        dataset: The dataset.
        url: Where to; see `places.open_place`.
        branch: The branch.
        force: Move the branch there even if it has versions that are not here; those stay, unnamed.

    Raises:
        Conflict: The branch there has versions that are not here, or moved meanwhile.
        NotFound: There is no such branch here.
        Refused: A hook said no.
    """
    from fettle.data.engine import sync

    place = open_place(ws, url)
    head = versions.resolve(ws, f"{dataset}@{branch}")
    there = place.pointers(dataset)
    old = there.get(("branch", branch))
    history: list[Commit] = ws.call("data.lineage", ref=head.ref)
    here = {each.id: each for each in history}
    if old is not None and old not in here and not force:
        raise Conflict(
            f"The branch {branch!r} of {dataset!r} has versions there that are not here.",
            found=f"it is at {old[:12]} there, at {head.id[:12]} here",
            hint=f"fettle data pull {dataset}, and push again; --force leaves those versions without a name.",
        )
    hooks.run(ws, "before-push", dataset, branch=branch, commit=head.id, target=shown(url))
    known = place.known([each.id for each in history])
    missing = [each for each in history if each.id not in known]
    gone = set(ws.call("data.removed", commits=[each.id for each in history]))
    gone_there = place.removed([each for each in history if each.id in known])
    for each in missing:
        mend_commit(repository(ws), each)
    place.announce([each.id for each in missing if each.id in gone])
    sent = sync.push(
        repository(ws),
        place.repository,
        [(each.id, "" if each.id in gone else each.tree) for each in missing],
        have=[each.tree for each in history if each.id in known - gone - gone_there and each.tree],
        finish=lambda: _arrive(place, dataset, branch, missing or [head], old, head.id, force),
    )
    tags = _send_tags(ws, place, dataset, here.keys() - gone_there, there)
    hooks.run(ws, "after-push", dataset, branch=branch, commit=head.id, target=shown(url))
    how = "up to date" if old == head.id and not tags else "new" if old is None else "advanced"
    if old is not None and old not in here:
        how = "forced"
    return Exchanged(
        dataset, branch, shown(url), head.id, how, len(missing), sent.packs, sent.frames, sent.bytes, tags
    )


def _arrive(
    place: Place, dataset: str, branch: str, commits: list[Commit], old: str | None, head: str, force: bool
) -> None:
    if old != head:
        place.move(dataset, branch, commits, old=old, force=force)


def _send_tags(
    ws: Surface, place: Place, dataset: str, here: set[str], there: dict[tuple[str, str], str]
) -> int:
    mine = [
        each for each in ws.call("data.refs", dataset=dataset) if each.kind == "tag" and each.commit in here
    ]
    fresh = [each for each in mine if there.get(("tag", each.name)) != each.commit]
    for each in fresh:
        place.tag(dataset, each.name, each.commit)
    return len(fresh)


def pull(ws: Surface, dataset: str, url: str, *, branch: str = "main") -> Exchanged:
    """Fetch a branch, with its history and the tags in it, from another place; what was committed here is merged.

    Args:
        ws: The workspace.
        dataset: The dataset; made if it is new here.
        url: Where from; see `places.open_place`.
        branch: The branch.

    Raises:
        NotFound: There is no such dataset or branch there.
    """
    from fettle.data.engine import sync

    place = open_place(ws, url)
    there = place.pointers(dataset)
    if not there:
        raise NotFound.among("dataset there", dataset, place.datasets())
    wanted = there.get(("branch", branch))
    if wanted is None:
        raise NotFound.among(
            f"branch of {dataset} there", branch, [name for kind, name in there if kind == "branch"]
        )
    ours = versions.head_of(ws, dataset, branch)
    if ours is not None and ours.id == wanted and not _new_tags(ws, dataset, there):
        return Exchanged(dataset, branch, shown(url), wanted, "up to date")
    mine = {each.id: each for each in ws.call("data.lineage", ref=ours.ref)} if ours else {}
    commits = place.commits(dataset, wanted, set(mine))
    known = set(ws.call("data.known", commits=[each.id for each in commits]))
    gone = set(ws.call("data.removed", commits=[*mine, *known]))
    missing = [each for each in commits if each.id not in known or _lacks(ws, each, gone)]
    gone_there = place.removed(missing)
    joined: list[tuple[str, str, str]] = []

    def arrive() -> None:  # while gc still respects what was fetched
        if missing:
            ws.call("data.adopt", dataset=dataset, commits=missing, removed=sorted(gone_there))
        joined.append(_join(ws, dataset, branch, ours, wanted, mine))

    sent = sync.pull(
        place.repository,
        repository(ws),
        [(each.id, "" if each.id in gone_there else each.tree) for each in missing],
        have=[each.tree for each in mine.values() if each.tree and each.id not in gone],
        finish=arrive,
    )
    how, commit, fault = joined[0]
    tags = _take_tags(ws, dataset, there)
    return Exchanged(
        dataset,
        branch,
        shown(url),
        commit,
        how,
        len(missing),
        sent.packs,
        sent.frames,
        sent.bytes,
        tags,
        fault,
    )


def _lacks(ws: Surface, commit: Commit, gone: set[str]) -> bool:
    """Whether a known version lost its data without being removed: it was fetched, and then never named."""
    return bool(commit.tree) and commit.id not in gone and not repository(ws).stores(commit.tree)


def _join(
    ws: Surface, dataset: str, branch: str, ours: Commit | None, wanted: str, mine: dict[str, Commit]
) -> tuple[str, str, str]:
    """Bring the branch to what was fetched: how, where it is now, and what is left to do."""
    if ours is not None and wanted in mine:
        return "up to date", ours.id, ""
    if ours is None:
        ws.call("data.advance", dataset=dataset, to=wanted, branch=branch)
        return "new", wanted, ""
    made = merge.merge(ws, dataset, wanted, into=branch, message=f"Merge what was pulled ({wanted[:12]})")
    return made.how, made.commit or ours.id, made.fault


def _new_tags(ws: Surface, dataset: str, there: dict[tuple[str, str], str]) -> dict[str, str]:
    """Tags there that are not here and mean versions that are."""
    mine = {each.name for each in ws.call("data.refs", dataset=dataset) if each.kind == "tag"}
    fresh = {name: commit for (kind, name), commit in there.items() if kind == "tag" and name not in mine}
    known = set(ws.call("data.known", commits=list(fresh.values()))) if fresh else set()
    known -= set(ws.call("data.removed", commits=sorted(known))) if known else set()
    return {name: commit for name, commit in fresh.items() if commit in known}


def _take_tags(ws: Surface, dataset: str, there: dict[tuple[str, str], str]) -> int:
    fresh = _new_tags(ws, dataset, there)
    for name, commit in fresh.items():
        ws.call("data.tag", dataset=dataset, name=name, at=commit)
    return len(fresh)
