"""Show what work says: lines and moving bars on a terminal, plain lines in a log; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fettle.projects.teller import Bar, Teller

LOG_EVERY_S = 10.0


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
