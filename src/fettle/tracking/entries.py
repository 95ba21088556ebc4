"""What a journal of metrics holds: fixed binary records, whose keys are declared once.

Two kinds of records, told apart by their first byte:

    1, three zeros, u32 form, then the keys of that form as MessagePack
    2, three zeros, u32 form, i64 step, i64 time in µs since 1970, then a float64 for each key of the form

A form is a tuple of keys: what one call of `log` names. Journals of before hold MessagePack triples of step, time and
values, whose first byte is 0x93; they are read too. All numbers are little-endian.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from fettle.core.errors import Invalid
from fettle.storage.frames import stride
from fettle.tracking.names import check_key

if TYPE_CHECKING:
    import numpy as np

    from fettle.storage.ports import Journal
    from fettle.tracking.chunks import Points

MOST_METRICS = 5000
"""Metrics in one call of `log`."""
REFUSED = (struct.error, TypeError, ValueError, OverflowError, RuntimeError)
"""What packing raises for something that is no number; `plain_numbers` says which it was."""

_DECLARES, _LOGS, _OLD = 1, 2, 0x93
_HEAD = struct.Struct("<BxxxI")
_FRAME_BYTES = 8
_FIXED_BYTES = 24

_decode_keys = msgspec.msgpack.Decoder(list[str]).decode
_decode_old = msgspec.msgpack.Decoder(tuple[int, int, dict[str, float]]).decode


@dataclass(frozen=True, slots=True)
class Form:
    """A tuple of keys as one journal knows it.

    Attributes:
        number: Its number in the journal.
        pack: Kind, number, step, time and values to bytes.
        append: Puts those into the journal.
    """

    number: int
    pack: Callable[..., bytes]
    append: Callable[[bytes], object]


def declare(journal: Journal, number: int, keys: tuple[str, ...]) -> Form:
    """Write down what `number` stands for, so that records can follow.

    Raises:
        Invalid: A key cannot name a metric, or they are too many.
    """
    if len(keys) > MOST_METRICS:
        raise Invalid(
            "That are too many metrics at once.",
            found=f"{len(keys):,}",
            hint=f"At most {MOST_METRICS:,} in a call; a table belongs into an artifact.",
        )
    for key in keys:
        if not isinstance(key, str):
            raise Invalid("A metric's name is a text.", found=f"{key!r}"[:80])
        check_key("metric", key)
    packer = struct.Struct(f"<BxxxIqq{len(keys)}d")
    journal.append(_HEAD.pack(_DECLARES, number) + msgspec.msgpack.encode(list(keys)))
    return Form(number, packer.pack, journal.appender(packer.size))


def plain_numbers(step: Any, values: Mapping[str, Any]) -> tuple[int, dict[str, float]]:
    """Step and values as the journal takes them.

    Raises:
        Invalid: The step is no whole number of 64 bits, or a value no number.
    """
    return _whole(step), {key: number(key, value) for key, value in values.items()}


def number(key: str, value: Any) -> float:
    """A metric's value as a float.

    Raises:
        Invalid: It is no number, or one too large for a float.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # torch: a tensor of many values
        raise Invalid(
            f"The metric {key!r} takes numbers.",
            found=f"{value!r}"[:80] if not isinstance(value, int) else "an integer beyond 1.8e308",
            hint="Use a tag for text: run.set(tags={…})",
        ) from error


def _whole(step: Any) -> int:
    try:
        found = int(step)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or found != step or not -(2**63) <= found < 2**63:
        raise Invalid(
            "A step is a whole number of 64 bits.",
            found=f"{type(step).__name__} {step!r}"[:80] if not isinstance(step, int) else "a greater one",
            hint="run.log(loss=0.3, step=7)",
        )
    return found


@dataclass(frozen=True)
class Group:
    """Records of one length that follow each other in a journal, as `frames.read_groups` finds them.

    Attributes:
        position: Behind the last of them.
        length: Of each record, in bytes.
        frames: The records with their frames.
    """

    position: str
    length: int
    frames: bytes

    def __len__(self) -> int:
        return len(self.frames) // stride(self.length)

    def behind(self, count: int) -> Group:
        """The same without the first `count` records."""
        return Group(self.position, self.length, self.frames[count * stride(self.length) :])

    def upto(self, count: int) -> Group:
        """The first `count` records."""
        return Group(self.position, self.length, self.frames[: count * stride(self.length)])

    def records(self) -> Iterator[bytes]:
        """Each record by itself."""
        for start in range(_FRAME_BYTES, len(self.frames), stride(self.length)):
            yield self.frames[start : start + self.length]

    @property
    def most_points(self) -> int:
        """How many points these can hold."""
        return len(self) * max((self.length - _FIXED_BYTES) // 8, 1)


class Reader:
    """Reads the records of one journal, in order; remembers the forms it met."""

    def __init__(self, forms: Mapping[int, list[str]] | None = None) -> None:
        self.forms: dict[int, list[str]] = dict(forms or {})

    def learn(self, group: Group) -> None:
        """Note the forms that are declared in a group; to be called for every group, in order."""
        first = group.frames[_FRAME_BYTES :: stride(group.length)]
        if _DECLARES in first:
            for record in itertools.compress(group.records(), (kind == _DECLARES for kind in first)):
                self.forms[_HEAD.unpack_from(record)[1]] = _decode_keys(record[_HEAD.size :])

    def columns(self, groups: Sequence[Group]) -> dict[str, Points]:
        """The points in groups that were learned, a column for each metric, in the order of logging."""
        from fettle.tracking.chunks import Points

        found: dict[str, list[Points]] = {}
        for group in groups:
            for key, points in self._points(group):
                found.setdefault(key, []).append(points)
        return {key: parts[0] if len(parts) == 1 else Points.joined(parts) for key, parts in found.items()}

    def _points(self, group: Group) -> Iterator[tuple[str, Points]]:
        if group.frames[_FRAME_BYTES] == _OLD:
            return self._old(group)
        return self._logged(group)

    def _logged(self, group: Group) -> Iterator[tuple[str, Points]]:
        import numpy as np

        rows = np.frombuffer(group.frames, np.uint8).reshape(len(group), -1)
        kinds = rows[:, _FRAME_BYTES]
        if not (kinds == _LOGS).all():
            rows = np.ascontiguousarray(rows[kinds == _LOGS])
        if not len(rows):
            return
        table = rows.view(_row_type((group.length - _FIXED_BYTES) // 8))[:, 0]
        numbers = np.unique(table["form"])
        if len(numbers) == 1:
            yield from _split(self.forms[int(numbers[0])], table)
        else:
            yield from self._mixed(table, numbers.tolist())

    def _mixed(self, table: np.ndarray, numbers: list[int]) -> Iterator[tuple[str, Points]]:
        """Several forms in turns: a metric that is in more than one keeps the order of logging."""
        import numpy as np

        places: dict[str, list[tuple[np.ndarray, int]]] = {}
        for number in numbers:
            mine = np.flatnonzero(table["form"] == number)
            for column, key in enumerate(self.forms[number]):
                places.setdefault(key, []).append((mine, column))
        for key, found in places.items():
            rows = np.concatenate([mine for mine, _ in found])
            columns = np.concatenate([np.full(len(mine), column) for mine, column in found])
            order = np.argsort(rows, kind="stable")
            rows, columns = rows[order], columns[order]
            yield key, _columns(table["step"][rows], table["at"][rows], table["values"][rows, columns])

    def _old(self, group: Group) -> Iterator[tuple[str, Points]]:
        import numpy as np

        for record in group.records():
            step, at_us, values = _decode_old(record)
            for key, value in values.items():
                yield key, _columns(np.array([step]), np.array([at_us]), np.array([value]))


def _row_type(values: int) -> list[tuple[Any, ...]]:
    """One record with its frame as NumPy sees it."""
    return [
        ("frame", f"V{_FRAME_BYTES + 4}"),
        ("form", "<u4"),
        ("step", "<i8"),
        ("at", "<i8"),
        ("values", "<f8", (values,)),
    ]


def _split(keys: list[str], table: np.ndarray) -> Iterator[tuple[str, Points]]:
    for column, key in enumerate(keys):
        yield key, _columns(table["step"], table["at"], table["values"][:, column])


def _columns(steps: np.ndarray, at_us: np.ndarray, values: np.ndarray) -> Points:
    import numpy as np

    from fettle.tracking.chunks import Points

    return Points(
        np.ascontiguousarray(steps, "<i8"),
        np.ascontiguousarray(at_us, "<i8"),
        np.ascontiguousarray(values, "<f8"),
    )
