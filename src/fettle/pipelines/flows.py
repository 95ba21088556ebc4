"""Run steps, and spare those whose result would come out the same."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from fettle.core import ids
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.pipelines import artifacts, keys
from fettle.pipelines.announce import Announcer
from fettle.pipelines.leftovers import mark_alive
from fettle.pipelines.outputs import Output, Outputs
from fettle.pipelines.reads import Recorder, private_folders, unchanged
from fettle.pipelines.records import FlowRun, FlowStatus, Found, Read, Result, StepRun, StepStatus, Why
from fettle.pipelines.steps import INJECTED, Step
from fettle.storage.objects import fetch_object, get_object, has_object, put_object

if TYPE_CHECKING:
    from fettle.acts import Surface

P = ParamSpec("P")
R = TypeVar("R")


class Flow:
    """One run of a pipeline: `run` each step in the order of your own code, in a `with` block.

    A result and the journal row of its step are committed together, so a run that was killed goes on where it died:
    open it again with its id, or begin a new one; finished steps are not run again either way.

    Args:
        ws: The workspace.
        name: The pipeline's name.
        run_id: Goes on with that run, or gives a new one this id.

    Attributes:
        id: The run's id.
        record: The run as it was at the start.

    Example:
        with Flow(ws, "churn") as flow:
            frame = flow.run(prepare, Path("churn.csv"))
            model = flow.run(train, frame, lr=0.1)
            print(flow.why(train))
    """

    def __init__(self, ws: Surface, name: str, run_id: str | None = None) -> None:
        self._ws = ws
        self.id = run_id or ids.event_id(ws.clock.now())
        self.name = name
        self._alive = mark_alive(ws, self.id)
        self.record: FlowRun = ws.call("pipelines.start", name=name, run_id=self.id)
        self._thaw = artifacts.Thaw(self._get, self._fetch)
        self._outputs = Outputs()
        self._pending: list[StepRun] = []
        self._whys: dict[str, Why] = {}
        self._next = 0
        self._ended = False
        self._turn = threading.RLock()
        self._announcer = Announcer(ws, self.id)
        self._private = private_folders([ws.folder])
        atexit.register(self._at_exit)

    def run(self, work: Step[P, R] | Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step, or take what it returned the last time; return that value.

        A parameter named `ws` is given the workspace unless you pass one.

        Args:
            work: The step, or any function.
            *args: Its arguments; values or outputs of earlier steps.
            **kwargs: Its named arguments.

        Raises:
            Invalid: The arguments do not fit, or a value can be kept in no form.
            BaseException: Whatever the step raises; the run can be resumed.
        """
        return self._submit(work, args, dict(kwargs), eager=True).value

    def submit(self, work: Step[..., R] | Callable[..., R], /, *args: Any, **kwargs: Any) -> Output[R]:
        """Like `run`, but read the value of a spared step only when it is asked for: for large intermediate values."""
        return self._submit(work, args, kwargs, eager=False)

    def why(self, work: Step[..., Any] | Callable[..., Any] | str) -> Why:
        """Why a step of this run ran or was spared, the last time it occurred.

        Raises:
            NotFound: The step has not been asked for in this run.
        """
        name = work if isinstance(work, str) else _as_step(work).name
        if name not in self._whys:
            raise NotFound.among("step in this run", name, self._whys)
        return self._whys[name]

    def finish(self, status: FlowStatus = "finished") -> None:
        """End the run; ending it again does nothing."""
        with self._turn:
            if self._ended:
                return
            self._ended = True
            atexit.unregister(self._at_exit)
            self._announcer.close()
            pending, self._pending = self._pending, []
            self._ws.call("pipelines.finish", flow=self.id, status=status, steps=pending)
            self._alive.remove()

    def __enter__(self) -> Flow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish("finished" if kind is None else "failed")

    def _submit(
        self, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, eager: bool
    ) -> Output[Any]:
        with self._turn:
            if self._ended:
                raise Invalid(f"Pipeline run {self.id} has ended.", hint="Run steps inside the with block.")
            asked = _Asked(self, _as_step(work), work, args, kwargs, self._next)
            self._next += 1
            return asked.reuse(eager) or asked.execute()

    def _get(self, digest: str) -> bytes:
        return get_object(self._ws.blobs, digest)

    def _fetch(self, digest: str, path: Path) -> None:
        fetch_object(self._ws.blobs, digest, path)

    def _at_exit(self) -> None:
        self.finish("finished")


class _Asked(Generic[R]):
    """One request to run a step: find a result that fits, or make one."""

    def __init__(
        self,
        flow: Flow,
        step: Step[..., R],
        work: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        seq: int,
    ) -> None:
        self._flow = flow
        self._ws = flow._ws
        self._step = step
        self._work = work
        self._seq = seq
        self._began_s = time.perf_counter()
        self._at = self._ws.clock.now()
        self._bound = step.bind(args, kwargs, self._ws, flow.id)
        self._given = {name: value for name, value in self._bound.arguments.items() if name not in INJECTED}
        self._key = keys.key_of(step, self._given, flow._outputs)
        self._found: Found = self._ws.call(
            "pipelines.find", pipeline=flow.name, flow=flow.id, step=step.name, key=self._key.digest
        )
        self._after = sorted({seq for value in self._given.values() for seq in flow._outputs.sources(value)})

    def reuse(self, eager: bool) -> Output[R] | None:
        """The output of an earlier time, if there is one whose files are unchanged and whose bytes are there."""
        for result in self._found.results if self._step.cache else ():
            if not unchanged(result.reads):
                continue
            try:
                value = self._flow._thaw.value(result.output) if eager else None
            except FettleError:  # its bytes are gone or damaged: make it anew
                continue
            if not eager and not all(
                has_object(self._ws.blobs, each) for each in artifacts.objects(result.output)
            ):
                continue
            return self._reused(result, value, eager)
        return None

    def _reused(self, result: Result, value: Any, eager: bool) -> Output[R]:
        self._note("reused", result=result, made_by=result.flow, since=result.at)
        flow, seq = self._flow, self._seq

        def load() -> Any:
            loaded = value if eager else flow._thaw.value(result.output)
            flow._outputs.remember(loaded, result.output, seq)
            return loaded

        return Output(self._seq, result.output, result.digest, True, load)

    def execute(self) -> Output[R]:
        """Run the step, and commit its result with its journal row."""
        compared = keys.compare(self._found, self._key)
        running = self._row("running", since=compared[0], changes=compared[1])
        try:
            with self._flow._announcer.watching(running):
                value, reads = self._attempts()
                node = artifacts.freeze(value, self._keep)
        except BaseException as error:
            self._note(
                "failed", error=f"{type(error).__name__}: {error}", since=compared[0], changes=compared[1]
            )
            self._flush()
            raise
        result = Result(
            id=ids.event_id(),
            key=self._key.digest,
            pipeline=self._flow.name,
            step=self._step.name,
            flow=self._flow.id,
            at=self._ws.clock.now(),
            output=node,
            digest=artifacts.node_digest(node),
            size_bytes=artifacts.size_of(node),
            reads=reads,
            ingredients=self._key.ingredients,
        )
        self._note("finished", result=result, since=compared[0], changes=compared[1])
        self._flush([result])
        self._flow._outputs.remember(value, node, self._seq)
        return Output(self._seq, node, result.digest, False, lambda: value)

    def _attempts(self) -> tuple[R, list[Read]]:
        for attempt in range(self._step.retries + 1):
            try:
                return self._attempt()
            except Exception:  # the step's own error, whatever it is: the last one is raised
                if attempt == self._step.retries:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self) -> tuple[R, list[Read]]:
        args = [_value_of(each) for each in self._bound.args]
        kwargs = {name: _value_of(each) for name, each in self._bound.kwargs.items()}
        private = self._flow._private
        if self._step.process:
            from fettle.pipelines import child  # loads multiprocessing, which most pipelines never need

            return child.run(self._work, args, kwargs, self._key.mentions, self._step, private)
        with Recorder(private) as recorder:
            recorder.mention(self._key.mentions, self._step.reads)
            value = self._step.function(*args, **kwargs)
        return value, recorder.reads()

    def _keep(self, content: bytes | Path) -> str:
        return put_object(self._ws.blobs, content)

    def _row(self, status: StepStatus, result: Result | None = None, **fields: Any) -> StepRun:
        output = {} if result is None else {"digest": result.digest, "size_bytes": result.size_bytes}
        return StepRun(
            seq=self._seq,
            name=self._step.name,
            status=status,
            key=self._key.digest,
            started_at=self._at,
            seconds=time.perf_counter() - self._began_s,
            after=self._after,
            pickled=result is not None and artifacts.is_pickled(result.output),
            **output,
            **fields,
        )

    def _note(self, status: StepStatus, **fields: Any) -> None:
        row = self._row(status, **fields)
        self._flow._pending.append(row)
        self._flow._whys[row.name] = Why(step=row.name, status=status, since=row.since, changes=row.changes)

    def _flush(self, results: list[Result] | None = None) -> None:
        """Write down what is noted; spared steps wait for this, as forgetting them costs nothing."""
        pending, self._flow._pending = self._flow._pending, []
        if pending or results:
            self._ws.call("pipelines.record", flow=self._flow.id, steps=pending, results=results)


def _as_step(work: Any) -> Step[..., Any]:
    return work if isinstance(work, Step) else Step(work)


def _value_of(argument: Any) -> Any:
    """Outputs give way to their values, inside lists, tuples and dictionaries too."""
    if isinstance(argument, Output):
        return argument.value
    if type(argument) in (list, tuple):
        return type(argument)(map(_value_of, argument))
    if type(argument) is dict:
        return {key: _value_of(each) for key, each in argument.items()}
    return argument
