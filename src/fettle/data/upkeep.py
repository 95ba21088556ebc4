"""Keep the store of versions in order: free what nothing needs, check what is there."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import msgspec

from fettle.core import ids
from fettle.core.errors import NotFound, Unavailable
from fettle.core.units import duration_s, duration_text, size_text
from fettle.data import linked, strays
from fettle.data.places import open_place
from fettle.data.records.versions import Roots
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.fsck import Fault
    from fettle.data.engine.gc import Collected
    from fettle.storage.ports import BlobStore


class Freed(msgspec.Struct, frozen=True):
    """The outcome of a collection.

    Attributes:
        collected: What became of packs.
        grace_s: How long what is dead waits, in seconds.
        expired: Versions that have outlived their retention.
        strays: Commits that were written and never recorded.
        cache_bytes: What the cache of linked checkouts held too much, in bytes.
    """

    collected: Collected
    grace_s: float
    expired: int
    strays: int = 0
    cache_bytes: int = 0

    def as_dict(self) -> dict:
        """For programs."""
        return {
            **msgspec.structs.asdict(self.collected),
            "grace_s": self.grace_s,
            "expired_versions": self.expired,
            "stray_commits": self.strays,
            "cache_bytes": self.cache_bytes,
        }

    def lines(self) -> list[str]:
        """In words."""
        made = self.collected
        would = "would be" if made.dry else "were"
        found = [
            f"{made.packs} packs, {size_text(made.bytes)}; {size_text(made.live_bytes)} of it needed.",
            f"{made.deleted_packs} packs {would} deleted: {size_text(made.freed_bytes)} freed.",
        ]
        if made.doomed_packs or made.repacked_packs:
            found.append(
                f"{made.doomed_packs} dead packs ({size_text(made.doomed_bytes)}) and {made.repacked_packs} mostly "
                f"dead ones go {duration_text(self.grace_s)} from now, at the next collection."
            )
        if self.expired:
            found.append(f"{self.expired} versions have outlived their retention.")
        if self.strays:
            found.append(f"{self.strays} commits that nothing knows {would} removed.")
        if self.cache_bytes:
            found.append(f"{size_text(self.cache_bytes)} {would} taken out of the cache of linked checkouts.")
        if made.rescued_packs:
            found.append(f"{made.rescued_packs} packs are needed again and stay.")
        if made.waiting_packs:
            found.append(f"{made.waiting_packs} packs wait for writers at work: {', '.join(made.writers)}.")
        return found


class Checked(msgspec.Struct, frozen=True):
    """What a check found, and how many versions it looked at."""

    versions: int
    full: bool
    faults: list[Fault]

    @property
    def fault(self) -> str:
        """What is wrong and was not repaired; empty if nothing."""
        left = [each for each in self.faults if not each.repaired]
        return f"{len(left)} fault(s) in the data store; see above." if left else ""

    def as_dict(self) -> dict:
        """For programs."""
        return {"versions": self.versions, "full": self.full, "faults": self.faults}

    def lines(self) -> list[str]:
        """In words: one fault a line, with the files it concerns."""
        how = (
            "Every byte was read."
            if self.full
            else "Sizes, indexes and references were checked; --full reads every byte."
        )
        if not self.faults:
            return [f"{self.versions} versions are whole. {how}"]
        found = []
        for each in self.faults:
            state = "repaired" if each.repaired else "DAMAGED"
            what = each.key or f"object {each.object[:12]}"
            found.append(f"{state}  {each.kind}: {what}: {each.found}")
            found += [f"          {path}" for path in each.paths]
        return [*found, how]


def collect(ws: Surface, *, dry: bool = False, grace: str = "14d") -> Freed:
    """Delete what nothing refers to; see `engine.gc.collect`.

    What has outlived its retention is noted as removed first, so that nothing can name it while its data go.
    """
    from fettle.data.engine import gc

    grace_s = duration_s(grace)
    expired: list[str] = ws.call("data.roots").expired if dry else ws.call("data.let_go")
    made = gc.collect(
        repository(ws),
        lambda: ws.call("data.roots").trees,
        grace_s=grace_s,
        dry=dry,
        now=ws.clock.now(),
    )
    never = strays.collect(ws, grace_s=grace_s, dry=dry)
    return Freed(made, grace_s, len(expired), never, linked.bound(ws, dry=dry).bytes)


def check(ws: Surface, *, full: bool = False, repair_from: str = "") -> Checked:
    """Check every version that is kept; see `engine.fsck.check`."""
    from fettle.data.engine import fsck

    kept: Roots = ws.call("data.roots")
    with open_place(ws, repair_from) if repair_from else nullcontext() as place:
        faults = fsck.check(
            repository(ws),
            kept.trees,
            full=full,
            repair_from=place.repository if place else None,
            commits=kept.commits,
            check_commit=_commit_fault,
        )
        if full:
            faults += _damaged_objects(ws, kept.objects, place.blobs if place else None)
    return Checked(len(kept.commits), full, faults)


def _commit_fault(commit: str, data: bytes) -> str:
    return "" if ids.digest(data) == commit else "other bytes than were written"


def _damaged_objects(ws: Surface, digests: list[str], source: BlobStore | None) -> list[Fault]:
    """What is kept beside versions (profiles, schemas, fitted cleanings), held to its digests and fetched anew."""
    from fettle.data.engine.fsck import Fault
    from fettle.storage.objects import get_object, object_key

    faults: list[Fault] = []
    for digest in digests:
        try:
            get_object(ws.blobs, digest)
        except (NotFound, Unavailable) as error:
            repaired = source is not None and _fetched(ws, digest, source)
            found = error.found or error.message
            faults.append(Fault("record", object_key(digest), digest, found, repaired=repaired))
    return faults


def _fetched(ws: Surface, digest: str, source: BlobStore) -> bool:
    from fettle.storage.objects import get_object, object_key

    try:
        ws.blobs.put(object_key(digest), get_object(source, digest))
    except (NotFound, Unavailable):
        return False
    return True
