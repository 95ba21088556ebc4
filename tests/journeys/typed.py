"""`fettle` as somebody types it: in this process where nothing else matters, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

SECONDS = 120


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Typed = Callable[..., Said]


def command(*words: str) -> list[str]:
    """The words of a process that runs `fettle`."""
    return [sys.executable, "-m", "fettle", *words]


def process(*words: str, folder: Path) -> Said:
    """Run `fettle` in `folder` as a process of its own."""
    done = subprocess.run(
        command(*words),
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)
