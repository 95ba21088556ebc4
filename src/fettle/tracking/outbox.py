"""The journal between a training and the workspace: append at once, carry over in the background.

What a run logs goes into a journal on this machine first. A thread reads that journal and sends it on with
`tracking.append`, which takes each record exactly once. While the workspace is away the journal waits; after a kill
the next run carries it over (`recover`). Online and offline are one path.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fettle.core import ids
from fettle.core.errors import FettleError, Unavailable
from fettle.storage.locks import FileLock
from fettle.storage.open import open_journal, read_journal

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import Journal

Record = tuple[int, int, dict[str, float]]
"""Step, time in microseconds since 1970, and the value of each metric."""

_BATCH = 20_000
_PAUSE_S = 0.5
_SEGMENT_BYTES = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


def runs_folder(ws: Surface) -> Path:
    """Where the journals of this machine's runs lie: `<run id>/<journal id>/`."""
    return ws.folder / "tracking"


class Outbox:
    """The journal of one run in one process, and the thread that empties it. Safe to use from many threads.

    Args:
        ws: The workspace to carry to.
        run: The run's id.
    """

    def __init__(self, ws: Surface, run: str) -> None:
        self._run = run
        self.folder = runs_folder(ws) / run / ids.event_id()
        self._alive = _appear(self.folder, ws.folder / "tracking.new")
        self._append: Callable[[bytes], object] = self._append_first
        self._opening = threading.Lock()
        self._journal: Journal | None = None
        self._carrier = Carrier(ws, run, self.folder)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry_on, name=f"fettle-run-{run[-6:]}", daemon=True)

    def add(self, record: Record) -> None:
        """Append one record; when this returns, a kill of the process does not lose it."""
        self._append(_encode(record))

    def _append_first(self, data: bytes) -> None:
        """Open the journal when something is logged: most runs of a search log little or nothing."""
        with self._opening:
            if self._journal is None:
                self._journal = open_journal(self.folder / "records", ack="os", segment_bytes=_SEGMENT_BYTES)
                self._append = self._journal.append
                self._thread.start()
        self._append(data)

    def flush(self) -> None:
        """Return when everything added so far is in the workspace.

        Raises:
            Unavailable: The workspace cannot be reached; the journal keeps what it has.
        """
        if self._journal is not None:
            self._carrier.carry()

    def close(self, status: str) -> bool:
        """Carry over what is left; False if the workspace is away: the journal stays, and with it how the run ended."""
        self._stop.set()
        arrived = True
        if self._journal is not None:
            self._thread.join()
            try:
                self._carrier.carry()
            except Unavailable:
                arrived = False
            self._journal.close()
        (self.folder / "status").write_text(status)
        return arrived

    def leave(self, *, discarded: bool) -> None:
        """Let go of the journal; `discarded` takes it away, when all of it and the end of the run have arrived."""
        if discarded:
            discard(self.folder)
        self._alive.release()
        self._alive.close()

    def _carry_on(self) -> None:
        pause_s = _PAUSE_S
        while not self._stop.wait(pause_s):
            try:
                self._carrier.carry()
                pause_s = _PAUSE_S
            except (
                FettleError
            ):  # told again by flush() or kept for recover(); a training is never stopped by it
                pause_s = min(pause_s * 2, 30.0)


class Carrier:
    """Sends the records of one journal on, from where the workspace is."""

    def __init__(self, ws: Surface, run: str, folder: Path) -> None:
        self._ws = ws
        self._run = run
        self._folder = folder
        self._sent = 0
        self._position: str | None = None
        self._guard = threading.Lock()

    def carry(self) -> int:
        """Send all records that have not arrived; return how many the workspace has now."""
        with self._guard:
            for batch in _batches(self._pending()):
                self._send(batch)
            return self._sent

    def _pending(self) -> Iterator[tuple[str, bytes]]:
        return read_journal(self._folder / "records", self._position)

    def _send(self, batch: list[tuple[str, bytes]]) -> None:
        while batch:
            columns = pack([_decode(data) for _, data in batch])
            there: int = self._ws.call(
                "tracking.append",
                run=self._run,
                journal=self._folder.name,
                first=self._sent,
                records=len(batch),
                columns=columns,
            )
            arrived = there - self._sent
            if arrived <= 0 or arrived > len(batch):
                arrived = self._skip(there, len(batch))
            self._position = batch[arrived - 1][0] if arrived else self._position
            self._sent += arrived
            batch = batch[arrived:]

    def _skip(self, there: int, waiting: int) -> int:
        """How many of the waiting records are there already, sent by another carrier of the same journal."""
        if there <= self._sent:
            raise Unavailable(
                f"Run {self._run} lost records that had arrived.",
                found=f"{there} records in the workspace, {self._sent} sent",
                hint="Was the workspace restored from a backup? `fettle doctor` looks at it.",
            )
        return min(there - self._sent, waiting)


def _appear(folder: Path, staging: Path) -> FileLock:
    """Make a journal's folder appear with its lock already held, so that `recover` never takes it for a dead one."""
    made = staging / folder.name
    made.mkdir(parents=True)
    lock = FileLock(made / "alive")
    lock.acquire()
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder)
    return lock


def _batches(records: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    while batch := list(itertools.islice(records, _BATCH)):
        yield batch


def pack(records: list[Record]) -> list[Mapping[str, object]]:
    """Records as packed columns, one for each metric, in the form of `records.Column`."""
    from fettle.tracking.points import columns_of_rows

    rows: dict[str, list[tuple[int, int, float]]] = {}
    for step, at_us, values in records:
        for key, value in values.items():
            rows.setdefault(key, []).append((step, at_us, value))
    columns = {key: columns_of_rows(found) for key, found in rows.items()}
    return [
        {
            "key": key,
            "steps": each.steps.tobytes(),
            "at_us": each.at_us.tobytes(),
            "values": each.values.tobytes(),
        }
        for key, each in columns.items()
    ]


def discard(folder: Path) -> None:
    """Remove a journal whose records have all arrived, and the run's folder when that was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # another journal of the run is still there
        folder.parent.rmdir()
