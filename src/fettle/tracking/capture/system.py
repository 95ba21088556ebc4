"""The load of the machine over time, as metrics `system/…`."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.tracking.capture.gpus import cards
from fettle.tracking.capture.host import memory_bytes

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun


class Sampler:
    """Measures the machine and this process; the step of a sample is its number.

    `system/cpu` and `system/memory` are percent of the machine, `system/disk` percent of the disk of the working
    folder, `system/process/memory` bytes of this process, `system/gpu0/…` percent, degrees and watts of each card.
    """

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._step = 0
        self._has_cards = bool(cards())
        self._times = _times()

    def sample(self) -> None:
        """Log one sample."""
        values = {"system/cpu": self._cpu(), **_memory(), **_disk()}
        if self._has_cards:
            values |= _cards()
        known = {key: value for key, value in values.items() if not math.isnan(value)}
        if known:
            self._run.sample(known, self._step)
        self._step += 1

    def _cpu(self) -> float:
        """Percent of the machine's processors that were busy since the last sample."""
        times = _times()
        idle, total = times[0] - self._times[0], times[1] - self._times[1]
        if total <= 0:  # the system counts in hundredths of a second
            return float("nan")
        self._times = times
        return min(100.0, max(0.0, 100 * (1 - idle / total)))


def _times() -> tuple[float, float]:
    """Idle and whole time of all processors, in any unit."""
    if importlib.util.find_spec("psutil") is not None:
        psutil = importlib.import_module("psutil")

        times = psutil.cpu_times()
        whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return times.idle + getattr(times, "iowait", 0.0), whole
    try:
        numbers = [float(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return 0.0, 0.0
    return numbers[3] + numbers[4], sum(numbers)


def _memory() -> dict[str, float]:
    if importlib.util.find_spec("psutil") is not None:
        psutil = importlib.import_module("psutil")

        return {
            "system/memory": psutil.virtual_memory().percent,
            "system/process/memory": float(psutil.Process().memory_info().rss),
        }
    try:
        fields = dict(
            line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line
        )
        free = float(fields["MemAvailable"].split()[0]) * 1024
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, KeyError, IndexError):
        return {}
    whole = memory_bytes()
    return {
        "system/memory": 100 * (1 - free / whole) if whole else float("nan"),
        "system/process/memory": float(pages * os.sysconf("SC_PAGE_SIZE")),
    }


def _disk() -> dict[str, float]:
    try:
        usage = shutil.disk_usage(Path.cwd())
    except OSError:
        return {}
    return {"system/disk": 100 * usage.used / usage.total} if usage.total else {}


def _cards() -> dict[str, float]:
    values: dict[str, float] = {}
    for place, card in enumerate(cards()):
        name = f"system/gpu{place}"
        values |= {
            name: card.busy,
            f"{name}/memory": card.used,
            f"{name}/heat": card.heat,
            f"{name}/power": card.watts,
        }
    return values
