"""A run while it goes on: log to it, add files, end it."""

from __future__ import annotations

import atexit
import math
import os
import threading
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Invalid, Unavailable
from fettle.storage.objects import put_object
from fettle.tracking.leftovers import recover
from fettle.tracking.outbox import Outbox
from fettle.tracking.records.runs import Artifact, Run, Status

if TYPE_CHECKING:
    from fettle.acts import Surface


def run(
    ws: Surface,
    experiment: str,
    *,
    name: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    parent: str | None = None,
    inputs: Iterable[str] = (),
    run_id: str | None = None,
) -> ActiveRun:
    """Start a run, or go on with one, and return it for logging; best used in a `with` block.

    Journals that killed runs left on this machine are carried over first.

    Args:
        ws: The workspace.
        experiment: The question the run belongs to.
        name: What people call it.
        params: Parameter and value; what JSON cannot write is kept as its text.
        tags: Tag and text.
        parent: The run it is a part of.
        inputs: Dataset references with their commit.
        run_id: Goes on with that run, or gives a new one this id.
    """
    recover(ws)
    started: Run = ws.call(
        "tracking.start",
        experiment=experiment,
        name=name,
        params={key: plain(value) for key, value in (params or {}).items()},
        tags={key: str(value) for key, value in (tags or {}).items()},
        parent=parent,
        inputs=list(inputs),
        run_id=run_id,
    )
    return ActiveRun(ws, started)


class ActiveRun:
    """A run that is going on. Safe to use from many threads.

    Leaving the `with` block ends it: `finished`, or `failed` when an exception passes through.

    Attributes:
        id: The run's id.
        record: The run as it was at the start.
    """

    def __init__(self, ws: Surface, record: Run) -> None:
        self.id = record.id
        self.record = record
        self._ws = ws
        self._clock = ws.clock
        self._ending = threading.Lock()
        self._outbox = Outbox(ws, record.id)
        self._next_step = 0
        self._ended = False
        atexit.register(self._at_exit)

    def log(
        self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any
    ) -> None:
        """Log one value of each given metric: `run.log(loss=0.3, accuracy=0.9, step=7)`.

        Returns after the values are in this machine's journal, in microseconds; never waits for the workspace.
        NaN and infinities are kept as they are.

        Args:
            values: Metrics whose names are no Python names: `{"valid/loss": 0.4}`.
            step: Where in the training; None counts on by itself.
            **metrics: Metric and number; anything that `float()` takes.

        Raises:
            Invalid: A value is no number, or the run has ended.
            Unavailable: This machine's disk is full.
        """
        if self._ended:
            raise Invalid(
                f"Run {self.id} has ended.",
                found="a value logged after that",
                hint="Log inside the with block.",
            )
        if values:
            metrics = {**values, **metrics}
        for key, value in metrics.items():
            if type(value) is not float:
                metrics[key] = number(key, value)
        if step is None:
            step = self._next_step
        self._next_step = step + 1
        self._outbox.add((step, int(self._clock.now().timestamp() * 1_000_000), metrics))

    def set(self, params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Add parameters (which never change) and set tags (which may)."""
        self._ws.call(
            "tracking.set",
            run=self.id,
            params={key: plain(value) for key, value in (params or {}).items()},
            tags={key: str(value) for key, value in (tags or {}).items()},
        )

    def artifact(self, path: str, data: bytes | Path | None = None) -> Artifact:
        """Keep a file with the run.

        Args:
            path: The file's name in the run, such as `plots/roc.png`.
            data: Its bytes or where it is; None reads the file at `path`.

        Raises:
            Invalid: There is no such file.
        """
        content = Path(path) if data is None else data
        name = os.path.basename(path) if data is None else path
        if isinstance(content, Path) and not content.is_file():
            raise Invalid(
                f"{content} cannot be kept with the run.", found="no such file", hint="Write the file first."
            )
        size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        digest = put_object(self._ws.blobs, content)
        return self._ws.call(
            "tracking.artifact", run=self.id, path=name, digest=digest, size_bytes=size_bytes
        )

    def flush(self) -> None:
        """Return when everything logged so far is in the workspace.

        Raises:
            Unavailable: The workspace cannot be reached now; nothing is lost.
        """
        if not self._ended:
            self._outbox.flush()

    def finish(self, status: Status = "finished") -> None:
        """End the run; ending it again does nothing.

        If the workspace is away, the journal stays on this machine and a warning says so: the next run sends it.
        """
        with self._ending:
            if self._ended:
                return
            self._ended = True
        atexit.unregister(self._at_exit)
        arrived = self._outbox.close(status)
        try:
            self._ws.call("tracking.finish", run=self.id, status=status)
        except Unavailable:
            arrived = False
        self._outbox.leave(discarded=arrived)
        if not arrived:
            warnings.warn(
                f"The workspace is away: run {self.id} is kept in {self._outbox.folder} and sent by the next run.",
                stacklevel=2,
            )

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish("finished" if kind is None else "failed")

    def _at_exit(self) -> None:
        self.finish("finished")


def number(key: str, value: Any) -> float:
    """A metric's value as a float.

    Raises:
        Invalid: It is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise Invalid(
            f"The metric {key!r} takes numbers.",
            found=f"{value!r}"[:80],
            hint="Use a tag for text: run.set(tags={…})",
        ) from error


def plain(value: Any) -> Any:
    """A parameter as JSON can write it: numbers, texts, lists and tables stay, the rest becomes its text."""
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    scalar = getattr(value, "item", None)  # numpy's and torch's numbers
    if callable(scalar) and getattr(value, "ndim", None) == 0:
        return plain(scalar())
    return str(value)
