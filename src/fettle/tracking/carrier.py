"""Send what a journal holds on to the workspace, each record exactly once."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core.errors import Conflict, Unavailable
from fettle.storage.disks import disk_failure, write_atomically
from fettle.storage.frames import parsed, read_groups, segment_path, segments
from fettle.storage.locks import FileLock
from fettle.tracking.entries import Group, Reader

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.chunks import Points

_MOST_POINTS = 50_000
_MOST_RECORDS = 50_000
_MOST_BYTES = 6 << 20
"""Of one request, about; a server takes 8 MiB."""
_COLUMN_BYTES = 80


class Arrived(msgspec.Struct, frozen=True):
    """How far a journal has been carried when its first segments were thrown away.

    Attributes:
        records: So many records are in the workspace.
        position: Behind the last of them.
        forms: The keys declared up to there.
    """

    records: int
    position: str
    forms: dict[int, list[str]]


class Carrier:
    """Sends the records of one journal on. Safe in many threads, and in many processes at once.

    Args:
        ws: The workspace to carry to.
        run: The run's id.
        folder: The journal's own folder.
    """

    def __init__(self, ws: Surface, run: str, folder: Path) -> None:
        self._ws = ws
        self._run = run
        self._folder = folder
        self._sent = 0
        self._position: str | None = None
        self._reader = Reader()
        self._guard = threading.Lock()

    def carry(self) -> int:
        """Send all records that have not arrived; return how many the workspace has now.

        Raises:
            Unavailable: The workspace cannot be reached; what has not arrived stays.
        """
        with self._guard, _one_at_a_time(self._folder):
            self._catch_up()
            for groups in self._batches():
                self._send(groups)
            self._forget()
            return self._sent

    def _batches(self) -> Iterator[list[Group]]:
        """Groups of records, as many together as one request takes."""
        waiting: list[Group] = []
        points = records = 0
        for found in read_groups(self._folder / "records", self._position):
            group = Group(*found)
            self._reader.learn(group)
            if waiting and (
                points + group.most_points > _MOST_POINTS or records + len(group) > _MOST_RECORDS
            ):
                yield waiting
                waiting, points, records = [], 0, 0
            waiting.append(group)
            points, records = points + group.most_points, records + len(group)
        if waiting:
            yield waiting

    def _send(self, groups: list[Group]) -> None:
        end = groups[-1].position
        first = self._sent
        while groups:
            count, columns = self._fitting(groups)
            there: int = self._ws.call(
                "tracking.append",
                run=self._run,
                journal=self._folder.name,
                first=first,
                records=count,
                columns=columns,
            )
            if there <= first:
                raise Forgotten(
                    f"Run {self._run} lost records that had arrived.",
                    found=f"{there} records in the workspace, {first} sent",
                    hint="Was the workspace restored from a backup? `fettle doctor` looks at it.",
                )
            groups = _behind(groups, min(there - first, count))
            first += min(there - first, count)
        self._sent, self._position = first, end

    def _fitting(self, groups: list[Group]) -> tuple[int, list[dict[str, Any]]]:
        """How many of the records fit into one request, and their columns; very many long names do not."""
        while True:
            columns = self._reader.columns(groups)
            count = sum(map(len, groups))
            weight = sum(_COLUMN_BYTES + len(key.encode()) + 32 * len(each) for key, each in columns.items())
            if weight <= _MOST_BYTES or count == 1:
                return count, [_packed(key, each) for key, each in columns.items()]
            groups = _upto(groups, count // 2)

    # --- what need not be kept

    def _catch_up(self) -> None:
        """Take over from another carrier of the journal, which may have thrown away what it sent."""
        with contextlib.suppress(FileNotFoundError):
            known = msgspec.json.decode((self._folder / "arrived").read_bytes(), type=Arrived)
            if known.records > self._sent:
                self._sent, self._position = known.records, known.position
                self._reader = Reader(known.forms)

    def _forget(self) -> None:
        """Throw away segments of which everything has arrived: a long run does not fill the disk."""
        if self._position is None:
            return
        number, _ = parsed(self._position)
        done = [each for each in segments(self._folder / "records") if each < number]
        if not done:
            return
        note = Arrived(self._sent, self._position, self._reader.forms)
        with contextlib.suppress(OSError, Unavailable):  # the disk is full: then nothing is thrown away
            write_atomically(self._folder / "arrived", [msgspec.json.encode(note)])
            for each in done:
                segment_path(self._folder / "records", each).unlink(missing_ok=True)


class Forgotten(Conflict):
    """The workspace has fewer records of a journal than it had: it was restored from an older copy."""


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two carriers of one journal would read what the other throws away."""
    lock = FileLock(folder / "carrying")
    try:
        lock.acquire()
    except FileNotFoundError:
        raise  # another carrier took the journal away
    except OSError as error:
        raise disk_failure(error, folder) from error
    try:
        yield
    finally:
        lock.release()
        lock.close()


def _behind(groups: list[Group], count: int) -> list[Group]:
    """The groups without their first `count` records."""
    kept = []
    for group in groups:
        if count < len(group):
            kept.append(group.behind(count))
        count = max(count - len(group), 0)
    return kept


def _upto(groups: list[Group], count: int) -> list[Group]:
    """The first `count` records of the groups."""
    kept = []
    for group in groups:
        if count > 0:
            kept.append(group if count >= len(group) else group.upto(count))
        count -= len(group)
    return kept


def _packed(key: str, points: Points) -> dict[str, Any]:
    """A column in the form of `records.Column`."""
    return {
        "key": key,
        "steps": points.steps.tobytes(),
        "at_us": points.at_us.tobytes(),
        "values": points.values.tobytes(),
    }


def discard(folder: Path) -> None:
    """Remove a journal whose records have all arrived, and the run's folder when that was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # another journal of the run is still there
        folder.parent.rmdir()
