"""The prediction log: every request with its answer, refusals too, and the labels that come later.

A worker appends one frame a request to its own journal under `<folder>/<endpoint>/<worker>/` before the answer
leaves, so that a `kill -9` loses nothing that a client has seen. A frame is a msgpack array that begins with its
kind; new fields go to the end, so that old readers and old logs stay readable.

Reading is by position. Rows of one request share a frame, and still each row has a position of its own: the cursor
`p+2` means "after frame p, and two records further". A reader may thus stop and go on between any two records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from fettle.serving.records import Label, Prediction
from fettle.storage.open import open_journal, read_journal

Ack = Literal["memory", "os", "disk"]
WIDEST_INTEGER = 1 << 63


class Exchange(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """One request and its answer: the frame that is written."""

    id: str
    at: datetime
    endpoint: str
    model: str
    version: int
    status: int
    latency_us: int
    rows: list[dict[str, Any]]
    answers: list[Any]
    error: str = ""


class Told(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Labels told in one request: `(request id, row, label)` each."""

    at: datetime
    labels: list[tuple[str, int, Any]]


class PredictionLog:
    """The log of one worker, for writing. Not thread safe: one thread owns it.

    Args:
        folder: The worker's own folder; made if it is not there.
        ack: What an append waits for. `os` (a memory-mapped segment) survives the death of the process and costs no
            system call; `disk` also survives a power cut and costs an fdatasync a request; `memory` survives neither.
    """

    def __init__(self, folder: Path, *, ack: Ack = "os") -> None:
        self._journal = open_journal(folder, ack=ack)
        self._encode = msgspec.msgpack.Encoder().encode

    def write(self, frame: Exchange | Told) -> None:
        """Append one frame; it is kept when this returns.

        Raises:
            Unavailable: The disk is full or the folder cannot be written.
        """
        try:
            data = self._encode(frame)
        except (OverflowError, UnicodeEncodeError):
            data = self._encode(storable(msgspec.structs.asdict(frame), type(frame)))
        self._journal.append(data)

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        self._journal.sync()

    def close(self) -> None:
        self._journal.close()


def storable(fields: dict[str, Any], kind: type[Exchange] | type[Told]) -> Exchange | Told:
    """Rebuild a frame with what msgpack cannot say replaced: wide integers by floats, lone surrogates by `?`."""
    return kind(**{name: _storable(value) for name, value in fields.items()})


def _storable(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() if not -WIDEST_INTEGER <= value < WIDEST_INTEGER:
            return _as_float(value)
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_storable(key): _storable(each) for key, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
        case _:
            return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def read(
    folder: Path, after: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str, Prediction | Label]]:
    """Read the log of an endpoint: worker after worker, each from where `after` says.

    Works while workers write and after they were killed. Records of one worker come in the order they were written;
    workers follow each other by the time they started, so records of two workers are not merged by time.

    Args:
        folder: The endpoint's folder, `<workspace folder>/serving/<endpoint>`; may not exist yet.
        after: Worker → position of the last record already taken; a worker that is not named is read from its start.

    Yields:
        `(worker, position, record)`. Keep the last position of each worker to go on later.
    """
    cursors = after or {}
    for worker in workers(folder):
        for position, record in read_worker(folder / worker, cursors.get(worker, "")):
            yield worker, position, record


def workers(folder: Path) -> list[str]:
    """Name the workers that have written under an endpoint's folder, oldest first."""
    return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def read_worker(folder: Path, after: str = "") -> Iterator[tuple[str, Prediction | Label]]:
    """Read one worker's log after a position; see `read`."""
    before, _, skipped = after.partition("+")
    skip = int(skipped or 0)
    for position, data in read_journal(folder, before or None):
        records = _records(_FRAME.decode(data))
        last = len(records) - 1
        for index, record in enumerate(records):
            if index >= skip:
                yield (position if index == last else f"{before}+{index + 1}"), record
        before, skip = position, 0


def _records(frame: Exchange | Told) -> list[Prediction | Label]:
    if isinstance(frame, Told):
        return [Label(id=id, at=frame.at, label=label, row=row) for id, row, label in frame.labels]
    rows = frame.rows or [{}]
    return [
        Prediction(
            id=frame.id,
            at=frame.at,
            endpoint=frame.endpoint,
            model=frame.model,
            version=frame.version,
            row=index,
            features=features,
            answer=frame.answers[index] if index < len(frame.answers) else None,
            status=frame.status,
            latency_us=frame.latency_us,
            error=frame.error,
        )
        for index, features in enumerate(rows)
    ]


_FRAME = msgspec.msgpack.Decoder(Exchange | Told)
