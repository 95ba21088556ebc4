"""NVIDIA's graphics cards, by the driver's library if it is installed, else by its command."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

_QUERY = "name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
_MIB = 1 << 20


@dataclass(frozen=True)
class Card:
    """One card as it is now; what it does not tell is NaN.

    Attributes:
        name: Its model.
        busy: Share of the time that it computes, percent.
        used: Share of its memory in use, percent.
        used_bytes: Memory in use.
        heat: Degrees Celsius.
        watts: Power drawn.
    """

    name: str
    busy: float
    used: float
    used_bytes: float
    heat: float
    watts: float


def cards() -> list[Card]:
    """The cards of this machine; none where there is no driver."""
    if importlib.util.find_spec("pynvml") is not None:
        found = _by_library()
        if found:
            return found
    command = shutil.which("nvidia-smi")
    return parsed(_asked(command)) if command else []


def parsed(answer: str) -> list[Card]:
    """The cards of what `nvidia-smi --query-gpu` answers as CSV without units, a line a card."""
    found = []
    for line in answer.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 6:
            busy, used, total, heat, watts = map(_number, parts[1:])
            share = 100 * used / total if total else float("nan")
            found.append(Card(parts[0], busy, share, used * _MIB, heat, watts))
    return found


def _asked(command: str) -> str:
    try:
        asked = [command, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _by_library() -> list[Card]:
    pynvml = importlib.import_module("pynvml")  # of nvidia-ml-py, where it is installed
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(place) for place in range(pynvml.nvmlDeviceGetCount())]
        return [_card(pynvml, handle) for handle in handles]
    except pynvml.NVMLError:
        return []


def _card(library: Any, handle: Any) -> Card:
    name = library.nvmlDeviceGetName(handle)
    memory = library.nvmlDeviceGetMemoryInfo(handle)
    return Card(
        name=name.decode() if isinstance(name, bytes) else str(name),
        busy=float(library.nvmlDeviceGetUtilizationRates(handle).gpu),
        used=100 * memory.used / memory.total,
        used_bytes=float(memory.used),
        heat=float(library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU)),
        watts=library.nvmlDeviceGetPowerUsage(handle) / 1000,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
