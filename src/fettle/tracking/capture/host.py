"""The machine: name, system, processor, memory, graphics cards."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from fettle.tracking.capture.gpus import cards

_GIB = 1 << 30


def found() -> dict[str, str]:
    """The tags `host.name`, `host.system`, `host.cpu`, `host.memory` and, where there is one, `host.gpu`."""
    count = os.cpu_count() or 1
    tags = {
        "host.name": platform.node(),
        "host.system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "host.cpu": f"{count} × {_processor()}",
        "host.process": str(os.getpid()),
    }
    memory = memory_bytes()
    if memory:
        tags["host.memory"] = f"{memory / _GIB:.1f} GiB"
    names = [card.name for card in cards()]
    if names:
        tags["host.gpu"] = ", ".join(names)
    return tags


def memory_bytes() -> int:
    """How much memory the machine has; 0 where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Hardware")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
