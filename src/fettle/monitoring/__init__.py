"""Watching what is served: counts of traffic, drift, performance once labels come, and alerts with their evidence.

Lifecycle: serving logs every request; **monitoring counts the log in windows** and compares them with the reference
profile of the served version's bundle; what it raises, retraining answers.

    ws.monitoring.watch("fraud", window="14d", label_delay="1d")
    collect(ws, "fraud")                                # fettle.monitoring.collect: one pass over what is new
    ws.monitoring.windows("fraud")[-1].performance      # accuracy 0.84 (0.81 to 0.86)
    ws.monitoring.alerts("fraud", status="open")
    ws.monitoring.acknowledge(alert.id, note="the sensor was replaced")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.monitoring.records import Alert as Alert
    from fettle.monitoring.records import Baseline as Baseline
    from fettle.monitoring.records import Collected as Collected
    from fettle.monitoring.records import Drift as Drift
    from fettle.monitoring.records import Performance as Performance
    from fettle.monitoring.records import Watch as Watch
    from fettle.monitoring.records import Window as Window

__all__ = ["Alert", "Baseline", "Collected", "Drift", "Performance", "Watch", "Window"]

__getattr__, __dir__ = lazy_exports(__name__, {name: ".records" for name in __all__})
