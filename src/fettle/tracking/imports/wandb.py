"""Read the offline folders of Weights & Biases: `wandb/offline-run-*/run-*.wandb`, and those that were synced.

The file is a log of records in blocks of 32 KiB behind a head of seven bytes; a record is one protocol-buffer message,
cut into pieces where it crosses a block. A log that is cut off at its end belongs to a run that was killed.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid, NotFound
from fettle.tracking.imports import wire
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, files_below, points_of
from fettle.tracking.imports.moments import microseconds_of
from fettle.tracking.points import moment
from fettle.tracking.records.runs import Status

_HEAD_BYTES = 7
_BLOCK = 32 << 10
_PIECE = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_HISTORY, _SUMMARY, _CONFIG, _STATS, _RUN, _EXIT = 2, 3, 5, 7, 17, 18


def read(folder: Path, *, experiment: str = "") -> Found:
    """The runs below a folder.

    Args:
        folder: A project's `wandb` folder, one run's folder, or a `.wandb` file.
        experiment: Where they go; the W&B project otherwise.

    Raises:
        NotFound: There is no `.wandb` file.
    """
    files = [folder] if folder.is_file() else sorted({each.resolve() for each in folder.rglob("run-*.wandb")})
    if not files:
        raise NotFound(
            f"There are no .wandb files in {folder}.", hint="Give the folder wandb that a training made."
        )
    for path in files:
        yield attempt(path.name, partial(_run, path, experiment))


@dataclass
class _Gathered:
    """What one pass over the log of a run gathers."""

    about: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, int, float]]] = field(default_factory=lambda: defaultdict(list))
    exit_code: int | None = None
    step: int = -1
    last_us: int | None = None
    left: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def _run(path: Path, experiment: str) -> ForeignRun:
    found = _Gathered()
    for record in records(path):
        _take(record, found)
    about = found.about
    left = [f"{count} values of {key}, which is no number" for key, count in sorted(found.left.items())]
    status: Status = "killed" if found.exit_code is None else "failed" if found.exit_code else "finished"
    tags = {"source": "Weights & Biases", **about.get("tags", {})}
    tags |= {f"summary.{key}": str(value) for key, value in found.summary.items() if isinstance(value, str)}
    return ForeignRun(
        id=f"wandb-{about.get('id') or path.stem.removeprefix('run-')}",
        experiment=experiment or about.get("project") or "wandb",
        name=about.get("name", ""),
        status=status,
        started_at=_at(about.get("started_us")),
        ended_at=_at(found.last_us or about.get("started_us")),
        params=flat({key: value for key, value in found.config.items() if key != "_wandb"}),
        tags=tags,
        notes=about.get("notes", ""),
        curves=lambda: _curves(found),
        files=lambda: files_below(path.parent / "files", left),
        left=left,
    )


def _at(at_us: int | None) -> datetime | None:
    return None if at_us is None else moment(at_us)


def _curves(found: _Gathered) -> Curves:
    """The history, and of the summary what the history does not end with: numbers that were set by hand."""
    for key, rows in found.rows.items():
        yield key, points_of(rows)
    for key, value in flat(found.summary).items():
        number = number_of(value)
        if key not in found.rows and number is not None and not key.startswith("_"):
            yield key, points_of([(max(found.step, 0), found.last_us or 0, number)])


def _take(record: bytes, found: _Gathered) -> None:
    for number, _, value in wire.fields(record):
        if not isinstance(value, bytes):
            continue
        if number == _HISTORY:
            _take_history(value, found)
        elif number == _STATS:
            _take_stats(value, found)
        elif number in (_SUMMARY, _CONFIG):
            _merge(found.summary if number == _SUMMARY else found.config, value)
        elif number == _RUN:
            _take_run(value, found)
        elif number == _EXIT:
            found.exit_code = next(
                (part for at, _, part in wire.fields(value) if at == 1 and isinstance(part, int)), 0
            )


def _take_run(value: bytes, found: _Gathered) -> None:
    tags: dict[str, str] = {}
    names = {1: "id", 3: "project", 8: "name", 9: "notes"}
    for number, _, part in wire.fields(value):
        if not isinstance(part, bytes):
            continue
        if number in names:
            found.about[names[number]] = wire.text(part)
        elif number == 4:
            _merge(found.config, part)
        elif number in (6, 7, 12, 13) and part:
            tags[{6: "group", 7: "job_type", 12: "sweep", 13: "host"}[number]] = wire.text(part)
        elif number == 10:
            tags[f"tag.{wire.text(part)}"] = ""
        elif number == 17:
            found.about["started_us"] = _timestamp(part)
        elif number == 21:
            git = wire.parts(part, 1, 2)
            tags |= {"git.commit": wire.text(git.get(2))} if git.get(2) else {}
    found.about["tags"] = found.about.get("tags", {}) | tags


def _timestamp(data: bytes) -> int:
    seconds = nanos = 0
    for number, _, part in wire.fields(data):
        if isinstance(part, int):
            seconds, nanos = (part, nanos) if number == 1 else (seconds, part)
    return microseconds_of(seconds) + nanos // 1000


def _take_history(value: bytes, found: _Gathered) -> None:
    items: dict[str, Any] = {}
    for number, _, part in wire.fields(value):
        if number == 1 and isinstance(part, bytes):
            key, given = _item(part)
            items[key] = given
        elif number == 2 and isinstance(part, bytes):
            found.step = next((at for one, _, at in wire.fields(part) if one == 1 and isinstance(at, int)), 0)
    found.step = int(items.pop("_step", found.step if found.step >= 0 else 0))
    at_us = microseconds_of(float(items.pop("_timestamp", 0))) or found.last_us or 0
    found.last_us = max(found.last_us or 0, at_us)
    items.pop("_runtime", None)
    for key, given in flat(items).items():
        number = number_of(given)
        if number is None:
            found.left[key] += 1
        else:
            found.rows[key].append((found.step, at_us, number))


def _take_stats(value: bytes, found: _Gathered) -> None:
    """What the machine did: `system/…`, counted in steps of its own."""
    at_us, items = 0, []
    for number, _, part in wire.fields(value):
        if number == 2 and isinstance(part, bytes):
            at_us = _timestamp(part)
        elif number == 3 and isinstance(part, bytes):
            items.append(_item(part))
    for key, given in items:
        number = number_of(given)
        if number is not None:
            rows = found.rows[f"system/{key}"]
            rows.append((len(rows), at_us, number))


def _merge(into: dict[str, Any], record: bytes) -> None:
    for number, _, part in wire.fields(record):
        if isinstance(part, bytes) and number in (1, 2):
            key, value = _item(part)
            if number == 1:
                into[key] = value
            else:
                into.pop(key, None)


def _item(data: bytes) -> tuple[str, Any]:
    """Key and value of an item; a nested key is joined by dots."""
    key, nested, value = "", [], None
    for number, _, part in wire.fields(data):
        if number == 1:
            key = wire.text(part)
        elif number == 2:
            nested.append(wire.text(part))
        elif number == 4:
            value = bool(part)
        elif number == 5 and isinstance(part, int):
            value = wire.signed(part)
        elif number == 6:
            value = wire.double(part)
        elif number == 7:
            value = wire.text(part)
        elif number in (8, 16) and isinstance(part, bytes):
            value = _json(part)
    return key or ".".join(nested), value


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return wire.text(data)


def flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Tables within tables as keys with dots."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and value and "_type" not in value:
            found |= flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def number_of(value: Any) -> float | None:
    """A number, also one that JSON cannot write: W&B keeps those as texts."""
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return math.nan if value == "NaN" else float(value.replace("Infinity", "inf"))
    return None


def records(path: Path) -> Iterator[bytes]:
    """The records of a log; those behind a cut-off end are not there.

    Raises:
        Invalid: The file is no such log, or a piece is damaged.
    """
    data = path.read_bytes()
    if data[:4] != b":W&B":
        raise Invalid(
            f"{path} is no log of Weights & Biases.", found=repr(data[:8]), hint="Give a run-*.wandb file."
        )
    place, whole = _HEAD_BYTES, b""
    while place + _PIECE.size <= len(data):
        room = _BLOCK - place % _BLOCK
        if room < _PIECE.size:
            place += room
            continue
        check, size, kind = _PIECE.unpack_from(data, place)
        if kind == 0 and size == 0:
            place += room  # the rest of the block is empty
            continue
        piece = data[place + _PIECE.size : place + _PIECE.size + size]
        if len(piece) < size:
            return
        if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != check:
            raise Invalid(f"{path} is damaged.", found=f"a wrong checksum at byte {place:,}")
        place += _PIECE.size + size
        whole = piece if kind in (_FULL, _FIRST) else whole + piece
        if kind in (_FULL, _LAST):
            yield whole
            whole = b""
