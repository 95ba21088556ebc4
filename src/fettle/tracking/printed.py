"""What a run printed: one file beside its journal, from which pieces are kept with the run.

console.log    what was printed
console.sent   how many bytes of it are kept already
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

CONSOLE = "captured/console"
"""Where the pieces of the console lie in a run, each named by the byte it begins at."""


def console_pieces(folder: Path, most_bytes: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """What was printed and is not kept yet, in pieces of whole lines, each with the byte it begins at."""
    start = count(folder / "console.sent")
    with contextlib.suppress(FileNotFoundError), (folder / "console.log").open("rb") as file:
        file.seek(start)
        while piece := file.read(most_bytes):
            if len(piece) == most_bytes and b"\n" in piece:
                piece = piece[: piece.rindex(b"\n") + 1]
            yield start, piece
            start += len(piece)
            file.seek(start)


def console_piece(folder: Path, path: str, size_bytes: int) -> bytes | None:
    """A piece of the console that was kept under `path`, as it is still here; None if it is no such piece."""
    start = path.removeprefix(f"{CONSOLE}/").removesuffix(".txt")
    if not start.isdecimal():
        return None
    with contextlib.suppress(OSError), (folder / "console.log").open("rb") as file:
        file.seek(int(start))
        return file.read(size_bytes)
    return None


def console_kept(folder: Path, end: int) -> None:
    """Note that the console is kept up to that byte."""
    note(folder / "console.sent", end)


def count(path: Path) -> int:
    """The number in a file; 0 where there is none."""
    try:
        return int(path.read_text() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def note(path: Path, number: int) -> None:
    """Put a number into a file, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    part.write_text(str(number))
    part.replace(path)
