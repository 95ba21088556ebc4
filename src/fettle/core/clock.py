"""What time it is, as a port: real, frozen for tests, or accelerated for replays.

Nothing in fettle calls `datetime.now()`: it asks a clock it was given. A test can then stand still, and the
demo can live through two years in a minute.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Tells the time. Safe to call from any thread; `now` never fails."""

    def now(self) -> datetime:
        """The present, with time zone UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed on this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FrozenClock:
    """A clock that stands still until it is told to move. Sleeping moves it at once.

    Example:
        >>> clock = FrozenClock(datetime(1996, 5, 7, tzinfo=UTC))
        >>> clock.advance(86_400)
        >>> clock.now().day
        8
    """

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self._at

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock on by `seconds`."""
        self._at += timedelta(seconds=seconds)
        self._elapsed_s += seconds


class AcceleratedClock:
    """A clock that runs `rate` times as fast as the machine's, from `start` on.

    Args:
        start: What `now` answers at the moment of construction.
        rate: Simulated seconds in one real second, above 0.
    """

    def __init__(self, start: datetime, rate: float) -> None:
        if rate <= 0:
            raise ValueError(f"rate must be above 0, not {rate}")
        self._start = start.astimezone(UTC)
        self._rate = rate
        self._origin_s = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        return (time.monotonic() - self._origin_s) * self._rate

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._rate)
