"""Tell a workspace what the journals of operations say: in order, each thing once, whoever does it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fettle.core.errors import Denied
from fettle.storage.objects import put_object
from fettle.storage.open import read_journal
from fettle.tracking import restored
from fettle.tracking.contents import give
from fettle.tracking.printed import CONSOLE, console_kept, console_pieces, count, note
from fettle.tracking.refused import REFUSALS, Refused, keep

if TYPE_CHECKING:
    from fettle.acts import Surface


class Operation(msgspec.Struct, frozen=True, array_like=True):
    """One thing to tell the workspace.

    Attributes:
        act: The act that takes it.
        arguments: Its arguments.
        file: The digest of a content in `files` that the workspace needs first; empty: none.
    """

    act: str
    arguments: dict[str, Any]
    file: str = ""


def _only(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Those of an operation's arguments that `records.journals.Told` has."""
    return lambda arguments: {name: arguments[name] for name in names if arguments.get(name) is not None}


_TOGETHER = {
    "tracking.set": _only("params", "tags"),
    "tracking.note": _only("notes"),
    "tracking.use": _only("inputs"),
    "tracking.artifact": _only("path", "digest"),
}
"""What can be told many at a time, and how."""
_MOST_OPERATIONS = 1000
_MOST_FILES = 100
"""The workspace looks at each of them while others wait."""
_MOST_BYTES = 2 << 20
"""Of one request, about; a server takes 8 MiB."""

_decode = msgspec.msgpack.Decoder(Operation).decode


def carry(ws: Surface, run: str, folder: Path) -> None:
    """Tell what the journal in `folder` of a process that is gone has not told, and keep the rest of its console.

    Idempotent: whoever carries, each operation is done once.

    Args:
        ws: The workspace.
        run: The run's id.
        folder: The folder of the journal.

    Raises:
        FettleError: What the workspace answered to the start of the run; Unavailable: it is away. All stays here.
    """
    look_back(ws, folder)
    for _ in tell(ws, folder):
        pass
    for start, piece in console_pieces(folder):
        path = f"{CONSOLE}/{start:012d}.txt"
        name, size_bytes = put_object(ws.blobs, piece), len(piece)
        restored.call(ws, folder, "tracking.artifact", run=run, path=path, digest=name, size_bytes=size_bytes)
        console_kept(folder, start + size_bytes)


def look_back(ws: Surface, folder: Path, since: int = 0) -> bool:
    """Have operations told again that the workspace has forgotten, as it was restored from an older copy.

    Args:
        ws: The workspace.
        folder: The folder of the journal.
        since: So many were seen to be there when it was last looked.

    Returns:
        Whether there are any; `tell` begins with the first of them then.
    """
    told = count(folder / "told")
    forgotten = restored.first_forgotten(ws, folder, told, since)
    if forgotten < told:
        note(folder / "told", forgotten)
    return forgotten < told


def tell(
    ws: Surface, folder: Path, told: int | None = None, after: str | None = None
) -> Iterator[tuple[int, str]]:
    """Tell the operations of a journal that were not told, in order; yield, now and then, how many were told.

    Args:
        ws: The workspace.
        folder: The folder of the journal.
        told: How many come before `after`; None: begin at the beginning, and pass over what is noted as told.
        after: The position of the last one told.
    """
    begin = count(folder / "told") if told is None else told
    for batch in _batches(folder, told or 0, after):
        waiting = [
            each
            for each in batch
            if each.number >= begin and not restored.is_refused(ws, folder, each.number)
        ]
        if waiting:
            _tell(ws, folder, waiting)
        if batch[-1].number >= begin:
            note(folder / "told", batch[-1].number + 1)
        yield batch[-1].number + 1, batch[-1].position


class _Read(NamedTuple):
    """One operation as it was read: how many come before it, and its position."""

    number: int
    position: str
    operation: Operation

    @property
    def run(self) -> str:
        """The run it is about, if it can be told together with others; empty if not."""
        return self.operation.arguments["run"] if self.operation.act in _TOGETHER else ""


def _batches(folder: Path, first: int, after: str | None) -> Iterator[list[_Read]]:
    """The operations of a journal, together what one request tells."""
    batch: list[_Read] = []
    files = size_bytes = 0
    for number, (position, data) in enumerate(read_journal(folder / "ops", after), first):
        each = _Read(number, position, _decode(data))
        full = len(batch) >= _MOST_OPERATIONS or files >= _MOST_FILES
        alone = bool(batch) and (not each.run or each.run != batch[0].run)
        if batch and (full or alone or size_bytes + len(data) > _MOST_BYTES):
            yield batch
            batch, files, size_bytes = [], 0, 0
        batch.append(each)
        files, size_bytes = files + bool(each.operation.file), size_bytes + len(data)
    if batch:
        yield batch


def _tell(ws: Surface, folder: Path, batch: list[_Read]) -> None:
    """Tell operations that belong together; those that are refused are kept apart."""
    wanted = [
        (each.number, each.operation.file, each.operation.arguments) for each in batch if each.operation.file
    ]
    lost = give(ws, folder, wanted)
    for each in batch:
        if each.number in lost:
            _keep_apart(ws, folder, each, lost[each.number])
    ready = [each for each in batch if each.number not in lost]
    for number, why in _refused(ws, folder, ready):
        _keep_apart(ws, folder, next(each for each in ready if each.number == number), why)
    for file in {file for _, file, _ in wanted}:
        (folder / "files" / file).unlink(missing_ok=True)  # another operation finds it in the workspace


def _refused(ws: Surface, folder: Path, batch: list[_Read]) -> Iterator[tuple[int, str]]:
    """Have operations done; yield those that are refused, and why."""
    try:
        if len(batch) == 1 and not batch[0].run:
            _tell_alone(ws, folder, batch[0])
        elif batch:
            yield from _tell_together(ws, folder, batch)
    except REFUSALS as error:
        if batch[0].operation.act == "tracking.start":
            raise  # without the run there is nothing to add to: all of it waits for a person
        if len(batch) == 1 or isinstance(error, Denied):
            yield from ((each.number, str(error.args[0])) for each in batch)
        else:  # one of them cannot even be read there
            middle = len(batch) // 2
            yield from _refused(ws, folder, batch[:middle])
            yield from _refused(ws, folder, batch[middle:])


def _tell_alone(ws: Surface, folder: Path, each: _Read) -> None:
    key = f"{folder.name}-{each.number}"
    restored.call(ws, folder, each.operation.act, idempotency_key=key, **each.operation.arguments)


def _tell_together(ws: Surface, folder: Path, batch: list[_Read]) -> list[tuple[int, str]]:
    told = [
        {"number": each.number, **_TOGETHER[each.operation.act](each.operation.arguments)} for each in batch
    ]
    refused = restored.call(
        ws, folder, "tracking.tell", run=batch[0].run, journal=folder.name, operations=told
    )
    return [(each.number, each.why) for each in refused]


def _keep_apart(ws: Surface, folder: Path, each: _Read, why: str) -> None:
    warnings.warn(
        f"Not recorded with the run: {why} It is kept; `fettle tracking sync` tells it again.", stacklevel=2
    )
    said = each.operation
    apart = Refused(f"{folder.name}-{each.number:06}", said.act, said.arguments, why, said.file)
    keep(ws, apart, folder / "files" / said.file if said.file else None)
