"""Push and pull: what another repository lacks is sent, whole packs where most of a pack is needed.

The order is packs, indexes, commits; the caller moves refs. So whatever a reader finds is complete, and a transfer that
was interrupted goes on where it was: what arrived is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec

from fettle.core.errors import NotFound, Unavailable
from fettle.core.progress import Step, phase
from fettle.data.engine import indexes
from fettle.data.engine.format import Frame, index_key, pack_key
from fettle.data.engine.frames import Wanted, damaged, verified
from fettle.data.engine.gather import gather
from fettle.data.engine.marks import Marks
from fettle.data.engine.reach import Reach
from fettle.data.engine.repository import Repository
from fettle.data.engine.uploads import HEAD
from fettle.data.engine.writer import Writer
from fettle.storage.objects import object_key

_MOST = 0.5
_TRANSFERS = 4


class Sent(msgspec.Struct, frozen=True):
    """What a transfer moved: whole packs, frames gathered into new packs, and stored bytes of both."""

    packs: int
    frames: int
    bytes: int
    commits: int


def push(
    source: Repository,
    target: Repository,
    commits: Sequence[tuple[str, str]],
    *,
    have: Iterable[str] = (),
    finish: Callable[[], None] | None = None,
) -> Sent:
    """Send commits and all they refer to.

    Memory is bounded: reachable objects are remembered in few bits, packs are looked at one by one, four at a time are
    on their way.

    Args:
        source: Where they are.
        target: Where to.
        commits: Id and root of each commit that the target lacks, parents first.
        have: Roots of commits that the target has: what lies below those is neither read nor sent.
        finish: Called when all is durable, before the writer's lease on the target ends: move the refs in it.

    Raises:
        NotFound: The source lacks something.
        Unavailable: A store cannot be reached, or something in the source is damaged.
    """
    return _Transfer(source, target, "Sending").run(commits, have, finish)


def pull(
    source: Repository,
    target: Repository,
    commits: Sequence[tuple[str, str]],
    *,
    have: Iterable[str] = (),
    finish: Callable[[], None] | None = None,
) -> Sent:
    """Fetch commits and all they refer to from `source`; as `push`."""
    return _Transfer(source, target, "Fetching").run(commits, have, finish)


class _Needed:
    """Marks what is reachable; objects that the source keeps loose are listed."""

    def __init__(self, source: Repository, marks: Marks) -> None:
        self.marks = marks
        self.loose: dict[bytes, None] = {}
        self._source = source

    def found(self, digest: bytes) -> None:
        self.marks.add(digest)
        if self._source.catalog.find(digest) is None:
            self.loose[digest] = None

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        raise error


class _Transfer:
    def __init__(self, source: Repository, target: Repository, words: str) -> None:
        self._source, self._target, self._words = source, target, words
        self._packs = self._frames = self._bytes = 0

    def run(
        self, commits: Sequence[tuple[str, str]], have: Iterable[str], finish: Callable[[], None] | None
    ) -> Sent:
        self._source.prepare()
        self._source.catalog.refresh()
        with self._target.writer(hold=self._words.lower()) as writer:
            needed = self._reachable([root for _, root in commits], have)
            self._send_packs(needed.marks, writer)
            self._send_loose(needed.loose, writer)
            writer.flush()
            sent = sum(self._send_commit(commit, writer) for commit, _ in commits)
            if finish is not None:
                finish()
        return Sent(self._packs, self._frames, self._bytes, sent)

    def _reachable(self, roots: list[str], have: Iterable[str]) -> _Needed:
        catalog = self._source.catalog
        known: set[str] = set()
        nodes = Reach(self._source, _Nothing())
        for root in have:
            nodes.known_nodes(root, known)
        needed = _Needed(self._source, Marks(catalog.count()))
        reach = Reach(self._source, needed, known)
        with phase("Comparing", total=len(roots), unit="commits") as step:
            for root in roots:
                reach.tree(root)
                step()
        return needed

    # --- packs

    def _send_packs(self, marks: Marks, writer: Writer) -> None:
        whole: list[tuple[str, int]] = []
        parts: list[tuple[str, int]] = []
        for pack in self._source.catalog.packs:
            total, wanted = self._wanted_bytes(pack, marks, writer)
            if wanted:
                fits = wanted >= _MOST * total and pack not in self._target.catalog
                (whole if fits else parts).append((pack, wanted))
        with phase(self._words, total=sum(size for _, size in (*whole, *parts)), unit="bytes") as step:
            self._send_whole(whole, step)
            for pack, size in parts:
                wanted = list(self._wanted(pack, marks, writer))
                self._bytes += gather(self._source, wanted, writer)
                self._frames += len(wanted)
                step(size)

    def _wanted(self, pack: str, marks: Marks, writer: Writer) -> Iterator[Wanted]:
        for digest, frame in self._source.catalog.rows(pack):
            if digest in marks and not writer.knows(digest):
                yield digest, frame

    def _wanted_bytes(self, pack: str, marks: Marks, writer: Writer) -> tuple[int, int]:
        total = sum(frame.stored for _, frame in self._source.catalog.rows(pack))
        return total, sum(frame.stored for _, frame in self._wanted(pack, marks, writer))

    def _send_whole(self, packs: list[tuple[str, int]], step: Step) -> None:
        """Copy packs as they are, some at a time."""
        with ThreadPoolExecutor(_TRANSFERS) as threads:
            waiting: dict[Future[int], int] = {}
            remaining = iter(packs)
            while True:
                while len(waiting) < _TRANSFERS and (following := next(remaining, None)) is not None:
                    waiting[threads.submit(self._copy, following[0])] = following[1]
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    self._bytes += future.result()
                    self._packs += 1
                    step(waiting.pop(future))

    def _copy(self, pack: str) -> int:
        """Copy a pack, verified on its way, then its index."""
        rows = sorted(self._source.catalog.rows(pack), key=lambda row: row[1].offset)
        index = self._source.blobs.get(index_key(pack, self._source.prefix))
        indexes.parse(index, pack)
        stream = self._source.blobs.stream(pack_key(pack, self._source.prefix))
        try:
            self._target.blobs.put(pack_key(pack, self._target.prefix), _checked(stream, rows, index))
        finally:
            if isinstance(stream, Generator):
                stream.close()  # where the copy broke off: let go of the file now
        self._target.blobs.put(index_key(pack, self._target.prefix), index)
        self._target.catalog.add(pack, index)
        return sum(frame.stored for _, frame in rows)

    # --- loose files and commits

    def _send_loose(self, loose: Iterable[bytes], writer: Writer) -> None:
        for digest in loose:
            if not writer.knows(digest) and self._target.blobs.info(object_key(digest.hex())) is None:
                self._bytes += writer.put_stream(self._source.stream(digest.hex())).size_bytes

    def _send_commit(self, commit: str, writer: Writer) -> bool:
        try:
            self._target.commit_bytes(commit)
        except NotFound:
            writer.put_commit(commit, self._source.commit_bytes(commit))
            return True
        return False


class _Nothing:
    """Tells nobody."""

    def found(self, digest: bytes) -> None:
        return None

    def fault(self, digest: bytes, error: NotFound | Unavailable) -> None:
        return None


def _checked(stream: Iterable[bytes], rows: list[tuple[bytes, Frame]], index: bytes) -> Iterator[bytes]:
    """A pack's bytes as they pass, each frame held to its digest; head and copy of the index as they must be.

    Raises:
        Unavailable: One is damaged: the copy must not be published.
    """
    held, begins, at, place, end = bytearray(), 0, 0, 0, indexes.frames_end_of(index)
    for piece in stream:
        if not place:
            yield HEAD
        held += piece
        while at < len(rows):
            digest, frame = rows[at]
            low, high = frame.offset - begins, frame.offset + frame.stored - begins
            if high > len(held):
                break
            verified(digest, frame, memoryview(bytes(held[low:high])))
            at += 1
        certain = (rows[at][1].offset if at < len(rows) else begins + len(held)) - begins
        del held[:certain]
        begins += certain
        yield piece[max(len(HEAD) - place, 0) : max(end - place, 0)]
        place += len(piece)
    if at < len(rows):
        raise damaged(*rows[at], "a pack that ends too early")
    yield index
