"""The fields of a form that a page posted."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from fettle.core.errors import Invalid

LONGEST_BYTES = 64 << 10


async def fields_of(request: Request, most: int = LONGEST_BYTES) -> dict[str, str]:
    """The fields of a form; the last one wins where one is given twice.

    Raises:
        Invalid: It is longer than `most` bytes; the rest is not read.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Invalid("That form is too long.", found=f"more than {most:,} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
