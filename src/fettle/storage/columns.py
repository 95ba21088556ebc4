"""Column types that mean the same in every database: moments and JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator

from fettle.core.canonical import decode, encode
from fettle.core.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class At(TypeDecorator[datetime]):
    """A moment: an aware `datetime` outside, microseconds since 1970 (UTC) inside; sorts and subtracts as a number."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise Invalid(
                f"The time {value.isoformat()} has no time zone.", hint="Use clock.now(), which is UTC."
            )
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class Json(TypeDecorator[Any]):
    """Any JSON-able value or msgspec record, kept as canonical JSON text; reads back as dicts, lists and scalars.

    Args:
        kind: Read back as this type (a record, `list[Part]`) instead.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any = Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else decode(value, self.kind)
