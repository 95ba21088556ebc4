"""What is printed, kept with the run: also what was printed right before a kill.

Where standard output is a file or a pipe, `relay` is put between: a process of its own, so that what C code and child
processes print is there too, and nothing breaks when this process is killed; of a relay that is killed itself, what it
had read and not passed on is lost, and another takes its place. Where it is a terminal, which programs
ask about itself, or something that a notebook or a test put in its place, the stream's `write` is watched instead.
Either way all goes to `console.log` beside the run's journal at once, without its secrets, and from there in pieces to
the run. The rest of a line waits for its end where it may be a part of a secret.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.tracking.capture import relay
from fettle.tracking.capture.masks import Mask
from fettle.tracking.printed import CONSOLE, console_kept, console_pieces

if TYPE_CHECKING:
    from fettle.tracking.active import ActiveRun

_PIECE_BYTES = 64 << 10
_PIECE_S = 20.0
_CATCH_UP_S = 10.0
"""How long the end of a run waits for a relay that has not read yet what was printed: it may not have started."""
_LAST_WORDS_S = 1.0

_descriptors = threading.Lock()
"""Held while a run stands between the descriptors: others watch the streams."""
_MOST_RELAYS = 100
"""How often a relay is started anew."""


class Console:
    """Standard output and error of this process, copied to a run until `restore`."""

    def __init__(self, run: ActiveRun, folder: Path, mask: Mask) -> None:
        self._run = run
        self._mask = mask
        self._copies: list[_Copy] = []
        self._folder = folder
        self._log = os.open(folder / "console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._written = 0
        self._shipped_at = time.monotonic()
        self._undo: list[Callable[[], None]] = []
        self._restored = False
        streams = [(sys.stdout, 1), (sys.stderr, 2)]
        plain = [(stream, descriptor) for stream, descriptor in streams if _is_plain(stream, descriptor)]
        if plain and _has_python() and _descriptors.acquire(blocking=False):
            self._undo.append(_descriptors.release)
            for group in _same_places(plain):
                self._undo.insert(0, _between(group, folder / "console.log", mask))
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
            for copy in self._copies:
                copy.end()
            os.close(self._log)

    def ship(self) -> None:
        """Keep what was printed as a piece, if there is enough, it has waited long, or it was the last."""
        waited_s = time.monotonic() - self._shipped_at
        for start, piece in console_pieces(self._folder):
            if not (self._restored or len(piece) >= _PIECE_BYTES or waited_s >= _PIECE_S):
                return
            if start >= relay.MOST_BYTES:
                return
            lines = piece if self._restored else piece[: piece.rfind(b"\n") + 1] or piece
            self._run.artifact(f"{CONSOLE}/{start:012d}.txt", lines)
            console_kept(self._folder, start + len(lines))
            self._shipped_at = time.monotonic()
            if len(lines) < len(piece):  # a line is being written
                return

    def _watch(self, stream: Any) -> Callable[[], None]:
        """Have what is written to a stream written to the log too."""
        write, copy = stream.write, self._copy()

        def writing(text: Any) -> Any:
            answer = write(text)
            copy(text)
            return answer

        stream.write = writing

        def undo() -> None:
            if vars(stream).get("write") is writing:
                del stream.write

        return undo

    def _stand_in(self, stream: Any) -> Callable[[], None]:
        """Put another object in the place of a notebook's stream, whose `write` IPython puts back after each cell."""
        name = "stdout" if stream is sys.stdout else "stderr"
        beside = _Beside(stream, self._copy())
        setattr(sys, name, beside)

        def undo() -> None:
            if getattr(sys, name) is beside:
                setattr(sys, name, stream)

        return undo

    def _copy(self) -> _Copy:
        self._copies.append(_Copy(self._mask, self._append))
        return self._copies[-1]

    def _append(self, data: bytes) -> None:
        if data and self._written <= relay.MOST_BYTES:
            with contextlib.suppress(OSError):  # the disk is full: printing goes on
                self._written += os.write(self._log, data)


class _Copy:
    """What is written to one stream, on its way to the log: from any thread, and from forked children too."""

    def __init__(self, mask: Mask, keep: Callable[[bytes], None]) -> None:
        self._mask = mask
        self._keep = keep
        self._masker = mask.stream()
        self._guard = threading.RLock()
        self._pid = os.getpid()
        self._ended = False

    def __call__(self, text: Any) -> None:
        if self._ended:
            return
        data = text.encode(errors="replace") if isinstance(text, str) else bytes(text)
        if self._masker is None:
            self._keep(data)
        elif (
            self._pid != os.getpid()
        ):  # a child of which nobody tells the end: each text by itself, nothing waits
            alone = self._mask.stream()
            self._keep(alone.whole(data) if alone is not None else data)
        else:
            with self._guard:
                self._keep(self._masker.feed(data))

    def end(self) -> None:
        """Keep what still waits for its line to go on, and nothing more."""
        self._ended = True
        if self._masker is not None and self._pid == os.getpid():
            with self._guard:
                self._keep(self._masker.rest())


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


def _has_python() -> bool:
    """Whether a program in Python can be started and be handed a pipe."""
    return os.name == "posix" and bool(sys.executable) and not getattr(sys, "frozen", False)


def _is_plain(stream: Any, descriptor: int) -> bool:
    """Whether a stream is the one the system gave, to a file or pipe."""
    try:
        return stream.fileno() == descriptor and not os.isatty(descriptor)
    except (OSError, ValueError, AttributeError):
        return False


def _same_places(streams: list[tuple[Any, int]]) -> list[list[tuple[Any, int]]]:
    """The streams in groups that lead to the same file: one relay for a group keeps the order of their lines."""
    places = [(os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino) for _, descriptor in streams]
    return [
        [each for each, found in zip(streams, places, strict=True) if found == place]
        for place in dict.fromkeys(places)
    ]


def _between(streams: list[tuple[Any, int]], log: Path, mask: Mask) -> Callable[[], None]:
    """Put a relay between descriptors and where they lead; what is answered takes it away again."""
    for stream, _ in streams:
        stream.flush()
    before = os.dup(streams[0][1])
    reading, writing = os.pipe()
    try:
        passing = _relay(reading, before, log, mask)
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
        _mind(passing, functools.partial(_relay, reading, before, log, mask), back)
        os.close(reading)
        os.close(before)

    minding = threading.Thread(target=mind, name="fettle-console", daemon=True)
    minding.start()

    def undo() -> None:
        for stream, _ in streams:
            with contextlib.suppress(ValueError, OSError):  # closed meanwhile
                stream.flush()
        if minding.is_alive():
            back()
        until = time.monotonic() + _CATCH_UP_S
        while _unread(reading) and minding.is_alive() and time.monotonic() < until:
            minding.join(0.02)
        minding.join(_LAST_WORDS_S)  # a child process may still print into it: then it goes on

    return undo


def _unread(reading: int) -> bool:
    """Whether something lies in a pipe."""
    import fcntl
    import termios

    with contextlib.suppress(OSError):  # it is closed: all was read
        return fcntl.ioctl(reading, termios.FIONREAD, bytes(4)) != bytes(4)
    return False


def _relay(reading: int, to: int, log: Path, mask: Mask) -> subprocess.Popen[bytes]:
    known, telling = os.pipe()
    try:
        os.write(telling, mask.as_bytes())
        os.close(telling)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", relay.__file__, str(log), str(known)],
            stdin=reading,
            stdout=to,
            stderr=subprocess.DEVNULL,
            pass_fds=[known],
            start_new_session=True,
        )
    finally:
        os.close(known)


def _mind(
    passing: subprocess.Popen[bytes], again: Callable[[], subprocess.Popen[bytes]], back: Callable[[], None]
) -> None:
    """Start another relay where one was killed, so that nobody's printing fails or waits; until all is printed.

    This process holds the reading end too: what was printed meanwhile lies in the pipe. Where the reader of our output
    is gone, the end is let go, and who prints learns it as ever.
    """
    for _ in range(_MOST_RELAYS):
        if passing.wait() in (0, 1, -signal.SIGPIPE):  # the end of the output, or nobody reads it
            return
        try:
            passing = again()
        except OSError:
            break
    back()
