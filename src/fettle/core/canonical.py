"""One byte string for one value: the form that is hashed, signed and compared.

JSON with sorted keys, no spaces, UTF-8, times in UTC; records are written as their fields.
"""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a JSON-able value or record.

    Floats are written in their shortest exact form; NaN and infinities become null, as JSON knows none.

    Example:
        >>> encode({"b": 1, "a": [True, None]})
        b'{"a":[true,null],"b":1}'
    """
    import msgspec

    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes | str, kind: type[T] | Any = Any) -> Any:
    """Read JSON bytes back, checked against `kind` when one is given."""
    import msgspec

    return msgspec.json.decode(data, type=kind)
