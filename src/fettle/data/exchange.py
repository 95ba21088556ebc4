"""Push versions to another place and pull them from there; what has arrived is not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fettle.core.errors import Conflict, Denied, GateFailed, NotFound
from fettle.core.urls import shown
from fettle.data import companions, hooks, merge, versions
from fettle.data.exchanged import Exchanged
from fettle.data.places import Place, open_place
from fettle.data.repositories import mend_commit, repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from fettle.acts import Surface
    from fettle.data.records.versions import Commit, Pointer


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
        HookRefused: A hook said no.
    """
    with open_place(ws, url) as place:
        return _push(ws, place, dataset, url, branch, force)


def _push(ws: Surface, place: Place, dataset: str, url: str, branch: str, force: bool) -> Exchanged:
    from fettle.data.engine import sync

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
    carried = companions.carry(missing or [head], ws.blobs, place.blobs, without=gone)
    sent = sync.push(
        repository(ws),
        place.repository,
        [(each.id, "" if each.id in gone else each.tree) for each in missing],
        have=[each.tree for each in history if each.id in known - gone - gone_there and each.tree],
        finish=lambda: _arrive(place, dataset, branch, carried.commits, old, head.id, force),
    )
    if not missing:
        place.describe(carried.commits[-1])
    tags, other = _send_tags(ws, place, dataset, here.keys() - gone_there, there)
    notes = [*carried.notes, *other, *companions.send_checks(ws, place, dataset)]
    hooks.run(ws, "after-push", dataset, branch=branch, commit=head.id, target=shown(url))
    how = "up to date" if old == head.id and not tags else "new" if old is None else "advanced"
    if old is not None and old not in here:
        how = "forced"
    made = Exchanged(
        dataset, branch, shown(url), head.id, how, len(missing), sent.packs, sent.frames, sent.bytes, tags
    )
    fault = f"{len(other)} tag(s) were not sent; see above." if other else ""
    made = msgspec.structs.replace(made, records=carried.objects, notes=notes, fault=fault)
    split = companions.split_of(dataset)
    if split and versions.head_of(ws, split, "main") is not None:
        return _with_split(made, split, lambda: push(ws, split, url))
    return made


def _arrive(
    place: Place, dataset: str, branch: str, commits: list[Commit], old: str | None, head: str, force: bool
) -> None:
    if old != head:
        place.move(dataset, branch, commits, old=old, force=force)


def _with_split(made: Exchanged, split: str, exchange: Callable[[], Exchanged]) -> Exchanged:
    """Let the dataset of splits follow; where it cannot, say so: what went before it has arrived."""
    try:
        also = exchange()
    except (Conflict, Denied, GateFailed) as error:
        text = " ".join(part for part in (error.message, error.hint) if part)
        return msgspec.structs.replace(
            made,
            notes=[*made.notes, f"{split} did not go along: {text}"],
            fault=made.fault or f"{split} did not go along; see above.",
        )
    return msgspec.structs.replace(made, also=[also], fault=made.fault or also.fault)


def _send_tags(
    ws: Surface, place: Place, dataset: str, here: set[str], there: dict[tuple[str, str], str]
) -> tuple[int, list[str]]:
    """Send the tags that are not there; how many, and which mean another version there."""
    mine = [
        each for each in ws.call("data.refs", dataset=dataset) if each.kind == "tag" and each.commit in here
    ]
    fresh = [each for each in mine if ("tag", each.name) not in there]
    for each in fresh:
        place.tag(dataset, each.name, each.commit)
    other = [each for each in mine if there.get(("tag", each.name), each.commit) != each.commit]
    return len(fresh), [
        f"The tag {each.name} of {dataset} means {there['tag', each.name][:12]} there and {each.commit[:12]} here: "
        f"it stays so on both sides. Give yours another name: fettle data tag {dataset} NAME --at {each.name}"
        for each in other
    ]


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
    with open_place(ws, url) as place:
        return _pull(ws, place, dataset, url, branch)


def _pull(ws: Surface, place: Place, dataset: str, url: str, branch: str) -> Exchanged:
    from fettle.data.engine import sync

    there = place.pointers(dataset)
    if not there:
        raise NotFound.among("dataset there", dataset, place.datasets())
    wanted = there.get(("branch", branch))
    if wanted is None:
        raise NotFound.among(
            f"branch of {dataset} there", branch, [name for kind, name in there if kind == "branch"]
        )
    ours = versions.head_of(ws, dataset, branch)
    mine = {each.id: each for each in ws.call("data.lineage", ref=ours.ref)} if ours else {}
    commits = place.commits(dataset, wanted, set(mine))
    known = set(ws.call("data.known", commits=[each.id for each in commits]))
    gone = set(ws.call("data.removed", commits=[*mine, *known]))
    missing = [each for each in commits if each.id not in known or _lacks(ws, each, gone)]
    gone_there = place.removed(missing)
    fetched = missing or [place.described(mine[wanted])] if wanted in mine else missing
    carried = companions.carry(fetched, place.blobs, ws.blobs, without=gone_there)
    joined: list[tuple[str, str, str]] = []

    def arrive() -> None:  # while gc still respects what was fetched
        if missing:
            ws.call("data.adopt", dataset=dataset, commits=carried.commits, removed=sorted(gone_there))
        joined.append(_join(ws, dataset, branch, ours, wanted, mine))

    sent = sync.pull(
        place.repository,
        repository(ws),
        [(each.id, "" if each.id in gone_there else each.tree) for each in missing],
        have=[each.tree for each in mine.values() if each.tree and each.id not in gone],
        finish=arrive,
    )
    if not missing and carried.commits:
        companions.describe(ws, carried.commits[0])
    how, commit, fault = joined[0]
    tags, other = _take_tags(ws, dataset, there)
    notes = [*carried.notes, *other, *companions.take_checks(ws, place, dataset)]
    made = Exchanged(
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
    made = msgspec.structs.replace(made, records=carried.objects, notes=notes)
    split = companions.split_of(dataset)
    if split and ("branch", "main") in place.pointers(split):
        return _with_split(made, split, lambda: pull(ws, split, url))
    return made


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


def _take_tags(ws: Surface, dataset: str, there: dict[tuple[str, str], str]) -> tuple[int, list[str]]:
    """Take the tags that are not here and mean versions that are; how many, and which others were left."""
    mine = {each.name: each for each in ws.call("data.refs", dataset=dataset)}
    wanted = {name: commit for (kind, name), commit in there.items() if kind == "tag"}
    fresh = {name: commit for name, commit in wanted.items() if name not in mine}
    known = set(ws.call("data.known", commits=list(fresh.values()))) if fresh else set()
    known -= set(ws.call("data.removed", commits=sorted(known))) if known else set()
    taken = {name: commit for name, commit in fresh.items() if commit in known}
    for name, commit in taken.items():
        ws.call("data.tag", dataset=dataset, name=name, at=commit)
    other = {
        name: mine[name] for name, commit in wanted.items() if name in mine and mine[name].commit != commit
    }
    return len(taken), [_left(dataset, wanted[name], each) for name, each in other.items()]


def _left(dataset: str, theirs: str, mine: Pointer) -> str:
    """A name that means another version here than there, and what to type to take theirs."""
    said = f"The tag {mine.name} of {dataset} means {theirs[:12]} there, and here "
    if mine.kind == "branch":
        return (
            f"{said}it is a branch: that stays. Take it as: fettle data tag {dataset} NAME --at {theirs[:12]}"
        )
    return (
        f"{said}{mine.commit[:12]}: yours stays. To take theirs: fettle data delete-tag {dataset} {mine.name}, "
        "and pull again."
    )
