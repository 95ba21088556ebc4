"""Who is writing, and what is held: small blobs that gc respects.

A writer's lease says which lists of doomed packs it has seen: it takes nothing from those. So gc deletes a pack only
if every living lease has seen the list that dooms it; whoever came earlier may rely on the pack.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

import msgspec

from fettle.core import canonical
from fettle.core.clock import Clock
from fettle.core.errors import Conflict, NotFound, Unavailable
from fettle.core.ids import event_id
from fettle.storage.ports import BlobStore

T = TypeVar("T")

TTL_S = 24 * 3600.0
_RENEW_EVERY_S = 300.0


class Lease(msgspec.Struct, frozen=True):
    """What a lease's blob says.

    Attributes:
        place: The machine, boot and process space of the holder; empty where that is not known.
        process: Its process id there.
        born: When that process began, in the machine's ticks, so that a reused id is noticed.
        what: What the writer is doing, in words.
        at: When it was last renewed (UTC).
        ttl_s: For how long a renewal counts.
        seen: The lists of doomed packs that the writer knows of.
    """

    place: str
    process: int
    born: str
    what: str
    at: datetime
    ttl_s: float
    seen: list[str] = []

    def alive(self, now: datetime) -> bool:
        """Whether the holder may still be at work: it renews, and is not known to have ended."""
        if now >= self.at + timedelta(seconds=self.ttl_s):
            return False
        return not self.place or self.place != place() or _born(self.process) == self.born


class Holding:
    """A lease held, renewed by a thread until it is released.

    Args:
        blobs: Where.
        key: The lease's blob.
        what: What is being done, in words.
        clock: For the times in it.

    Raises:
        Conflict: Somebody who is alive holds it.
    """

    def __init__(self, blobs: BlobStore, key: str, what: str, clock: Clock) -> None:
        self._blobs, self._key, self._clock = blobs, key, clock
        self._lease = Lease(place(), os.getpid(), _born(os.getpid()), what, clock.now(), TTL_S)
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._lost: Conflict | None = None
        self._tag = self._take()
        threading.Thread(target=self._keep, name="data lease", daemon=True).start()

    def saw(self, doomed: list[str]) -> None:
        """Write down which lists of doomed packs are respected."""
        self._write(msgspec.structs.replace(self._lease, seen=doomed))

    def check(self) -> None:
        """Be sure that the lease was held all the time.

        Raises:
            Conflict: It was not renewed in time and taken away: what was reused may be gone.
        """
        late = self._clock.now() >= self._lease.at + timedelta(seconds=self._lease.ttl_s)
        if self._lost is not None or late:
            raise self._lost or _lost()

    def release(self) -> None:
        """End it. Idempotent."""
        with self._guard:
            if not self._over.is_set():
                self._over.set()
                self._blobs.delete(self._key)

    def _take(self) -> str:
        """Put the blob, in place of one whose holder is dead."""
        data = canonical.encode(self._lease)
        info = self._blobs.info(self._key)
        if info is None:
            return self._blobs.put(self._key, data, create=True)
        before = _read(self._blobs, self._key, Lease)
        if before is not None and before.alive(self._clock.now()):
            raise Conflict(f"Another process is at it: {before.what}.", subject=self._key)
        return self._blobs.swap(self._key, data, tag=info.tag)

    def _keep(self) -> None:
        while not self._over.wait(_RENEW_EVERY_S):
            with contextlib.suppress(Conflict):
                self._write(msgspec.structs.replace(self._lease, at=self._clock.now()))

    def _write(self, lease: Lease) -> None:
        with self._guard:
            if self._over.is_set():
                return
            try:
                self._tag = self._blobs.swap(self._key, canonical.encode(lease), tag=self._tag)
                self._lease = lease
            except Conflict:
                self._lost = _lost()
                raise self._lost from None


def writing(blobs: BlobStore, prefix: str, what: str, clock: Clock) -> Holding:
    """The lease of a writer."""
    return Holding(blobs, f"{prefix}leases/{event_id()}.json", what, clock)


def sweeping(blobs: BlobStore, prefix: str, clock: Clock) -> Holding | None:
    """The right to delete what is doomed, which one collection at a time has; None if another has it."""
    try:
        return Holding(blobs, f"{prefix}sweeping.json", "gc", clock)
    except Conflict:
        return None


class Hold(msgspec.Struct, frozen=True):
    """Roots that are kept until they are let go of: what a working copy has staged."""

    roots: list[str]
    at: datetime


def living(blobs: BlobStore, prefix: str, now: datetime) -> list[Lease]:
    """The leases whose holders may be at work; those of the dead are removed."""
    found: list[Lease] = []
    for info in blobs.list(f"{prefix}leases/"):
        lease = _read(blobs, info.key, Lease)
        if lease is None:
            continue
        if lease.alive(now):
            found.append(lease)
        else:
            blobs.delete(info.key)
    return found


def hold(blobs: BlobStore, prefix: str, name: str, roots: Iterable[str], now: datetime) -> None:
    """Keep these roots, and no others under this name, from gc."""
    blobs.put(_hold_key(prefix, name), canonical.encode(Hold(sorted(roots), now)))


def let_go(blobs: BlobStore, prefix: str, name: str) -> None:
    """Forget what was held under a name; nothing happens if that is nothing."""
    blobs.delete(_hold_key(prefix, name))


def held(blobs: BlobStore, prefix: str) -> Iterator[tuple[str, Hold]]:
    """Every name and what is held under it."""
    folder = f"{prefix}holds/"
    for info in blobs.list(folder):
        found = _read(blobs, info.key, Hold)
        if found is not None:
            yield unquote(info.key[len(folder) : -len(".json")]), found


def _hold_key(prefix: str, name: str) -> str:
    return f"{prefix}holds/{quote(name, safe='')}.json"


def _read(blobs: BlobStore, key: str, kind: type[T]) -> T | None:
    try:
        return canonical.decode(blobs.get(key), kind)
    except NotFound:
        return None
    except msgspec.MsgspecError as error:
        raise damaged_record(key, str(error)) from None


def damaged_record(key: str, found: str) -> Unavailable:
    """A lease, hold or list that cannot be read: whoever relies on it cannot be known."""
    hint = "See that nobody is writing, delete that blob, and try again."
    return Unavailable(
        f"The record {key} of the data store is damaged.", found=found, hint=hint, subject=f"blob:{key}"
    )


def place() -> str:
    """This machine, since its last start, and the space that process ids count in; empty if that is not known."""
    if sys.platform != "linux":
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{os.uname().nodename} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _born(process: int) -> str:
    """When a process began; empty if there is none or nobody knows."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _lost() -> Conflict:
    return Conflict(
        "The writer's lease on the data store ran out before it was done.",
        found=f"it was not renewed for {TTL_S / 3600:.0f} hours (the machine slept?)",
        hint="Run the command again: what was stored already is found and not stored twice.",
    )
