"""What a run records by itself: code, environment, machine, console, seeds; a module a part.

Each part has its name in `PARTS` and can be left out: `fettle.run("churn", capture=("git", "host"))`, or by the setting
`track.capture`. The quick ones are taken at the start, the slow ones in a thread. None of them ever breaks a training:
what cannot be captured is told in the tag `capture.failed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.tracking.capture.capturing import PARTS as PARTS
    from fettle.tracking.capture.capturing import Capturing as Capturing
    from fettle.tracking.capture.capturing import begin as begin
    from fettle.tracking.capture.seeds import seed as seed

__all__ = ["PARTS", "Capturing", "begin", "seed"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"PARTS": ".capturing", "Capturing": ".capturing", "begin": ".capturing", "seed": ".seeds"},
)
