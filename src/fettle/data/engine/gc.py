"""Garbage collection: what no branch, tag, hold or writer relies on is deleted, in two phases, whoever else is at work.

First what is dead is *doomed*: a list of packs is published, and writers take nothing from those any more. After the
grace period everything is marked again, and what is still dead goes. The order makes it safe without a lock:

1. A writer publishes its lease, then reads the doomed lists, and notes in the lease which it has seen.
2. gc publishes its list, then reads the leases, then the holds, then the roots, then marks.
3. A pack is deleted only if every living lease has seen the list: older writers may rely on the pack.
4. A writer's branch moves before its lease ends: so gc sees the one or the other.

Packs that are mostly dead are copied, what lives of them, into new ones, and then doomed. Such a pack is deleted only
if each living object of it has a copy in a pack that no list dooms. As a list is published before those of others are
read, two collectors cannot count on the same two copies; and only one at a time deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from fettle.core.errors import NotFound, Unavailable
from fettle.core.progress import phase
from fettle.data.engine import doomed, indexes, leases
from fettle.data.engine.doomed import Doomed
from fettle.data.engine.format import index_key, pack_key
from fettle.data.engine.frames import Wanted
from fettle.data.engine.gather import gather
from fettle.data.engine.marks import Marks
from fettle.data.engine.reach import Reach
from fettle.data.engine.repository import Repository
from fettle.data.engine.uploads import tail_of

GRACE_S = 14 * 86_400.0
_SPARSE = 0.5

Roots = Iterable[str] | Callable[[], Iterable[str]]
"""Digests of trees; a function is asked at the right moments, so that no branch that moves meanwhile is overlooked."""


class Collected(msgspec.Struct, frozen=True):
    """What a collection did, or with `dry` would do.

    Attributes:
        packs: Packs there were, and their frames' `bytes`, of which `live_bytes` are reachable.
        doomed_packs: Packs newly found dead; they go after the grace period. `doomed_bytes` are their size.
        repacked_packs: Packs of which less than half was alive; `copied_bytes` of them went into new packs.
        deleted_packs: Packs deleted now, after their grace period; `freed_bytes` were theirs.
        rescued_packs: Doomed earlier, but alive again.
        waiting_packs: Due, but a writer at work may rely on them; `writers` says what those are doing.
        dry: Nothing was changed.
    """

    packs: int = 0
    bytes: int = 0
    live_bytes: int = 0
    doomed_packs: int = 0
    doomed_bytes: int = 0
    repacked_packs: int = 0
    copied_bytes: int = 0
    deleted_packs: int = 0
    freed_bytes: int = 0
    rescued_packs: int = 0
    waiting_packs: int = 0
    writers: list[str] = []
    dry: bool = False


def collect(
    repository: Repository,
    roots: Roots,
    *,
    files: Roots = (),
    grace_s: float = GRACE_S,
    dry: bool = False,
    now: datetime | None = None,
) -> Collected:
    """Delete what nothing refers to. Safe at any time, also beside writers and other collections.

    Args:
        repository: Where.
        roots: The trees that must stay; give a function that reads the branches and tags when it is called.
        files: Files outside of trees that must stay.
        grace_s: How many seconds a pack is doomed before it is deleted; 14 days, so that a commit that was prepared
            without an open writer is not lost. 0 deletes at once.
        dry: Only tell.
        now: The present; None asks the repository's clock.

    Raises:
        Unavailable: Something reachable cannot be read: nothing was deleted; run fsck first.
    """
    repository.prepare()
    return _Collection(repository, roots, files, grace_s, dry, now or repository.clock.now()).run()


class _Living:
    """Marks everything found; a fault ends the collection."""

    def __init__(self, objects: int) -> None:
        self.marks = Marks(objects)

    def found(self, digest: bytes) -> None:
        self.marks.add(digest)

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        raise Unavailable(
            "Nothing was collected: something that is referred to cannot be read.",
            found=error.message,
            hint="Run fettle data fsck, and repair what it names (--from a copy), then collect again.",
            subject=f"object:{digest.hex()}",
        ) from error


class _Pack(msgspec.Struct, frozen=True):
    """How much of a pack lives."""

    name: str
    bytes: int
    live: int


class _Collection:
    def __init__(
        self, repository: Repository, roots: Roots, files: Roots, grace_s: float, dry: bool, now: datetime
    ) -> None:
        self._repository, self._blobs, self._prefix = repository, repository.blobs, repository.prefix
        self._catalog = repository.catalog
        self._roots = roots if callable(roots) else list(roots)
        self._files = files if callable(files) else list(files)
        self._grace_s, self._dry, self._now = grace_s, dry, now

    def run(self) -> Collected:
        marks, _ = self._marked()
        lists = doomed.lists(self._blobs, self._prefix)
        already = doomed.packs(lists)
        packs = [self._weighed(pack, marks) for pack in self._catalog.packs]
        dead = [each for each in packs if not each.live and each.name not in already]
        sparse = [each for each in packs if 0 < each.live < _SPARSE * each.bytes and each.name not in already]
        result = Collected(
            packs=len(packs),
            bytes=sum(each.bytes for each in packs),
            live_bytes=sum(each.live for each in packs),
            doomed_packs=len(dead) + len(sparse),
            doomed_bytes=sum(each.bytes for each in (*dead, *sparse)),
            repacked_packs=len(sparse),
            copied_bytes=sum(each.live for each in sparse),
            dry=self._dry,
        )
        if self._dry:
            return result
        if sparse:
            copied = self._repack(sparse, already | {each.name for each in dead}, marks)
            result = msgspec.structs.replace(result, copied_bytes=copied)
        going = [each.name for each in (*dead, *sparse)]
        if going:
            doomed.write(self._blobs, self._prefix, going, self._now)
        return self._sweep(result)

    # --- marking

    def _marked(self) -> tuple[Marks, list[leases.Lease]]:
        """Mark what lives: leases are read first, then holds, then roots; see the top of the module."""
        living = leases.living(self._blobs, self._prefix, self._now)
        held = [root for _, each in leases.held(self._blobs, self._prefix) for root in each.roots]
        roots = [*held, *_asked(self._roots)]
        files = list(_asked(self._files))
        self._catalog.refresh()  # after the roots: whatever they refer to is in packs that are known then
        visitor = _Living(self._catalog.count())
        reach = Reach(self._repository, visitor)
        with phase("Marking", unit="trees") as step:
            for root in roots:
                try:
                    reach.tree(root)
                except Unavailable:
                    if root in self._roots_now():
                        raise  # else it was dropped meanwhile, and swept by another collection
                step()
        reach.files(files)
        return visitor.marks, living

    def _roots_now(self) -> set[str]:
        held = leases.held(self._blobs, self._prefix)
        return {*_asked(self._roots), *(root for _, each in held for root in each.roots)}

    def _weighed(self, pack: str, marks: Marks) -> _Pack:
        total = live = 0
        for digest, frame in self._catalog.rows(pack):
            total += frame.stored
            live += frame.stored if digest in marks else 0
        return _Pack(pack, total, live)

    # --- repacking

    def _repack(self, sparse: list[_Pack], going: frozenset[str] | set[str], marks: Marks) -> int:
        """Copy what lives in sparse packs, unless a pack that stays has it."""
        leaving = {*going, *(each.name for each in sparse)}
        with (
            self._repository.writer(hold="gc") as writer,
            phase("Repacking", total=len(sparse), unit="packs") as step,
        ):
            for each in sparse:
                gather(self._repository, self._uncovered(each.name, leaving, marks), writer)
                step()
        return writer.stored_bytes

    def _uncovered(self, pack: str, leaving: set[str] | frozenset[str], marks: Marks) -> Iterator[Wanted]:
        """What lives in a pack and has no copy in a pack that stays."""
        for digest, frame in self._catalog.rows(pack):
            if digest in marks and self._catalog.find(digest, leaving) is None:
                yield digest, frame

    # --- sweeping

    def _sweep(self, result: Collected) -> Collected:
        """Delete what is due, unless another collection is at it: two could rescue and delete the same pack."""
        alone = leases.sweeping(self._blobs, self._prefix, self._repository.clock)
        if alone is None:
            return result
        try:
            return self._sweep_alone(result)
        finally:
            alone.release()

    def _sweep_alone(self, result: Collected) -> Collected:
        lists = doomed.lists(self._blobs, self._prefix)
        due = {
            name: each
            for name, each in lists.items()
            if self._now >= each.at + timedelta(seconds=self._grace_s)
        }
        lost = self._lost_packs()
        if not due and not lost:
            return result
        marks, living = self._marked()
        leaving = doomed.packs(doomed.lists(self._blobs, self._prefix))
        self._catalog.refresh()  # after the lists: what another collection deleted is in one, or is gone already
        deleted = freed = rescued = waiting = 0
        for name, each in due.items():
            if any(name not in lease.seen for lease in living):
                waiting += len(each.packs)
                continue
            for pack in each.packs:
                size = self._delete_if_dead(pack, leaving, marks)
                rescued += size < 0
                deleted += size > 0
                freed += max(size, 0)
            doomed.rewrite(self._blobs, self._prefix, name, Doomed(each.at, []))
        if not living:
            freed += sum(self._clear_lost(pack, marks) for pack in lost)
        self._catalog.refresh()
        return msgspec.structs.replace(
            result,
            deleted_packs=deleted,
            freed_bytes=freed,
            rescued_packs=rescued,
            waiting_packs=waiting,
            writers=[lease.what or "a writer" for lease in living] if waiting else [],
        )

    def _delete_if_dead(self, pack: str, leaving: frozenset[str], marks: Marks) -> int:
        """Delete a doomed pack; its bytes, 0 if it was gone already, -1 if it lives."""
        if pack not in self._catalog:
            return 0
        if next(self._uncovered(pack, leaving, marks), None) is not None:
            return -1
        info = self._blobs.info(pack_key(pack, self._prefix))
        self._blobs.delete(index_key(pack, self._prefix))  # first: what an index names can be read
        self._blobs.delete(pack_key(pack, self._prefix))
        return (info.size_bytes if info else 0) or 1

    # --- packs without index: a writer was killed between the two, or an index was lost

    def _lost_packs(self) -> list[str]:
        folder = f"{self._prefix}packs/"
        known = set(self._catalog.packs)
        return [
            name
            for info in self._blobs.list(folder)
            if (name := info.key[len(folder) : -len(".pack")]) not in known
            and name not in self._catalog.damaged
            and self._now >= info.modified_at + timedelta(seconds=self._grace_s)
        ]

    def _clear_lost(self, pack: str, marks: Marks) -> int:
        """Delete a pack without index, unless it has something that lives: then it gets its index back."""
        key = pack_key(pack, self._prefix)
        info = self._blobs.info(key)
        if info is None or self._blobs.info(index_key(pack, self._prefix)) is not None:
            return 0
        data = tail_of(self._blobs, key, info.size_bytes)
        if data is not None:
            rows = indexes.parse(data, pack).rows()
            if any(digest in marks and self._catalog.find(digest) is None for digest, _ in rows):
                self._blobs.put(index_key(pack, self._prefix), data)
                return 0
        self._blobs.delete(key)
        return info.size_bytes


def _asked(roots: Roots) -> Iterable[str]:
    return roots() if callable(roots) else roots
