"""Contents that operations name: handed to the workspace, several at a time, before it is told of them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fettle.core.errors import Conflict
from fettle.core.ids import digest
from fettle.storage.objects import has_object, put_object
from fettle.tracking.printed import console_piece
from fettle.tracking.refused import REFUSALS

if TYPE_CHECKING:
    from fettle.acts import Surface

_AT_ONCE = 4
"""Small contents are not sent but waited for: for a disk, or for a server."""


def give(ws: Surface, folder: Path, wanted: Iterable[tuple[int, str, dict[str, Any]]]) -> dict[int, str]:
    """Have the workspace keep contents; answer which of them cannot be had any more, and why.

    Args:
        ws: The workspace.
        folder: The folder of the journal, with what is kept for the workspace in `files`.
        wanted: Number of the operation, digest of its content, its arguments.

    Raises:
        Unavailable: The workspace is away, or its disk is full; some may have arrived.
    """
    refused: dict[int, str] = {}

    def one(number: int, name: str, told: dict[str, Any]) -> None:
        try:
            _give_one(ws, folder, name, told)
        except REFUSALS as error:
            refused[number] = str(error.args[0])

    _side_by_side([lambda each=each: one(*each) for each in wanted])
    return refused


def _give_one(ws: Surface, folder: Path, name: str, told: dict[str, Any]) -> None:
    """Have the workspace keep the content of one operation.

    Raises:
        Conflict: It arrived once and is here no more, and the workspace has lost it since.
    """
    if has_object(ws.blobs, name):
        return
    kept = folder / "files" / name
    piece = console_piece(folder, told.get("path", ""), told.get("size_bytes", 0))
    if kept.exists():
        put_object(ws.blobs, kept)
    elif piece is not None and digest(piece) == name:
        put_object(ws.blobs, piece)
    else:
        raise Conflict(
            f"The content of {told.get('path') or 'an operation'} is lost.",
            found="the workspace had it and has it no more; it was restored from an older copy",
            hint="Log the file again.",
        )


def _side_by_side(tasks: list[Callable[[], None]]) -> None:
    """Do tasks in a few threads, this one among them; raise the first error, which begins no further task."""
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    failures: list[BaseException] = []

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while not failures:
                task = waiting.get_nowait()
                try:
                    task()
                except BaseException as error:  # whatever it is, it is raised again below
                    failures.append(error)

    helpers: list[threading.Thread] = []
    with contextlib.suppress(RuntimeError):  # no more threads, as the program ends: this one does it
        for number in range(min(_AT_ONCE, len(tasks)) - 1):
            helper = threading.Thread(target=work, name=f"fettle-run-files-{number}", daemon=True)
            helper.start()
            helpers.append(helper)
    work()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
