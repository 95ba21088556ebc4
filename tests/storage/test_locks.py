from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fettle.storage.locks import FileLock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc says is open")


def opened() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_asking_in_vain_leaves_nothing_open(tmp_path: Path) -> None:
    held = FileLock(tmp_path / "lock")
    held.acquire()
    before = opened()
    for _ in range(20):
        assert not FileLock(tmp_path / "lock").acquire(wait=False)
    assert opened() == before
    held.release()
    held.close()
    assert opened() == before - 1


def test_a_lock_that_was_refused_can_be_had_later(tmp_path: Path) -> None:
    held, asked = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    held.acquire()
    assert not asked.acquire(wait=False)
    held.release()
    assert asked.acquire(wait=False)
    asked.release()
    asked.close()
    held.close()
