"""The journal between a training and the workspace: append at once, carry over in the background.

What a run logs goes into a journal on this machine first. A thread reads that journal and sends it on with
`tracking.append`, which takes each record exactly once. While the workspace is away the journal waits; after a kill
the next run carries it over (`recover`). Online and offline are one path.

A forked child gets a journal of its own when it first logs, beside its parent's; it has no thread and asks nothing of
the workspace, whose connections are the parent's: the parent carries the journals of its children too.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core import ids
from fettle.core.clock import Clock, SystemClock
from fettle.core.errors import FettleError
from fettle.storage.disks import PRIVATE, disk_failure
from fettle.storage.locks import FileLock
from fettle.storage.open import open_journal
from fettle.tracking import restored, telling
from fettle.tracking.carrier import Carrier, discard
from fettle.tracking.entries import Form, declare

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.storage.ports import Journal
    from fettle.tracking.records.runs import Run

_PAUSE_S = 0.5
_SEGMENT_BYTES = 4 << 20
_CHILD = "+"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def runs_folder(ws: Surface) -> Path:
    """Where the journals of this machine's runs lie: `<run id>/<journal id>/`."""
    return ws.folder / "tracking"


class Outbox:
    """The journal of one run in one process, and the thread that empties it. Safe to use from many threads.

    Args:
        ws: The workspace to carry to.
        run: The run's id.
        guest: True for a process that logs to a run which another one ends.
        record: The run as it began. With it the run is begun anew in a workspace that was restored from an older copy
            and does not know it; None: what waits for such a run stays here.

    Attributes:
        folder: Where the journal is.
        inherited: True in a forked child: neither the run nor the journal it was opened with are this process's.
    """

    def __init__(self, ws: Surface, run: str, *, guest: bool = False, record: Run | None = None) -> None:
        self._ws = ws
        self._run = run
        self._guest = guest
        self._now = ticking(ws.clock)
        self.inherited = False
        self.folder = runs_folder(ws) / run / ids.event_id()
        marks = {"guest": b""} if guest else {}
        with contextlib.suppress(
            TypeError, ValueError, OverflowError
        ):  # a parameter that cannot be written down
            marks |= {"run": restored.beginning_of(record)} if record else {}
        self._alive: FileLock | None = _appear(self.folder, ws.folder / "tracking.new", marks)
        self._carrier = Carrier(ws, run, self.folder)
        self._begin()
        _known.add(self)

    def _begin(self) -> None:
        self._forms: dict[tuple[str, ...], Form] = {}
        self._opening = threading.Lock()
        self._journal: Journal | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._carry_on, name=f"fettle-run-{self._run[-6:]}", daemon=True
        )

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """Append one record; when this returns, a kill of the process does not lose it.

        Args:
            step: Where in the training.
            values: Metric and number; what is no number raises one of `entries.REFUSED` and adds nothing.
        """
        keys = tuple(values)
        form = self._forms.get(keys) or self._declare(keys)
        form.append(form.pack(2, form.number, step, self._now(), *values.values()))

    def place(self) -> Path:
        """The folder of this process's journal, made if it is not there yet."""
        with self._opening:
            return self._settled()

    def _settled(self) -> Path:
        if self._alive is None:
            self._alive = _appear(self.folder, self._ws.folder / "tracking.new", {"guest": b""})
        return self.folder

    def _declare(self, keys: tuple[str, ...]) -> Form:
        """Open the journal when something is logged: most runs of a search log little or nothing."""
        with self._opening:
            if self._journal is None:
                folder = self._settled() / "records"
                self._journal = open_journal(folder, ack="os", segment_bytes=_SEGMENT_BYTES)
                if not self.inherited:
                    self._thread.start()
            if keys not in self._forms:
                self._forms[keys] = declare(self._journal, len(self._forms), keys)
            return self._forms[keys]

    def flush(self) -> None:
        """Return when everything added so far is in the workspace; in a forked child, in the journal.

        Raises:
            Unavailable: The workspace cannot be reached; the journal keeps what it has.
        """
        if not self.inherited:
            self._carry(check=True)

    def close(self, status: str | None, *, ask: bool = True) -> bool:
        """Carry over what is left, and let nothing be added any more.

        Args:
            status: How the run ended; None if it goes on in another process.
            ask: False where the workspace is known to be away, as each try can take seconds: nothing is sent then.

        Returns:
            Whether everything is in the workspace. If not, the journal stays, and with it how the run ended; also for a
            forked child, whose journal its parent carries.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        arrived = self._arrived(ask=ask)
        if self._journal is not None:
            self._journal.close()
        if status is not None and not self.inherited:
            with contextlib.suppress(OSError):  # the disk is full: then the next run calls this one killed
                (self.folder / "status").write_text(status)
        return arrived

    def leave(self, *, discarded: bool) -> None:
        """Let go of the journal; `discarded` takes it away, when all of it and the end of the run have arrived."""
        if discarded and not self.inherited:
            discard(self.folder)
        if self._alive is not None:
            self._alive.release()
            self._alive.close()

    def leave_quietly(self) -> None:
        """End a forked child's part: close its journal, which its parent carries over."""
        self.close(None)
        self.leave(discarded=False)

    def _arrived(self, *, ask: bool) -> bool:
        if self.inherited:
            return False
        if not ask:
            return self._journal is None and not any(self._children())
        try:
            self.flush()
        except FettleError:  # the workspace is away, or has not been told of the run
            return False
        return True

    def _children(self) -> Iterator[Path]:
        return self.folder.parent.glob(f"{self.folder.name}{_CHILD}*/")

    def _carry(self, *, check: bool = False) -> None:
        if self._journal is not None:
            self._carrier.carry(check=check)
        for child in self._children():
            self._carry_child(child)

    def _carry_child(self, folder: Path) -> None:
        lock = FileLock(folder / "alive")
        try:
            ended = lock.acquire(wait=False)
            if ended:
                telling.carry(self._ws, self._run, folder)
            if (folder / "records").is_dir():
                Carrier(self._ws, self._run, folder).carry()
            if ended:
                discard(folder)
                lock.release()
        except FileNotFoundError:
            pass  # somebody else carried it and took it away
        finally:
            lock.close()

    def _carry_on(self) -> None:
        pause_s = _PAUSE_S
        while not self._stop.wait(pause_s):
            try:
                self._carry()
                restored.note_origin(self._ws, self.folder)
                pause_s = _PAUSE_S
            except (
                FettleError
            ):  # told again by flush() or kept for recover(); a training is never stopped by it
                pause_s = min(pause_s * 2, 30.0)

    def _inherit(self) -> None:
        """In a forked child: leave the parent's journal alone."""
        self.inherited = True
        self._alive = None
        top = self.folder.name.partition(_CHILD)[0]
        self.folder = self.folder.parent / f"{top}{_CHILD}{ids.event_id()}"
        self._begin()


def ticking(clock: Clock) -> Callable[[], int]:
    """The clock in whole microseconds since 1970; the machine's own is asked directly."""
    if type(clock) is SystemClock:
        return _machine_us
    return lambda: (clock.now() - _EPOCH) // timedelta(microseconds=1)


def _machine_us() -> int:
    return time.time_ns() // 1000


def _appear(folder: Path, staging: Path, marks: Mapping[str, bytes]) -> FileLock:
    """Make a journal's folder appear with its lock already held, so that `recover` never takes it for a dead one.

    Args:
        folder: Where.
        staging: Where it is made ready.
        marks: Small files that are in it from the beginning, and their contents.
    """
    made = staging / folder.name
    try:
        staging.mkdir(PRIVATE, parents=True, exist_ok=True)
        made.mkdir(PRIVATE)
        for name, content in marks.items():
            (made / name).write_bytes(content)
        lock = FileLock(made / "alive")
        lock.acquire()
        for each in (folder.parent.parent, folder.parent):
            each.mkdir(PRIVATE, exist_ok=True)
        made.rename(folder)
    except OSError as error:
        raise disk_failure(error, folder) from error
    return lock


_known: weakref.WeakSet[Outbox] = weakref.WeakSet()


def _inherit_all() -> None:
    for outbox in list(_known):
        outbox._inherit()  # the module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_inherit_all)
