"""The process that trains: kept warm between runs, killed without loss, started again when it dies.

Training needs libraries that take seconds to load, and may be ended by the system when memory is short. So the keeper
hands each run to one process of its own and reads the answer from its output. Finished steps are durable: a run that is
handed over a second time after a kill goes on where the first one died.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError, Unavailable, from_dict

MOST_DEATHS = 30


class Job(msgspec.Struct, frozen=True):
    """A call to make in the training process: the name of the work and its arguments."""

    work: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """What became of a job: a result, or an error in its one form."""

    result: Any = None
    error: dict[str, Any] | None = None
    status: int = 500


class Worker:
    """A training process at the other end of two pipes.

    Args:
        ws: The workspace, reopened by the process under its URL.
        folder: The project's folder.
    """

    def __init__(self, ws: Surface, folder: Path) -> None:
        self._ws = ws
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    def do(self, work: str, **arguments: Any) -> Any:
        """Have `work` done and return its result; a process that dies meanwhile is replaced and asked again.

        Raises:
            Unavailable: The process died too often over one job.
            FettleError: Whatever the work itself raised.
        """
        line = msgspec.json.encode(Job(work, arguments)) + b"\n"
        for _ in range(MOST_DEATHS):
            answer = self._ask(line)
            if answer is None:
                self.deaths += 1
                self._drop()
                continue
            if answer.error is not None:
                raise from_dict(answer.error, status=answer.status)
            return answer.result
        raise Unavailable(
            "The training process dies again and again.",
            found=f"{MOST_DEATHS} deaths over {work}",
            hint=f"Its output is in {self._log()}; is there enough memory?",
        )

    def warm(self) -> None:
        """Start the process now, so that its libraries are loaded when the first job comes."""
        self._running()

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._drop()

    def _ask(self, line: bytes) -> Answer | None:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            reply = process.stdout.readline()
            return msgspec.json.decode(reply, type=Answer) if reply.endswith(b"\n") else None
        except (OSError, msgspec.DecodeError):
            return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._log().parent.mkdir(parents=True, exist_ok=True)
            with self._log().open("ab") as errors:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "fettle",
                        "serve",
                        "--only",
                        "worker",
                        "-C",
                        str(self._folder),
                        "-w",
                        self._ws.url,
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=os.environ | {"FETTLE_PARENT": str(os.getpid())},
                )
            pid_file(self._ws).write_text(str(self._process.pid))
        return self._process

    def _drop(self) -> None:
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._process = None

    def _log(self) -> Path:
        return self._ws.folder / "logs" / "worker.log"


def work(
    jobs: IO[bytes], answers: IO[bytes], does: dict[str, Callable[..., Any]], warm: Callable[[], None]
) -> None:
    """Do the jobs read from `jobs`, one line each, until the pipe is closed: the training process's whole life.

    Args:
        jobs: Lines with a `Job` each.
        answers: Where an `Answer` is written for each.
        does: What may be asked for, by name.
        warm: Loads the libraries; done beside the wait for the first job.
    """
    threading.Thread(target=warm, name="fettle-warm", daemon=True).start()
    for line in jobs:
        job = msgspec.json.decode(line, type=Job)
        try:
            answer = Answer(msgspec.to_builtins(does[job.work](**job.arguments)))
        except FettleError as error:
            answer = Answer(error=error.as_dict(), status=error.status)
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()


def pid_file(ws: Surface) -> Path:
    """Where the id of the present training process is written."""
    return ws.folder / "worker.pid"
