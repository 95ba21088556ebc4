"""Page tokens: opaque to clients, the number of results that come before for us."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from fettle.protocols.mlflow.errors import invalid

T = TypeVar("T")


def offset_of(token: str | None) -> int:
    """How many results come before the page of a token; 0 without one.

    Raises:
        Refused: The token is not one of ours.
    """
    if not token:
        return 0
    try:
        offset = msgspec.json.decode(base64.b64decode(token, validate=True), type=_Place).offset
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid("Invalid page token, could not base64-decode") from None
    if not 0 <= offset < 1 << 53:
        raise invalid("Invalid page token")
    return offset


def token_of(offset: int) -> str:
    """The token of the page behind `offset` results."""
    return base64.b64encode(msgspec.json.encode(_Place(offset))).decode()


def page(found: Sequence[T], token: str | None, most: int) -> tuple[list[T], str | None]:
    """The page of a token, and the token of the next one if there is one."""
    start = offset_of(token)
    end = start + most
    return list(found[start:end]), token_of(end) if len(found) > end else None


class _Place(msgspec.Struct):
    offset: int
