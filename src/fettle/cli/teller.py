"""Show what work says: lines and moving bars on a terminal, plain lines in a log; always on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fettle.core.progress import Listener, Step
    from fettle.projects.teller import Bar, Teller

LOG_EVERY_S = 10.0
SHOWN_AFTER_S = 0.7


def teller(*, quiet: bool = False) -> Teller:
    """The teller that suits stderr: bars for a person, a line now and then for a log, nothing when `quiet`."""
    from fettle.projects.teller import Silence

    if quiet:
        return Silence()
    return TerminalTeller() if sys.stderr.isatty() else LogTeller()


class TerminalTeller:
    """Speaks to a person at a terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, markup=False)

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Bar]:
        """A moving bar with the time left, gone from the line when the block ends."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield _TerminalBar(progress, progress.add_task(label, total=total, note=""))


class _TerminalBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        self._progress.advance(self._task, steps)
        if note is not None:
            self._progress.update(self._task, note=note)


class LogTeller:
    """Speaks to a log: no control characters, a line of progress at most every ten seconds."""

    def say(self, text: str) -> None:
        """One line that stays."""
        print(text, file=sys.stderr, flush=True)

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Bar]:
        """A bar that is a line now and then."""
        yield _LogBar(label, total)


class _LogBar:
    def __init__(self, label: str, total: float) -> None:
        self._label = label
        self._total = total
        self._done = 0.0
        self._note = ""
        self._said_at = time.monotonic()

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        self._done += steps
        self._note = self._note if note is None else note
        if time.monotonic() - self._said_at >= LOG_EVERY_S:
            self._said_at = time.monotonic()
            share = self._done / self._total if self._total else 1.0
            print(f"  {self._label} {share:.0%} {self._note}".rstrip(), file=sys.stderr, flush=True)


def bars(*, quiet: bool = False) -> Listener:
    """How phases of work (`fettle.core.progress`) are shown: a bar for a person, a line now and then for a log."""
    if quiet:
        return _unseen
    return _bar_of if sys.stderr.isatty() else _line_of


@contextmanager
def _unseen(_words: str, _total: float | None, _unit: str) -> Iterator[Step]:
    yield lambda _done=1: None


@contextmanager
def _line_of(words: str, total: float | None, _unit: str) -> Iterator[Step]:
    yield _LogBar(words, total or 0).advance


@contextmanager
def _bar_of(words: str, total: float | None, unit: str) -> Iterator[Step]:
    """A bar that appears when the phase turns out to be long, and is gone when it ends."""
    bar = _LateBar(words, total, unit)
    late = threading.Timer(SHOWN_AFTER_S, bar.show)
    late.daemon = True
    late.start()
    try:
        yield bar.advance
    finally:
        late.cancel()
        bar.hide()


class _LateBar:
    """Counts from the beginning, and draws from the moment `show` is called. Thread safe."""

    def __init__(self, words: str, total: float | None, unit: str) -> None:
        self._words = words
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._over = False
        self._guard = threading.Lock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed
        from rich.progress import TimeRemainingColumn as Remaining

        with self._guard:
            if self._over:
                return
            count = DownloadColumn(binary_units=True) if self._unit == "bytes" else MofNCompleteColumn()
            words = TextColumn("  {task.description}", markup=False)
            unit = TextColumn("" if self._unit == "bytes" else self._unit, markup=False)
            console = Console(stderr=True, highlight=False)
            columns = (words, BarColumn(bar_width=30), count, unit, Elapsed(), Remaining())
            self._progress = Progress(*columns, console=console, transient=True)
            self._task = self._progress.add_task(self._words, total=self._total, completed=int(self._done))
            self._progress.start()

    def advance(self, done: float = 1) -> None:
        self._done += done
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=int(self._done))

    def hide(self) -> None:
        with self._guard:
            self._over = True
            if self._progress is not None:
                self._progress.stop()
