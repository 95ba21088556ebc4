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
from fettle.tracking import restored
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

    Attributes:
        lost: What a restored workspace has lost for good, in words; empty if nothing.
    """

    def __init__(self, ws: Surface, run: str, folder: Path) -> None:
        self._ws = ws
        self._run = run
        self._folder = folder
        self._sent = 0
        self._position: str | None = None
        self._reader = Reader()
        self._guard = threading.Lock()
        self.lost = ""

    def carry(self, *, check: bool = False) -> int:
        """Send all records that have not arrived; return how many the workspace has now.

        A workspace that has fewer than it had, as it was restored from an older copy, gets again what is still here.

        Args:
            check: Ask how many it has where there is nothing to send; otherwise that is only seen by sending.

        Raises:
            Unavailable: The workspace cannot be reached; what has not arrived stays.
        """
        with self._guard, _one_at_a_time(self._folder):
            known = self._catch_up()
            before = self._sent
            try:
                self._send_all()
                if check and before == self._sent:
                    self._require(self._received())
            except Forgotten:
                self._go_back(known)
                self._send_all()
            self._forget()
            return self._sent

    def _send_all(self) -> None:
        for groups in self._batches():
            self._send(groups)

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
            there = self._append(first, count, columns)
            self._require(there, first + 1)
            groups = _behind(groups, min(there - first, count))
            first += min(there - first, count)
        self._sent, self._position = first, end

    def _append(self, first: int, records: int, columns: list[dict[str, Any]]) -> int:
        return restored.call(
            self._ws,
            self._folder,
            "tracking.append",
            run=self._run,
            journal=self._folder.name,
            first=first,
            records=records,
            columns=columns,
        )

    def _received(self) -> int:
        return restored.call(
            self._ws, self._folder, "tracking.received", run=self._run, journal=self._folder.name
        )

    def _require(self, there: int, least: int | None = None) -> None:
        if there < (self._sent if least is None else least):
            raise Forgotten(
                f"Run {self._run} lost records that had arrived.",
                found=f"{there} records in the workspace, {self._sent} sent",
                hint="Was the workspace restored from a backup? `fettle doctor` looks at it.",
            )

    # --- after the workspace was restored from an older copy

    def _go_back(self, known: Arrived | None) -> None:
        """Begin again with the first record that is still here; what lies between is lost, and said to be."""
        held = self._first_held(known) if known else 0
        there = self._received()
        if there < held:
            self.lost = restored.report_gap(self._ws, self._folder, there, held)
            self._append(there, held - there, [])  # behind the report, which a kill in between would lose
        self._sent, self._position = held, None
        self._reader = Reader(known.forms if known else None)

    def _first_held(self, known: Arrived) -> int:
        """The number of the first record whose segment was not thrown away."""
        behind = parsed(known.position)
        count = 0
        for found in read_groups(self._folder / "records"):
            group = Group(*found)
            number, end = parsed(group.position)
            start = end - len(group.frames)
            if (number, start) >= behind:
                break
            whole = (number, end) <= behind
            count += len(group) if whole else (behind[1] - start) * len(group) // len(group.frames)
        return known.records - count

    # --- requests

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

    def _catch_up(self) -> Arrived | None:
        """Take over from another carrier of the journal, which may have thrown away what it sent; its note."""
        try:
            known = msgspec.json.decode((self._folder / "arrived").read_bytes(), type=Arrived)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Conflict(
                f"The note of what has arrived of run {self._run} is damaged.",
                found=f"{self._folder / 'arrived'}: {error}",
                hint="Restore the file from a backup; without it nobody knows which records the journal holds.",
            ) from error
        if known.records > self._sent:
            self._sent, self._position = known.records, known.position
            self._reader = Reader(known.forms)
        return known

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
