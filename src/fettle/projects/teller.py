"""How long work speaks to whoever waits: plain words and progress, wherever they are shown.

Work functions take a `Teller`; the command line shows its words as lines and bars, a test hands in a silent one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Bar(Protocol):
    """Progress of one piece of work."""

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """Move on by `steps`; `note` is shown beside the bar."""
        ...


class Teller(Protocol):
    """Tells a person what is going on."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def bar(self, label: str, total: float) -> AbstractContextManager[Bar]:
        """A progress bar for the time of a `with` block."""
        ...


class Silence:
    """A teller that says nothing."""

    def say(self, text: str) -> None:
        """Keep still."""

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Bar]:
        yield _Still()


class _Still:
    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """Keep still."""
