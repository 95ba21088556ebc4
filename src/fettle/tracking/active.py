"""A run while it goes on: log to it, add files, end it."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, get_args

from fettle.core import ids
from fettle.core.errors import FettleError, Invalid, Unavailable
from fettle.tracking import context, given
from fettle.tracking.deferred import Deferred, put_file
from fettle.tracking.entries import REFUSED, plain_numbers
from fettle.tracking.facts import Facts
from fettle.tracking.files import Files
from fettle.tracking.guests import gather
from fettle.tracking.leftovers import recover
from fettle.tracking.names import check_experiment, check_path, check_run_id, check_values
from fettle.tracking.outbox import Outbox
from fettle.tracking.records.runs import Artifact, Run, Status
from fettle.tracking.values import Config, plains, sayable, texts

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.capture import Capturing

_LARGE_BYTES = 4 << 20
"""A file of this size goes to the workspace at once; smaller ones wait in the journal and never block the training."""


def run(
    ws: Surface,
    experiment: str,
    *,
    name: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: str | ActiveRun | None = None,
    inputs: Iterable[str] = (),
    run_id: str | None = None,
    capture: bool | Iterable[str] = False,
) -> ActiveRun:
    """Start a run, or go on with one, and return it for logging; best used in a `with` block.

    Journals that killed runs left on this machine are carried over first. If the workspace is away, the run begins on
    this machine and is sent later.

    Args:
        ws: The workspace.
        experiment: The question the run belongs to.
        name: What people call it.
        params: Parameter and value; what JSON cannot write is kept as its text.
        tags: Tag and text.
        parent: The run it is a part of, or its id; None: the run of the `with` block around, if there is one; empty:
            none.
        inputs: Dataset references with their commit.
        run_id: Goes on with that run, or gives a new one this id.
        capture: What is recorded by itself: some of `fettle.tracking.capture.PARTS`; True: what the setting
            `track.capture` says; False: nothing. A part of another run captures nothing unless told.
    """
    parent = given.run_id(parent)
    if parent is None and (around := context.enclosing()) is not None and around.workspace.url == ws.url:
        parent = around.id
    wanted = {
        "experiment": check_experiment(given.text("An experiment's name", experiment)),
        "run_id": check_run_id(given.text("A run's id", run_id)) if run_id else ids.event_id(ws.clock.now()),
        "name": sayable(given.text("A run's name", name)),
        "params": plains(given.named("parameter", params)),
        "tags": texts(given.named("tag", tags)),
        "parent": sayable(parent) or None,
        "inputs": sayable(given.texts("What a run reads", inputs)),
    }
    check_values("parameter", wanted["params"])
    check_values("tag", wanted["tags"])
    with suppress(
        FettleError
    ):  # what others left must not stop a training; `fettle tracking sync` says what it is
        recover(ws)
    try:
        started = ws.call("tracking.start", **wanted)
        begun = ActiveRun(ws, ws.call("tracking.show", run=run_id) if run_id else started)
    except Unavailable as error:
        begun = _begun_away(ws, wanted, error)
    if capture and (parent is None or capture is not True):
        begun.capture(capture)
    return begun


def attach(ws: Surface, run_id: str) -> ActiveRun:
    """Log to a run that another process started, and will end; leaving the block ends nothing.

    A run can also be given to workers as it is (multiprocessing, joblib, Ray): it is attached where it is unpickled.

    Args:
        ws: The workspace.
        run_id: The run's id.
    """
    return ActiveRun(ws, ws.call("tracking.show", run=run_id), owner=False)


def _behind(record: Run) -> int:
    """The first step behind what a resumed run has logged; what the machine did has steps of its own."""
    return max((each.step + 1 for each in record.summaries if not each.key.startswith("system/")), default=0)


def _begun_away(ws: Surface, wanted: dict[str, Any], error: Unavailable) -> ActiveRun:
    """A run of which the workspace does not know yet."""
    at = ws.clock.now()
    warnings.warn(
        f"The workspace is away ({error.args[0]}). Run {wanted['run_id']} begins on this machine and is sent later.",
        stacklevel=3,
    )
    fields = {key: value for key, value in wanted.items() if key != "run_id"}
    fields["name"] = wanted["name"] or wanted["run_id"][-12:]
    begun = ActiveRun(
        ws, Run(id=wanted["run_id"], status="running", author="", started_at=at, **fields), away=True
    )
    begun.tell("tracking.start", **wanted, started_at=at)
    return begun


class ActiveRun(Facts, Files):
    """A run that is going on. Safe to use from many threads, in forked workers, and, pickled, in other processes.

    What it is told is on this machine's disk when a method returns, and is sent on by a thread. Leaving the `with`
    block ends it: `finished`, or `failed` when an exception passes through.

    Attributes:
        id: The run's id.
        record: The run as it was at the start.
        config: Its parameters as a dictionary.
        workspace: Where it is kept.
        ended: Whether it has ended.
    """

    def __init__(self, ws: Surface, record: Run, *, owner: bool = True, away: bool = False) -> None:
        self.id = record.id
        self.record = record
        self.workspace = ws
        self.ended = False
        self._params = dict(record.params)
        self.config = Config(self._params, self.log_params)
        self._clock = ws.clock
        self._owner = owner
        self._ending = threading.Lock()
        self._outbox = Outbox(ws, record.id, guest=not owner, record=record)
        self._deferred = Deferred(ws, lambda: self._outbox.folder, away=away)
        self._capturing: Capturing | None = None
        self._pid = os.getpid()
        self._next_step = _behind(record)
        context.opened(self)
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
        if self.ended:
            self._require_open()
        said: Mapping[str, Any] = metrics
        if values is not None:
            if type(values) is not dict:
                values = given.named("metric", values)
            if values:
                said = {**values, **metrics} if metrics else values
        if step is None:
            step = self._next_step
        try:
            self._outbox.add(step, said)
        except REFUSED:
            step, said = plain_numbers(step, said)
            self._outbox.add(step, said)
        self._next_step = step + 1

    def sample(self, values: dict[str, float], step: int) -> None:
        """Log what was measured beside the training: it does not count on the steps of `log`."""
        if not self.ended:
            self._outbox.add(*plain_numbers(step, values))

    def child(self, name: str = "", *, experiment: str = "", **options: Any) -> ActiveRun:
        """Start a run that is a part of this one, such as a fold: `with run.child("fold-1") as fold:`.

        Args:
            name: What people call it.
            experiment: Another question; empty: that of this run.
            **options: What `run` takes: `params`, `tags`, `inputs`, `run_id`, `capture`.
        """
        return run(self.workspace, experiment or self.record.experiment, name=name, parent=self.id, **options)

    def watch(self, model: Any, **options: Any) -> Any:
        """Log what the training of a model says, and return the model: `run.watch(estimator).fit(X, y)`.

        Args:
            model: An estimator with `fit`, such as scikit-learn's; see `fettle.tracking.callbacks`.
            **options: What the callback of its library takes.
        """
        from fettle.tracking.callbacks import watch

        return watch(self, model, **options)

    def capture(self, parts: bool | Iterable[str] = True) -> None:
        """Begin to record by itself what `parts` names; see `fettle.tracking.capture.PARTS`."""
        from fettle.tracking.capture import begin

        if self._capturing is None:
            self._capturing = begin(self, self._deferred.folder, parts)

    def tell(self, act: str, /, **arguments: Any) -> None:
        """Have an act called about this run: kept on this machine first, told once, in order.

        Raises:
            Invalid: The run has ended.
        """
        self._require_open()
        self._deferred.say(act, **sayable(arguments))

    def flush(self) -> None:
        """Return when everything logged so far is in the workspace.

        Raises:
            Unavailable: The workspace cannot be reached now; nothing is lost.
        """
        if not self.ended and self._mine:
            self._deferred.flush()
            self._outbox.flush()

    def finish(self, status: Status = "finished") -> None:
        """End the run; ending it again does nothing. An attached run and a forked worker only let go of it.

        If the workspace is away, all of it stays on this machine and a warning says so: the next run sends it.

        Raises:
            Invalid: A run does not end like that.
        """
        if status not in get_args(Status):
            raise Invalid(
                f"A run does not end as {status!r}.",
                found=repr(status)[:80],
                hint="It is 'finished', 'failed' or 'killed'.",
            )
        with self._ending:
            if self.ended:
                return
            if self._capturing is not None and self._mine:
                self._capturing.end()
            self.ended = True
        atexit.unregister(self._at_exit)
        context.ended(self)
        if self._mine:
            self._end(status)
        else:
            self._deferred.close()
            self._outbox.leave_quietly()

    def _end(self, status: Status) -> None:
        arrived = self._deferred.stop()
        away = self._deferred.away
        arrived = self._outbox.close(status if self._owner else None, ask=not away) and arrived
        if self._owner and not self._told_end(status, arrived):
            arrived = False
        self._deferred.close()
        self._outbox.leave(discarded=arrived)
        if not arrived:
            warnings.warn(
                f"The workspace is away: run {self.id} is kept in {self._outbox.folder} and sent by the next run.",
                stacklevel=3,
            )

    def _told_end(self, status: Status, arrived: bool) -> bool:
        """Say how the run ended; False if the workspace is away: it is kept beside the rest."""
        with suppress(FettleError):
            if arrived:
                recover(self.workspace, self.id)  # workers that are gone
                gather(self.workspace, self.id)  # and those that are not
                self.workspace.call("tracking.end", run=self.id, status=status)
                return True
        self._deferred.say("tracking.end", run=self.id, status=status, ended_at=self._clock.now())
        return False

    @property
    def _mine(self) -> bool:
        """Whether this process made this object; a forked worker leaves sending to the process that forked it."""
        return self._pid == os.getpid()

    def _keep(self, path: str, content: bytes | Path, digest: str = "") -> Artifact:
        self._require_open()
        check_path(path)
        file, size_bytes = self._stored(content)
        self._deferred.say(
            "tracking.artifact", file=file, run=self.id, path=path, digest=file, size_bytes=size_bytes
        )
        return Artifact(path=path, digest=file, size_bytes=size_bytes, at=self._clock.now())

    def _stored(self, content: bytes | Path) -> tuple[str, int]:
        """Keep a content in the workspace if it is large, else, or if that is away, beside the journal."""
        large = isinstance(content, Path) and content.stat().st_size > _LARGE_BYTES
        if isinstance(content, Path) and large and self._mine and not self._deferred.away:
            with suppress(Unavailable):
                return put_file(self.workspace, content)
        return self._deferred.keep(content)

    @property
    def _reachable(self) -> bool:
        return self._mine and not self._deferred.away

    def _now(self) -> datetime:
        return self._clock.now()

    def _require_open(self) -> None:
        if self.ended:
            raise Invalid(
                f"Run {self.id} has ended.",
                found="a value logged after that",
                hint="Log inside the with block.",
            )

    def __enter__(self) -> ActiveRun:
        context.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context.leave(self)
        good = kind is None or (isinstance(error, SystemExit) and not error.code)
        self.finish("finished" if good else "failed")

    def _at_exit(self) -> None:
        crashed = getattr(sys, "last_value", None) is not None and not hasattr(sys, "ps1")
        self.finish("failed" if crashed else "finished")

    def _forked(self) -> None:
        """In a forked worker: the threads and the journals are the parent's."""
        self._ending = threading.Lock()
        self._capturing = None
        self._deferred = Deferred(self.workspace, self._outbox.place, quiet=True)

    def __reduce__(self) -> tuple[Callable[..., ActiveRun], tuple[Any, ...]]:
        opener = getattr(self.workspace, "opener", None)
        return _attached, (opener, self.workspace.url, self.record)

    def __repr__(self) -> str:
        return f"<run {self.record.name!r} of {self.record.experiment!r}, {self.id}>"

    def _repr_html_(self) -> str:
        from fettle.tracking.shown import html

        shown = self.record
        with suppress(FettleError):
            self.flush()
            shown = self.workspace.call("tracking.show", run=self.id)
        return html(shown)


def _attached(opener: Callable[[str], Surface], url: str, record: Run) -> ActiveRun:
    """A run in the process where it was unpickled: the one that is open there, or attached to it."""
    return context.open_here(record.id) or ActiveRun(opener(url), record, owner=False)
