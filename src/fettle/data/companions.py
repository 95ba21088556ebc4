"""What a version needs, beside its files, to be used elsewhere as it was: its records, its checks, its split.

A commit names objects of its workspace: its profile and schema, and in its metadata whatever it was made with, such
as the fitted cleaning. They lie outside of the tree, and so push and pull carry them along by these functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fettle.core import progress
from fettle.core.errors import Denied, NotFound, Unavailable
from fettle.data.splits import SUFFIX
from fettle.storage.objects import get_object, has_object, put_object

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.places import Place
    from fettle.data.records.checks import Check
    from fettle.data.records.versions import Commit
    from fettle.storage.ports import BlobStore

_DIGEST = re.compile(r"[0-9a-f]{64}")
NEEDED = ("cleaning",)
"""Metadata without whose object a version cannot be used as it was."""


class Carried(NamedTuple):
    """What `carry` did: the versions as the other side may know them, objects copied, and what is wanting, in words."""

    commits: list[Commit]
    objects: int
    notes: list[str]


def carry(
    commits: Sequence[Commit], source: BlobStore, target: BlobStore, *, without: Set[str] = frozenset()
) -> Carried:
    """Copy the objects that versions name from one store to another; what is there already is not sent again.

    Args:
        commits: The versions.
        source: Where their objects are; a profile or schema that is not, or is damaged, is left out of the version.
        target: Where they go.
        without: Versions, by id, whose data are not kept any more: their objects do not travel either.
    """
    there: dict[str, bool] = {}
    copied = 0
    notes: list[str] = []
    kept = [each for each in commits if each.id not in without]
    named = sorted({digest for each in kept for digest in objects_of(each)})
    with progress.phase("Sending records", total=len(named), unit="records") as step:
        for digest in named:
            there[digest] = has_object(target, digest)
            if not there[digest]:
                there[digest] = _copied(digest, source, target)
                copied += there[digest]
            step()
    for each in kept:
        for name in NEEDED:
            digest = each.metadata.get(name, "")
            if _DIGEST.fullmatch(digest) and not there[digest]:
                notes.append(
                    f"The {name} of {each.dataset}@{each.id[:12]} ({digest[:12]}) is not here to be sent."
                )
    made = [
        msgspec.structs.replace(
            each,
            profile_digest=each.profile_digest if there.get(each.profile_digest) else "",
            schema_digest=each.schema_digest if there.get(each.schema_digest) else "",
        )
        for each in commits
    ]
    return Carried(made, copied, notes)


def objects_of(commit: Commit) -> set[str]:
    """The digests that a version names; not all of them need be objects."""
    values = (commit.profile_digest, commit.schema_digest, *commit.metadata.values())
    return {each for each in values if _DIGEST.fullmatch(each)}


def split_of(dataset: str) -> str:
    """The dataset that keeps the splits of another; empty for one that is such a dataset itself."""
    return "" if dataset.endswith(SUFFIX) else dataset + SUFFIX


def lacking(known: Sequence[Check], others: Sequence[Check]) -> tuple[list[Check], list[str]]:
    """Of another side's checks, those that are not known; and the ids of those that are, and read otherwise."""
    here = {each.id: each for each in known}
    fresh = [each for each in others if each.id not in here]
    return fresh, [each.id for each in others if each.id in here and here[each.id] != each]


def send_checks(ws: Surface, place: Place, dataset: str) -> list[str]:
    """Tell another place what is asked of a dataset here; what it asks already stays. What is left, in words."""
    mine: list[Check] = ws.call("data.checks", dataset=dataset)
    if not mine:
        return []
    fresh, other = lacking(place.checks(dataset), mine)
    notes = [f"The check {each} of {dataset} reads otherwise there, and stays so." for each in other]
    try:
        if fresh:
            place.add_checks(dataset, fresh)
    except Denied as error:
        notes.append(f"{len(fresh)} check(s) of {dataset} were not sent: {error.message}")
    return notes


def take_checks(ws: Surface, place: Place, dataset: str) -> list[str]:
    """Ask of a dataset what another place asks of it; what is asked here already stays. What is left, in words."""
    theirs = place.checks(dataset)
    if not theirs:
        return []
    fresh, other = lacking(ws.call("data.checks", dataset=dataset), theirs)
    notes = [f"The check {each} of {dataset} reads otherwise there; yours stays." for each in other]
    try:
        if fresh:
            ws.call("data.set_checks", dataset=dataset, checks=fresh)
    except Denied as error:
        notes.append(f"{len(fresh)} check(s) of {dataset} were not taken: {error.message}")
    return notes


def describe(ws: Surface, commit: Commit) -> None:
    """Keep which objects hold the profile and the schema of a version, unless others are known to do."""
    known: Commit = ws.call("data.show", ref=commit.ref)
    if commit.profile_digest and not known.profile_digest:
        ws.call("data.set_profile", ref=commit.ref, profile=commit.profile_digest)
    if commit.schema_digest and not known.schema_digest:
        ws.call("data.set_schema", ref=commit.ref, schema=commit.schema_digest)


def _copied(digest: str, source: BlobStore, target: BlobStore) -> bool:
    try:
        put_object(target, get_object(source, digest))
    except (NotFound, Unavailable):
        return False
    return True
