"""Checking: is everything there that is referred to, and is it what it was? And repairing, from another copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.core.progress import phase
from fettle.data.engine import doomed, indexes, leases, tree_read
from fettle.data.engine.format import Frame, commit_key, format_bytes, index_key, pack_key
from fettle.data.engine.frames import Wanted, runs, verified
from fettle.data.engine.indexes import Table
from fettle.data.engine.marks import Marks
from fettle.data.engine.reach import Reach
from fettle.data.engine.repository import Repository
from fettle.data.engine.uploads import HEAD, tail_of
from fettle.data.engine.writer import Writer

FaultKind = Literal["format", "index", "pack", "frame", "missing", "external", "commit", "record"]
_MOST_PATHS = 20


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is not as it was written.

    Attributes:
        kind: `format` (format.json), `index`, `pack` (missing, cut short, or its head or copy of the index), `frame`
            (an object in a pack), `missing` (referred to, and in no pack), `external` (kept by reference, and its
            source changed or vanished), `commit`, or `record` (a lease, a hold, a list of gc).
        key: The blob at fault, or where the source was; empty for a missing object.
        object: The digest of the object; empty where no single one is meant.
        found: What was found instead.
        paths: Files of the checked trees that cannot be read because of it; 20 at most.
        repaired: It was put right.
    """

    kind: FaultKind
    key: str
    object: str = ""
    found: str = ""
    paths: list[str] = []
    repaired: bool = False


def check(
    repository: Repository,
    roots: Iterable[str],
    *,
    full: bool = False,
    repair_from: Repository | None = None,
    commits: Iterable[str] = (),
    check_commit: Callable[[str, bytes], str] | None = None,
) -> list[Fault]:
    """Check a repository; an empty list means that all is well.

    Quick: format, indexes, sizes of packs, and that everything below the roots is in some pack. Full: besides, every
    byte of every pack is read and held to its digest.

    With `repair_from`, what is damaged or missing is fetched from there (or from a second copy here), and a pack with
    damage is moved to `quarantine/` after all that can be saved of it has gone into new packs. An index is restored
    from its pack, and `format.json` written anew, without another repository too. Nothing is ever just deleted.

    Args:
        repository: What is checked.
        roots: The trees that must be whole.
        full: Read everything.
        repair_from: Another repository, that has what may be missing here.
        commits: Ids of commits that must be there.
        check_commit: Given a commit's id and bytes, says what is wrong with them; empty if nothing.
    """
    return _Check(repository, list(roots), repair_from).run(full, list(commits), check_commit)


class _Check:
    def __init__(self, repository: Repository, roots: list[str], other: Repository | None) -> None:
        self._repository, self._blobs, self._prefix = repository, repository.blobs, repository.prefix
        self._roots, self._other = roots, other
        self._faults: list[Fault] = []
        self._tables: dict[str, Table] = {}
        self._bad: dict[
            bytes, Frame | None
        ] = {}  # objects that cannot be read from where they are (None: nowhere)
        self._spoilt: set[str] = set()  # packs with damage
        self._inside: dict[
            str, list[bytes]
        ] = {}  # by key of a pack that is cut short or gone: what it should hold
        self._aside: set[str] = set()  # keys of packs that were put aside
        self._referred = Marks(0)
        self._outside: set[bytes] = set()  # files that are kept by reference

    def run(
        self, full: bool, commits: list[str], check_commit: Callable[[str, bytes], str] | None
    ) -> list[Fault]:
        self._check_format()
        self._check_records()
        self._check_indexes()
        self._repository.catalog.refresh()
        self._check_holds()
        self._check_packs(full)
        self._check_reachable()
        self._check_outside(full)
        if self._other is not None:
            self._repair()
        for commit in commits:
            self._check_commit(commit, check_commit)
        return self._with_paths()

    def _note(
        self, kind: FaultKind, key: str, found: str, *, object: bytes = b"", repaired: bool = False
    ) -> None:
        self._faults.append(Fault(kind, key, object.hex(), found, repaired=repaired))

    # --- small blobs

    def _check_format(self) -> None:
        key = f"{self._prefix}format.json"
        try:
            self._repository.prepare()
        except Unavailable as error:
            if "does not know" in error.message:
                raise
            self._blobs.put(key, format_bytes())
            self._note("format", key, error.found or error.message, repaired=True)
            self._repository.prepare()
            return
        if self._blobs.info(key) is not None and self._blobs.get(key) != format_bytes():
            self._blobs.put(key, format_bytes())
            self._note("format", key, "other bytes than were written", repaired=True)

    def _check_commit(self, commit: str, check_commit: Callable[[str, bytes], str] | None) -> None:
        key = commit_key(commit, self._prefix)
        try:
            data = self._repository.commit_bytes(commit)
            found = check_commit(commit, data) if check_commit else ""
        except NotFound as error:
            found = error.message
        if found:
            self._note("commit", key, found, repaired=self._repair_commit(commit, key, check_commit))

    def _repair_commit(self, commit: str, key: str, check_commit: Callable[[str, bytes], str] | None) -> bool:
        if self._other is None:
            return False
        try:
            data = self._other.commit_bytes(commit)
        except NotFound:
            return False
        if check_commit and check_commit(commit, data):
            return False
        self._blobs.put(key, data)
        return True

    def _check_records(self) -> None:
        """Leases and lists of gc; one that cannot be read is put aside: without it gc waits longer at most."""
        for folder, kind in (("leases", leases.Lease), ("gc", doomed.Doomed)):
            for info in self._blobs.list(f"{self._prefix}{folder}/"):
                try:
                    msgspec.json.decode(self._blobs.get(info.key), type=kind)
                except msgspec.MsgspecError as error:
                    self._put_aside(info.key)
                    self._note("record", info.key, str(error), repaired=True)
                except NotFound:
                    continue

    def _check_holds(self) -> None:
        """What working copies have staged is whole too."""
        for info in self._blobs.list(f"{self._prefix}holds/"):
            try:
                held = msgspec.json.decode(self._blobs.get(info.key), type=leases.Hold)
                lost = [root for root in held.roots if not self._repository.has(root)]
            except (msgspec.MsgspecError, Invalid) as error:
                self._note("record", info.key, str(error))
            except NotFound:
                continue
            else:
                self._roots += [root for root in held.roots if root not in lost]
                for root in lost:
                    found = (
                        "it holds a staged tree that is not here; commit what is staged in the working copy"
                    )
                    self._note("record", info.key, found, object=bytes.fromhex(root))

    # --- indexes and packs

    def _check_indexes(self) -> None:
        folder = f"{self._prefix}index/"
        names = [info.key[len(folder) : -len(".idx")] for info in self._blobs.list(folder)]
        for pack in names:
            self._check_index(pack)
        packs = f"{self._prefix}packs/"
        for info in self._blobs.list(packs):
            pack = info.key[len(packs) : -len(".pack")]
            if pack not in names and self._restore_index(pack):
                self._note("index", index_key(pack, self._prefix), "a pack without index", repaired=True)

    def _check_index(self, pack: str) -> None:
        key = index_key(pack, self._prefix)
        try:
            self._tables[pack] = indexes.parse(self._blobs.get(key), pack)
        except NotFound:
            return
        except Unavailable as error:
            self._note("index", key, error.found, repaired=self._restore_index(pack))

    def _restore_index(self, pack: str) -> bool:
        """Write an index anew from the copy in its pack, or from the other repository."""
        info = self._blobs.info(pack_key(pack, self._prefix))
        data = tail_of(self._blobs, pack_key(pack, self._prefix), info.size_bytes) if info else None
        if data is None and self._other is not None:
            data = _index_in(self._other, pack)
        if data is None:
            return False
        self._blobs.put(index_key(pack, self._prefix), data)
        self._tables[pack] = indexes.parse(data, pack)
        self._repository.catalog.damaged.pop(pack, None)
        return True

    def _check_packs(self, full: bool) -> None:
        total = len(self._tables)
        with phase("Checking packs", total=total, unit="packs") as step:
            for pack, table in self._tables.items():
                if self._whole(pack, table) and full:
                    self._check_frames(pack, table)
                step()

    def _whole(self, pack: str, table: Table) -> bool:
        key = pack_key(pack, self._prefix)
        info = self._blobs.info(key)
        size = info.size_bytes if info else 0
        expected = table.frames_end + indexes.size_of(table.count)
        if info is None:
            self._spoil(key, pack, "no such blob")
        elif size != expected:
            self._spoil(key, pack, f"{size} bytes, not {expected}")
        elif self._blobs.get(key, end=len(HEAD)) != HEAD:
            self._spoil(key, pack, "another beginning than packs have")
        if size == expected:
            return True
        for digest, frame in table.rows():
            if frame.offset + frame.stored > size:
                self._bad[digest] = frame
                self._inside.setdefault(key, []).append(digest)
        return info is not None

    def _spoil(self, key: str, pack: str, found: str) -> None:
        self._note("pack", key, found)
        self._spoilt.add(pack)

    def _check_frames(self, pack: str, table: Table) -> None:
        """Read a pack from end to end."""
        key = pack_key(pack, self._prefix)
        rows = sorted(table.rows(), key=lambda row: row[1].offset)
        for run in runs(rows):
            for (digest, frame), stored in zip(run, self._repository.frames.run(run), strict=True):
                found = _wrong(digest, frame, stored)
                if found and digest not in self._bad:
                    self._note("frame", key, found, object=digest)
                    self._bad[digest] = frame
                    self._spoilt.add(pack)
        if pack not in self._spoilt and self._blobs.get(key, start=table.frames_end) != table.whole:
            self._note("pack", key, "a copy of the index that differs from the index")
            self._spoilt.add(pack)

    # --- what is referred to

    def _check_reachable(self) -> None:
        catalog = self._repository.catalog
        self._referred = Marks(catalog.count())
        reach = Reach(self._repository, self)
        with phase("Following trees", total=len(self._roots), unit="trees") as step:
            for root in self._roots:
                reach.tree(root)
                step()

    def found(self, digest: bytes) -> None:
        """Something is referred to."""
        self._referred.add(digest)
        if digest in self._bad or self._repository.catalog.find(digest) is not None:
            return
        if self._repository.stores(digest.hex()):
            return
        if self._repository.external.find(digest):
            self._outside.add(digest)
            return
        self._note("missing", "", "no pack has it", object=digest)
        self._bad[digest] = None

    def _check_outside(self, full: bool) -> None:
        """Ask the sources of files that are kept by reference."""
        with phase("Asking sources", total=len(self._outside), unit="files") as step:
            for digest in self._outside:
                found = self._repository.external.fault(digest, full=full)
                if found is not None:
                    self._note("external", found[0].shown, found[1], object=digest)
                    self._bad[digest] = None
                step()

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        """A node or list cannot be read."""
        if digest not in self._bad:
            frame = self._repository.catalog.find(digest)
            key = pack_key(frame.pack, self._prefix) if frame else ""
            self._note("frame" if frame else "missing", key, error.found, object=digest)
            self._bad[digest] = frame
            if frame:
                self._spoilt.add(frame.pack)

    # --- repairing

    def _repair(self) -> None:
        """Fetch what is bad from another copy, move what is sound out of spoilt packs, and put those aside.

        A tree that could not be read may hide more that is missing: so it is checked until nothing new turns up.
        """
        tried: set[bytes] = set()
        while self._spoilt or self._bad.keys() - tried:
            tried |= self._bad.keys()
            saved = self._save()
            self._settle(saved)
            self._check_reachable()

    def _settle(self, saved: set[bytes]) -> None:
        """Note what was put right: objects that were saved, and packs that were put aside."""
        for digest in saved:
            self._bad.pop(digest, None)
        self._faults = [
            msgspec.structs.replace(each, repaired=True)
            if (each.object and bytes.fromhex(each.object) in saved)
            or (each.kind == "pack" and each.key in self._aside)
            else each
            for each in self._faults
        ]

    def _save(self) -> set[bytes]:
        """Bring sound copies of objects into new packs, with all that is sound in spoilt packs; what was saved."""
        saved: set[bytes] = set()
        spoilt, self._spoilt = self._spoilt & self._tables.keys(), set()
        with self._repository.writer(hold="fsck") as writer:
            for digest in list(self._bad):
                copy = self._sound_copy(digest)
                if copy is not None:
                    writer.adopt(digest, *copy)
                    saved.add(digest)
            moved = {pack for pack in spoilt if self._move_sound(pack, writer)}
        for pack in moved:
            left = (digest for digest, _ in self._tables[pack].rows() if digest in self._bad.keys() - saved)
            if not any(digest in self._referred for digest in left):
                self._quarantine(pack)
        self._repository.catalog.refresh()
        return saved

    def _move_sound(self, pack: str, writer: Writer) -> bool:
        """Copy what is not known to be bad; False if more turned out to be bad, and the pack must be seen to again."""
        rows = [row for row in self._tables[pack].rows() if row[0] not in self._bad]
        sound = True
        for run in runs(sorted(rows, key=lambda row: row[1].offset)):
            for (digest, frame), stored in zip(run, self._repository.frames.run(run), strict=True):
                if found := _wrong(digest, frame, stored):
                    self._note("frame", pack_key(pack, self._prefix), found, object=digest)
                    self._bad[digest] = frame
                    self._spoilt.add(pack)
                    sound = False
                else:
                    writer.adopt(digest, frame, stored)
        return sound

    def _sound_copy(self, digest: bytes) -> tuple[Frame, bytes] | None:
        """A sound frame of an object from another pack here, or from the other repository."""
        for repository in (self._repository, self._other):
            if repository is None:
                continue
            repository.prepare()
            if repository.catalog.find_new(digest) is None:
                continue
            for frame in list(repository.catalog.find_all(digest)):
                stored = _stored(repository, digest, frame)
                if stored is not None:
                    return frame, stored
        return None

    def _put_aside(self, key: str, *, keep: bool = False) -> None:
        self._blobs.put(f"{self._prefix}quarantine/{key.rpartition('/')[2]}", self._blobs.stream(key))
        if not keep:
            self._blobs.delete(key)

    def _quarantine(self, pack: str) -> None:
        """Put a pack aside, with its index; nothing finds it any more."""
        for key in (pack_key(pack, self._prefix), index_key(pack, self._prefix)):
            if self._blobs.info(key) is not None:
                self._put_aside(key, keep=True)
        self._blobs.delete(index_key(pack, self._prefix))
        self._blobs.delete(pack_key(pack, self._prefix))
        self._tables.pop(pack, None)
        self._aside.add(pack_key(pack, self._prefix))

    # --- whom it concerns

    def _with_paths(self) -> list[Fault]:
        """The faults, each with the files that it spoils."""
        spoilt = [_objects(each, self._inside) for each in self._faults]
        wanted = {digest for each in spoilt for digest in each}
        paths = self._paths_of(wanted) if wanted else {}
        return [
            msgspec.structs.replace(each, paths=_united(paths.get(digest, []) for digest in objects))
            for each, objects in zip(self._faults, spoilt, strict=True)
        ]

    def _paths_of(self, wanted: set[bytes]) -> dict[bytes, list[str]]:
        found: dict[bytes, list[str]] = {}
        for root in self._roots:
            try:
                for entry in tree_read.entries(root, self._repository.node):
                    for digest in self._consists_of(entry.digest) & wanted:
                        at = found.setdefault(digest, [])
                        if len(at) < _MOST_PATHS and entry.path not in at:
                            at.append(entry.path)
            except (NotFound, Unavailable):
                continue  # the tree itself is at fault, which is told already
        return found

    def _consists_of(self, digest: str) -> set[bytes]:
        parts = _Parts()
        Reach(self._repository, parts).files([digest])
        return parts.digests


class _Parts:
    """Gathers the digests of a file's parts."""

    def __init__(self) -> None:
        self.digests: set[bytes] = set()

    def found(self, digest: bytes) -> None:
        self.digests.add(digest)

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        self.digests.add(digest)


def _objects(fault: Fault, inside: dict[str, list[bytes]]) -> list[bytes]:
    """The objects that cannot be read because of a fault."""
    return [bytes.fromhex(fault.object)] if fault.object else inside.get(fault.key, [])


def _united(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(path for each in lists for path in each))[:_MOST_PATHS]


def _wrong(digest: bytes, frame: Frame, stored: memoryview) -> str:
    """What is wrong with a frame; empty if nothing."""
    try:
        verified(digest, frame, stored)
    except Unavailable as error:
        return error.found
    return ""


def _stored(repository: Repository, digest: bytes, frame: Frame) -> bytes | None:
    """A frame's stored bytes if they are sound."""
    wanted: list[Wanted] = [(digest, frame)]
    try:
        stored = next(iter(repository.frames.run(wanted)))
    except NotFound:
        return None
    return None if _wrong(digest, frame, stored) else bytes(stored)


def _index_in(repository: Repository, pack: str) -> bytes | None:
    try:
        data = repository.blobs.get(index_key(pack, repository.prefix))
        indexes.parse(data, pack)
    except (NotFound, Unavailable):
        return None
    return data
