"""Tell that a step is running, if it runs long enough for anybody to look."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError
from fettle.pipelines.records import StepRun

if TYPE_CHECKING:
    from fettle.acts import Surface

_LOOK_EVERY_S = 0.2


class Announcer:
    """Writes the row of a step that still runs when the announcer looks again; quick steps are spared that commit.

    Args:
        ws: The workspace.
        flow: The pipeline run.
    """

    def __init__(self, ws: Surface, flow: str) -> None:
        self._ws = ws
        self._flow = flow
        self._running: StepRun | None = None
        self._telling = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, row: StepRun) -> Iterator[None]:
        """Watch a step while the block runs; no announcement comes after it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="fettle-flow", daemon=True)
            self._thread.start()
        self._running = row
        try:
            yield
        finally:
            with self._telling:
                self._running = None

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        seen: StepRun | None = None
        told: StepRun | None = None
        while not self._closed.wait(_LOOK_EVERY_S):
            row = self._running
            if row is not None and row is seen and row is not told:
                self._tell(row)
                told = row
            seen = row

    def _tell(self, row: StepRun) -> None:
        with (
            self._telling,
            contextlib.suppress(FettleError),
        ):  # for people who look on; the step's end is what counts
            if self._running is row:
                self._ws.call("pipelines.record", flow=self._flow, steps=[row])
