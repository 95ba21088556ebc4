"""What is printed, kept with the run: also what was printed right before a kill.

Where standard output is a file or a pipe, `tee` is put between: a process of its own, so that what C code and child
processes print is there too, and nothing breaks when this process is killed; of a `tee` that is killed itself, what it
had read and not passed on is lost, and another takes its place. Where it is a terminal, which programs
ask about itself, or something that a notebook or a test put in its place, the stream's `write` is watched instead.
Either way all goes to `console.log` beside the run's journal at once, and from there in pieces to the run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.tracking.printed import CONSOLE, console_kept, console_pieces

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

MOST_BYTES = 64 << 20
"""What is printed beyond this is not kept."""

_PIECE_BYTES = 64 << 10
_PIECE_S = 20.0
_LAST_WORDS_S = 1.0

_descriptors = threading.Lock()
"""Held while a run stands between the descriptors: others watch the streams."""
_MOST_TEES = 100
"""How often `tee` is started anew."""


class Console:
    """Standard output and error of this process, copied to a run until `restore`."""

    def __init__(self, run: ActiveRun, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._log = os.open(folder / "console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._written = 0
        self._shipped_at = time.monotonic()
        self._undo: list[Callable[[], None]] = []
        self._restored = False
        streams = [(sys.stdout, 1), (sys.stderr, 2)]
        plain = [(stream, descriptor) for stream, descriptor in streams if _is_plain(stream, descriptor)]
        if plain and shutil.which("tee") and _descriptors.acquire(blocking=False):
            self._undo.append(_descriptors.release)
            for group in _same_places(plain):
                self._undo.insert(0, _between(group, folder / "console.log"))
        else:
            plain = []
        for stream, descriptor in streams:
            if stream is not None and (stream, descriptor) not in plain:
                copy = self._stand_in if type(stream).__module__.startswith("ipykernel") else self._watch
                self._undo.insert(0, copy(stream))

    def restore(self) -> None:
        """Let the output go its own way again."""
        if not self._restored:
            self._restored = True
            for undo in self._undo:
                undo()
            os.close(self._log)

    def ship(self) -> None:
        """Keep what was printed as a piece, if there is enough, it has waited long, or it was the last."""
        waited_s = time.monotonic() - self._shipped_at
        for start, piece in console_pieces(self._folder):
            if not (self._restored or len(piece) >= _PIECE_BYTES or waited_s >= _PIECE_S):
                return
            if start >= MOST_BYTES:
                return
            self._run.artifact(f"{CONSOLE}/{start:012d}.txt", piece)
            console_kept(self._folder, start + len(piece))
            self._shipped_at = time.monotonic()

    def _watch(self, stream: Any) -> Callable[[], None]:
        """Have what is written to a stream written to the log too."""
        write = stream.write

        def writing(text: Any) -> Any:
            answer = write(text)
            self._append(text)
            return answer

        stream.write = writing

        def undo() -> None:
            if vars(stream).get("write") is writing:
                del stream.write

        return undo

    def _stand_in(self, stream: Any) -> Callable[[], None]:
        """Put another object in the place of a notebook's stream, whose `write` IPython puts back after each cell."""
        name = "stdout" if stream is sys.stdout else "stderr"
        beside = _Beside(stream, self._append)
        setattr(sys, name, beside)

        def undo() -> None:
            if getattr(sys, name) is beside:
                setattr(sys, name, stream)

        return undo

    def _append(self, text: Any) -> None:
        if self._restored or self._written > MOST_BYTES:
            return
        data = text.encode(errors="replace") if isinstance(text, str) else bytes(text)
        with contextlib.suppress(OSError):  # the disk is full: printing goes on
            self._written += os.write(self._log, data)


class _Beside:
    """A stream whose text is written to a second place too; all else is the stream's own."""

    def __init__(self, stream: Any, also: Callable[[Any], None]) -> None:
        self._stream = stream
        self._also = also

    def write(self, text: Any) -> Any:
        answer = self._stream.write(text)
        self._also(text)
        return answer

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_plain(stream: Any, descriptor: int) -> bool:
    """Whether a stream is the one the system gave, to a file or pipe."""
    try:
        return stream.fileno() == descriptor and not os.isatty(descriptor)
    except (OSError, ValueError, AttributeError):
        return False


def _same_places(streams: list[tuple[Any, int]]) -> list[list[tuple[Any, int]]]:
    """The streams in groups that lead to the same file: one `tee` for a group keeps the order of their lines."""
    places = [(os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino) for _, descriptor in streams]
    return [
        [each for each, found in zip(streams, places, strict=True) if found == place]
        for place in dict.fromkeys(places)
    ]


def _between(streams: list[tuple[Any, int]], log: Path) -> Callable[[], None]:
    """Put `tee` between descriptors and where they lead; what is answered takes it away again."""
    for stream, _ in streams:
        stream.flush()
    before = os.dup(streams[0][1])
    reading, writing = os.pipe()
    try:
        tee = _tee(reading, before, log)
    except OSError:
        for each in (before, reading, writing):
            os.close(each)
        raise
    for _, descriptor in streams:
        os.dup2(writing, descriptor)
    os.close(writing)

    def back() -> None:
        for _, descriptor in streams:
            os.dup2(before, descriptor)

    def mind() -> None:
        _mind(tee, reading, before, log, back)
        os.close(before)

    minding = threading.Thread(target=mind, name="fettle-console", daemon=True)
    minding.start()

    def undo() -> None:
        for stream, _ in streams:
            with contextlib.suppress(ValueError, OSError):  # closed meanwhile
                stream.flush()
        if minding.is_alive():
            back()
        minding.join(_LAST_WORDS_S)  # a child process may still print into it: then it goes on

    return undo


def _tee(reading: int, to: int, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["tee", "-a", "-i", str(log)],
        stdin=reading,
        stdout=to,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _mind(tee: subprocess.Popen[bytes], reading: int, to: int, log: Path, back: Callable[[], None]) -> None:
    """Start another `tee` where one was killed, so that nobody's printing fails or waits; until all is printed.

    This process holds the reading end too: what was printed meanwhile lies in the pipe. Where the reader of our output
    is gone, the end is let go, and who prints learns it as ever.
    """
    for _ in range(_MOST_TEES):
        if tee.wait() in (
            0,
            1,
            -signal.SIGPIPE,
        ):  # the end of the output, written wholly or not; nobody reads it
            break
        try:
            tee = _tee(reading, to, log)
        except OSError:
            back()
            break
    else:
        back()
    os.close(reading)
