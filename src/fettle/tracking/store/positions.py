"""Cursors: the place behind the last run of a page, as opaque text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from fettle.core.errors import Invalid
from fettle.tracking.records.search import Order
from fettle.tracking.store.sorting import sortings


@dataclass(frozen=True)
class Position:
    """Behind the row with these values of the sorted columns; `missing`: it lacked the first of them."""

    order: Sequence[Order]
    missing: bool
    values: list[Any]


def write_position(position: Position) -> str:
    plain = json.dumps([_mark(position.order), position.missing, position.values], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_position(cursor: str, order: Sequence[Order]) -> Position:
    """The position a cursor names.

    Raises:
        Invalid: It is no cursor, or comes from a search that was sorted otherwise.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        mark, missing, values = json.loads(raw)
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused("it is none that a search has given") from error
    kinds = [key.kind.python_type for sorting in sortings(order) for key in sorting.keys]
    if mark != _mark(order) or not isinstance(missing, bool):
        raise _refused("it comes from a search with another order")
    if not isinstance(values, list) or len(values) != len(kinds):
        raise _refused("it does not say where to go on")
    if not all(_fits(each, kind) for each, kind in zip(values, kinds, strict=True)):
        raise _refused("its values are of another kind")
    return Position(order, missing, values)


def _fits(value: Any, kind: type) -> bool:
    """Whether a database takes a value in place of one of a column's kind."""
    if isinstance(value, str):
        return kind is str and "\0" not in value and _is_writable(value)
    if isinstance(value, float):
        return kind is float
    if isinstance(value, bool) or kind is str:
        return value is None
    return value is None or (isinstance(value, int) and abs(value) < 1 << 63)


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mark(order: Sequence[Order]) -> str:
    return hashlib.blake2b(msgspec.json.encode(list(order)), digest_size=6).hexdigest()


def _refused(found: str) -> Invalid:
    return Invalid(
        "The cursor cannot be used here.",
        found=found,
        hint="Give `next` of the page before, with the same order_by; or leave it out to begin anew.",
    )
