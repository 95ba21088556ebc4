"""Failures in MLflow's form: `{"error_code": …, "message": …}` with the status its clients expect.

Its clients repeat a request that was answered with 408, 429 or 5xx, for minutes; so what a user did wrong is never
answered with one of these.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from fettle.core.errors import (
    Conflict,
    Denied,
    FettleError,
    Invalid,
    MissingExtra,
    NotFound,
    Unavailable,
)

STATUS = {
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
}
"""MLflow's code → the status it is sent with."""


class Refused(FettleError):
    """A failure that MLflow's clients know under a code of their own.

    Args:
        code: One of `STATUS`.
        message: What they show.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.error_code = code


def invalid(message: str) -> Refused:
    """A wrong argument."""
    return Refused("INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> Refused:
    """Something that is not there."""
    return Refused("RESOURCE_DOES_NOT_EXIST", message)


def code_of(error: FettleError) -> str:
    """The code under which MLflow's clients know an error."""
    if isinstance(error, Refused):
        return error.error_code
    if isinstance(error, Denied):
        return "UNAUTHENTICATED" if error.status == 401 else "PERMISSION_DENIED"
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return "INTERNAL_ERROR"


_CODES: tuple[tuple[type[FettleError], str], ...] = (
    (NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (Invalid, "INVALID_PARAMETER_VALUE"),
    (Conflict, "INVALID_PARAMETER_VALUE"),
    (MissingExtra, "NOT_IMPLEMENTED"),
    (Unavailable, "TEMPORARILY_UNAVAILABLE"),
)


def answer(error: FettleError) -> Response:
    """The response for an error; what was found and what to do are part of the message."""
    code = code_of(error)
    message = error.message if isinstance(error, Refused) else str(error).replace("\n", " ")
    headers = {"WWW-Authenticate": "Bearer"} if code == "UNAUTHENTICATED" else {}
    body = msgspec.json.encode({"error_code": code, "message": clean(message)})
    return Response(body, STATUS[code], headers, "application/json")


def clean(text: str) -> str:
    """The text without lone surrogates, which no JSON can carry."""
    return text.encode("utf-8", "replace").decode()
