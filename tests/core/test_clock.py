"""Clocks: frozen ones move when told, accelerated ones run fast, shared ones are seen by other processes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fettle.core.clock import AcceleratedClock, Clock, FrozenClock, SystemClock
from fettle.storage.clockfile import SharedClock

START = datetime(1996, 5, 7, tzinfo=UTC)


def test_every_clock_is_a_clock(tmp_path: Path):
    clocks = [
        SystemClock(),
        FrozenClock(START),
        AcceleratedClock(START, 10),
        SharedClock(tmp_path / "c", START),
    ]
    assert all(isinstance(each, Clock) and each.now().tzinfo is UTC for each in clocks)


def test_a_frozen_clock_stands_until_it_is_moved():
    clock = FrozenClock(START)
    assert clock.now() == clock.now() == START
    clock.sleep(90)
    assert (clock.now() - START).total_seconds() == 90
    assert clock.monotonic_s() == 90


def test_an_accelerated_clock_runs_at_its_rate():
    clock = AcceleratedClock(START, rate=86_400)
    clock.sleep(86_400 * 0.02)
    passed = (clock.now() - START).total_seconds()
    assert passed >= 86_400 * 0.02
    with pytest.raises(ValueError, match="rate"):
        AcceleratedClock(START, rate=0)


def test_another_process_sees_the_shared_time(tmp_path: Path):
    clock = SharedClock(tmp_path / "clock", START)
    later = datetime(1997, 1, 2, 3, 4, 5, tzinfo=UTC)
    clock.set(later)
    program = (
        "import sys, pathlib; from fettle.storage.clockfile import SharedClock;"
        " print(SharedClock(pathlib.Path(sys.argv[1])).now().isoformat())"
    )
    seen = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "clock")], capture_output=True, text=True, check=True
    )
    assert datetime.fromisoformat(seen.stdout.strip()) == later


def test_the_shared_time_never_steps_back(tmp_path: Path):
    clock = SharedClock(tmp_path / "clock", datetime(1997, 1, 1, tzinfo=UTC))
    clock.set(START)
    assert clock.now().year == 1997
