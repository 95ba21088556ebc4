"""Begin and end what a run records by itself."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.config import Settings
from fettle.core.errors import FettleError, Invalid, nearest
from fettle.tracking import given
from fettle.tracking.capture.masks import Mask

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun
    from fettle.tracking.capture.console import Console
    from fettle.tracking.capture.system import Sampler

PARTS = ("git", "code", "environment", "host", "system", "console", "seeds")
"""Commit and changes; command line and entry file; Python and packages; the machine; its load over time; what is
printed; random seeds."""

_SHIP_S = 2.0
_END_S = 10.0
_QUIET_S = 0.1
"""How long the thread lets the training begin first."""


def begin(run: ActiveRun, folder: Path, parts: bool | Iterable[str]) -> Capturing:
    """Begin to record.

    Args:
        run: Where to.
        folder: The folder of the run's journal, for what is printed.
        parts: Some of `PARTS`; True: what the setting `track.capture` says.

    Raises:
        Invalid: There is no such part.
    """
    settings = Settings.read(Path.cwd())
    chosen = settings["track.capture"] if parts is True else parts or ()
    mask = Mask.of_process(settings["track.mask"])
    return Capturing(run, folder, checked(chosen), max(settings["track.interval"] or 10.0, 0.1), mask)


def checked(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts in their order; `none` is no part.

    Raises:
        Invalid: There is no such part.
    """
    wanted = set(given.texts("What is captured", parts))
    for name in wanted - {*PARTS, "none"}:
        close = nearest(name, PARTS)
        raise Invalid(
            f"{name!r} cannot be captured.",
            found=name,
            hint=f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(PARTS)}.",
        )
    return tuple(name for name in PARTS if name in wanted)


class Capturing:
    """What is being recorded for one run, and the thread that does it."""

    def __init__(
        self, run: ActiveRun, folder: Path, parts: tuple[str, ...], interval_s: float, mask: Mask
    ) -> None:
        self._run = run
        self._mask = mask
        self._parts = parts
        self._interval_s = interval_s
        self._failed: dict[str, str] = {}
        self._stop = threading.Event()
        self._console: Console | None = None
        if "console" in parts:
            self._guarded("console", lambda: self._tee(folder))
        self._tag("seeds")
        self._folder = Path.cwd()
        self._thread = threading.Thread(target=self._work, name="fettle-run-capture", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop recording, and keep what there is."""
        if self._console is not None:
            self._guarded("console", self._console.restore)
        self._stop.set()
        self._thread.join(_END_S)
        if self._console is not None:
            self._guarded("console", self._console.ship)
        if self._failed:
            text = "; ".join(f"{part}: {why}" for part, why in self._failed.items())
            self._guarded("failed", lambda: self._run.tag({"capture.failed": text[:2000]}))

    def _tee(self, folder: Path) -> None:
        from fettle.tracking.capture.console import Console

        self._console = Console(self._run, folder, self._mask)

    def _work(self) -> None:
        """Take what is slow once, then what changes, again and again."""
        self._stop.wait(_QUIET_S)
        self._tag("code")
        self._tag("host")
        for part in ("git", "environment"):
            if part in self._parts:
                self._guarded(part, lambda part=part: self._keep(part))
        sampler = self._sampler()
        due_s = 0.0
        while True:
            if sampler is not None and due_s <= 0:
                self._guarded("system", sampler.sample)
                due_s = self._interval_s
            if self._console is not None:
                self._guarded("console", self._console.ship)
            pause_s = min(_SHIP_S, max(due_s, 0.05))
            if self._stop.wait(pause_s):
                break
            due_s -= pause_s
        if sampler is not None:
            self._guarded("system", sampler.sample)

    def _sampler(self) -> Sampler | None:
        if "system" not in self._parts:
            return None
        from fettle.tracking.capture.system import Sampler

        return self._guarded("system", lambda: Sampler(self._run))

    def _keep(self, part: str) -> None:
        from fettle.tracking.capture import environment, git

        tags, files = git.found(self._folder, self._mask) if part == "git" else environment.found()
        self._run.tag({key: self._mask.plain(value) for key, value in tags.items()})
        for path, content in files.items():
            self._run.log_text(self._mask.plain(content), path)

    def _tag(self, part: str) -> None:
        """Set the tags that a part answers."""
        if part in self._parts:
            module = import_module(f"fettle.tracking.capture.{part}")
            found = functools.partial(module.found, self._mask) if part == "code" else module.found
            self._guarded(part, lambda: self._run.tag(found()))

    def _guarded(self, part: str, work: Callable[[], Any]) -> Any:
        """Do a part of the work; a training must not be broken by what watches it."""
        try:
            return work()
        except FettleError as error:
            self._failed[part] = str(error.args[0])
        except Exception as error:  # whatever a strange machine does to it: said at the end
            self._failed[part] = f"{type(error).__name__}: {error}"
        return None
