"""Read TensorBoard's event files: scalars, texts, images and hyper-parameters.

An event file is a row of records: length (8 bytes), masked CRC-32C of the length, the message, masked CRC-32C of it.
A folder that holds event files is a run; its path below the given folder is its name. A record that is cut off at the
end of a file belongs to a writer that still runs, or was killed: what comes before it counts.
"""

from __future__ import annotations

import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fettle.core.errors import Invalid, NotFound
from fettle.tracking.imports import wire
from fettle.tracking.imports.foreign import Curves, ForeignRun, Found, attempt, id_of, points_of
from fettle.tracking.imports.moments import microseconds_of
from fettle.tracking.points import moment

_HEAD = struct.Struct("<QI")
_MOST_RECORD_BYTES = 1 << 30
_CHECKED_BYTES = 64 << 10  # pictures beyond it are taken as they are: the sum takes 0.1 µs a byte here
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
_ENDINGS = {b"\x89PNG": "png", b"\xff\xd8\xff\xe0": "jpg", b"GIF8": "gif"}


def read(folder: Path, *, experiment: str = "") -> Found:
    """The runs below a log folder.

    Args:
        folder: What `tensorboard --logdir` is given, or one event file.
        experiment: Where they go; the folder's name otherwise.

    Raises:
        NotFound: There are no event files.
    """
    found = [folder] if folder.is_file() else sorted(folder.rglob("*tfevents*"))
    files = [each for each in found if not each.is_symlink()]
    if not files:
        raise NotFound(
            f"There are no event files in {folder}.", hint="Give the folder that tensorboard --logdir gets."
        )
    by_run: dict[Path, list[Path]] = defaultdict(list)
    for each in files:
        by_run[each.parent].append(each)
    base = folder.parent if folder.is_file() else folder
    for place, members in by_run.items():
        name = place.relative_to(base).as_posix()
        name = base.name if name == "." else name
        id = id_of("tensorboard", str(base.resolve()), name)
        goes_to = experiment or base.name or "tensorboard"
        yield attempt(name, partial(_run, id, goes_to, name, members))


@dataclass
class _Gathered:
    """What one pass over the files of a run gathers."""

    rows: dict[str, list[tuple[int, int, float]]] = field(default_factory=lambda: defaultdict(list))
    params: dict[str, str | float | bool] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    images: list[tuple[str, int, bytes]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first_us: int | None = None
    last_us: int | None = None


def _run(id: str, experiment: str, name: str, files: list[Path]) -> ForeignRun:
    found = _Gathered()
    for each in files:
        for event in _events(each):
            _take(event, found)
    tags = {
        "source": "TensorBoard",
        **{f"text.{key}": value for key, value in found.texts.items() if len(value) < 2000},
    }
    return ForeignRun(
        id=id,
        experiment=experiment,
        name=name,
        started_at=_at(found.first_us),
        ended_at=_at(found.last_us),
        params=found.params,
        tags=tags,
        curves=lambda: _curves(found),
        files=lambda: _files(found, files),
        left=[f"{count} of the kind {kind}" for kind, count in sorted(found.left.items())],
    )


def _at(at_us: int | None) -> datetime | None:
    return None if at_us is None else moment(at_us)


def _curves(found: _Gathered) -> Curves:
    for key, rows in found.rows.items():
        yield key, points_of(rows)


def _files(found: _Gathered, files: list[Path]) -> Iterator[tuple[str, Path]]:
    for each in files:
        yield f"events/{each.name}", each
    with tempfile.TemporaryDirectory() as folder:
        for tag, step, data in found.images:
            path = Path(folder) / "image"
            path.write_bytes(data)
            ending = next((end for start, end in _ENDINGS.items() if data.startswith(start)), "bin")
            yield f"images/{tag}/{step:08}.{ending}", path


def _take(event: bytes, found: _Gathered) -> None:
    at_us = step = 0
    summary = b""
    for number, kind, value in wire.fields(event):
        if number == 1 and kind == wire.FIXED64:
            at_us = microseconds_of(wire.double(value))
        elif number == 2 and isinstance(value, int):
            step = wire.signed(value)
        elif number == 5 and isinstance(value, bytes):
            summary = value
    if not summary:
        return
    found.first_us = at_us if found.first_us is None else min(found.first_us, at_us)
    found.last_us = at_us if found.last_us is None else max(found.last_us, at_us)
    for number, _, value in wire.fields(summary):
        if number == 1 and isinstance(value, bytes):
            _take_value(value, step, at_us, found)


@dataclass
class _Value:
    """One value of a summary, whatever it holds."""

    tag: str = ""
    plugin: str = ""
    content: bytes = b""
    tensor: bytes = b""
    image: bytes = b""
    simple: float | None = None


def _value_of(data: bytes) -> _Value:
    found = _Value()
    for number, kind, part in wire.fields(data):
        if number == 1:
            found.tag = wire.text(part)
        elif number == 2 and kind == wire.FIXED32:
            found.simple = wire.single(part)
        elif number in (5, 6):
            found.plugin = {5: "histograms", 6: "audio"}[number]
        elif number == 4 and isinstance(part, bytes):
            found.image = wire.parts(part, 4).get(4, b"")
        elif number == 8 and isinstance(part, bytes):
            found.tensor = part
        elif number == 9 and isinstance(part, bytes):
            found.plugin, found.content = _plugin(part)
    return found


def _take_value(data: bytes, step: int, at_us: int, found: _Gathered) -> None:
    value = _value_of(data)
    if value.plugin == "hparams":
        found.params.update(_hparams(value.content))
    elif value.image:
        found.images.append((value.tag, step, value.image))
    elif value.tensor and value.plugin in ("text", "images"):
        _take_strings(value.plugin, value.tag, step, value.tensor, found)
    else:
        number = value.simple if value.simple is not None else _scalar(value.tensor)
        if number is not None and value.plugin in ("", "scalars"):
            found.rows[value.tag].append((step, at_us, number))
        elif value.plugin:
            found.left[value.plugin] += 1


def _take_strings(plugin: str, tag: str, step: int, tensor: bytes, found: _Gathered) -> None:
    strings = [part for number, _, part in wire.fields(tensor) if number == 8 and isinstance(part, bytes)]
    if plugin == "text":
        found.texts[tag.removesuffix("/text_summary")] = "\n".join(wire.text(each) for each in strings)
    else:  # width, height, then the images themselves
        found.images += [
            (f"{tag}-{place}" if place else tag, step, data) for place, data in enumerate(strings[2:])
        ]


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    data = wire.parts(metadata, 1).get(1, b"")
    named = wire.parts(data, 1, 2)
    return wire.text(named.get(1)), named.get(2, b"")


def _scalar(tensor: bytes) -> float | None:
    """The one number of a TensorProto; None if it holds more or something else."""
    dtype, content, single = 0, b"", None
    for number, kind, part in wire.fields(tensor):
        if number == 1 and isinstance(part, int):
            dtype = part
        elif number == 4 and isinstance(part, bytes):
            content = part
        elif number == 5:
            single = _packed(part, kind, "<f4", wire.single)
        elif number == 6:
            single = _packed(part, kind, "<f8", wire.double)
    if content and dtype in _DTYPES:
        numbers = np.frombuffer(content, _DTYPES[dtype])
        return float(numbers[0]) if len(numbers) == 1 else None
    return single


def _packed(part: int | bytes, kind: int, dtype: str, one) -> float | None:
    if kind != wire.BYTES:
        return one(part)
    numbers = np.frombuffer(part if isinstance(part, bytes) else b"", dtype)
    return float(numbers[0]) if len(numbers) == 1 else None


def _hparams(content: bytes) -> dict[str, str | float | bool]:
    """The hyper-parameters of a session: field 4 of the plugin's data is SessionStartInfo, 1 there the map."""
    found: dict[str, str | float | bool] = {}
    session = wire.parts(content, 4, 3)
    for number, _, entry in wire.fields(session.get(3, b"") or session.get(4, b"")):
        if number == 1 and isinstance(entry, bytes):
            pair = wire.parts(entry, 1, 2)
            value = _value(pair.get(2, b""))
            if value is not None:
                found[wire.text(pair.get(1))] = value
    return found


def _value(data: bytes) -> str | float | bool | None:
    """A `google.protobuf.Value`: number 2, text 3, boolean 4."""
    for number, _, part in wire.fields(data):
        if number == 2:
            return wire.double(part)
        if number == 3:
            return wire.text(part)
        if number == 4:
            return bool(part)
    return None


def _events(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            record = _record(head, file, path)
            if record is None:
                return
            yield record


def _record(head: bytes, file: BinaryIO, path: Path) -> bytes | None:
    """The record behind its head; None if the file ends within it."""
    if len(head) < _HEAD.size:
        return None
    length, check = _HEAD.unpack(head)
    if _masked(head[:8]) != check or length > _MOST_RECORD_BYTES:
        raise _damaged(path, file.tell())
    data = file.read(length + 4)
    if len(data) < length + 4:
        return None
    if length <= _CHECKED_BYTES and _masked(data[:length]) != int.from_bytes(data[length:], "little"):
        raise _damaged(path, file.tell())
    return data[:length]


def _damaged(path: Path, before: int) -> Invalid:
    return Invalid(
        f"{path} is no event file, or is damaged.",
        found=f"a bad record before byte {before:,}",
        hint="Take the file out of the folder to import the others.",
    )


def _masked(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _table()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> list[int]:
    """CRC-32C, reflected polynomial 0x82F63B78 (Castagnoli)."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table
