"""A clock that many processes share: the simulated time of a replay, in sixteen bytes of a mapped file.

The process that replays the past sets the time; the endpoint, the monitor and the reconciler read it. A killed
process finds the time where it was. Beside the time there is a bell: whoever moves the clock rings it at the moments
when others should look, so that what they see, and decide, does not depend on how fast the machine is.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES = 16


class SharedClock:
    """The time kept in the file at `path`; whoever opens the same file sees the same time.

    Args:
        path: The clock's file; made if `start` is given and it does not exist.
        start: The first time, used only when the file is made.
    """

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        if start is not None and not path.exists():
            _publish(path, _micros(start))
        with path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) < _BYTES:
                file.truncate(_BYTES)
            self._map = mmap.mmap(file.fileno(), _BYTES)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=struct.unpack_from("<q", self._map)[0])

    def set(self, at: datetime) -> None:
        """Move the clock to `at`; it never steps back."""
        struct.pack_into("<q", self._map, 0, max(_micros(at), _micros(self.now())))

    @property
    def bell(self) -> int:
        """How often the bell was rung."""
        return struct.unpack_from("<q", self._map, 8)[0]

    def ring(self) -> int:
        """Ring the bell; return how often it was rung."""
        rung = self.bell + 1
        struct.pack_into("<q", self._map, 8, rung)
        return rung

    def monotonic_s(self) -> float:
        return struct.unpack_from("<q", self._map)[0] / 1e6

    def sleep(self, seconds: float) -> None:
        """Wait until somebody has moved the clock on by `seconds`, for two real seconds at most."""
        until, patience = self.monotonic_s() + seconds, time.monotonic() + 2
        while self.monotonic_s() < until and time.monotonic() < patience:
            time.sleep(0.005)


def _micros(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _publish(path: Path, micros: int) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(struct.pack("<qq", micros, 0))
    fresh.replace(path)
