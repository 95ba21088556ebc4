"""Requests read into typed structs, and answers written as MLflow's JSON.

A request's struct names the fields that its endpoint reads: without a default means required and not empty. Unknown
fields are passed over, `null` is as good as absent, numbers may come as text.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.requests import Request

from fettle.acts import Role
from fettle.protocols.mlflow.errors import Refused, invalid
from fettle.workspace import Workspace

BODY_LIMIT_BYTES = 32 << 20
"""Of one JSON body: a dataset's profile alone may have 16 MB."""

S = TypeVar("S", bound=msgspec.Struct)
Handler = TypeVar("Handler", bound=Callable[..., Any])


class Caller(Protocol):
    """Who calls."""

    @property
    def actor(self) -> str: ...

    @property
    def role(self) -> Role: ...


@dataclass(frozen=True)
class Call:
    """One request of one caller, answered by acts."""

    workspace: Workspace
    caller: Caller

    def perform(self, act: str, /, **arguments: Any) -> Any:
        """Perform an act for the caller; arguments that are None are left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return self.workspace.perform(act, given, actor=self.caller.actor, role=self.caller.role)


@dataclass(frozen=True)
class Endpoint:
    """One method on one path.

    Attributes:
        method: Such as `POST`.
        path: Such as `runs/create`; `{model_id}` matches one segment and becomes a field of the request.
        answer: Takes a `Call` and the request's struct; returns what is written as JSON, None for an empty object.
        version: Of the API.
    """

    method: str
    path: str
    answer: Callable[..., Any]
    version: str

    @cached_property
    def asks(self) -> type[msgspec.Struct]:
        """The struct that the endpoint reads."""
        return typing.get_type_hints(self.answer)["asked"]


@dataclass(frozen=True)
class Book:
    """The endpoints of one resource."""

    endpoints: list[Endpoint] = field(default_factory=list)

    def on(self, method: str, path: str, *, version: str = "2.0") -> Callable[[Handler], Handler]:
        """Declare the decorated function to answer a method on a path."""

        def declare(function: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, path, function, version))
            return function

        return declare


async def body_of(request: Request) -> bytes:
    """The request's body.

    Raises:
        Refused: It is too large.
    """
    if request.method == "GET" and request.query_params:
        return b""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT_BYTES:
            raise invalid(f"The request is too large: at most {BODY_LIMIT_BYTES:,} bytes.")
    return bytes(body)


def taken(request: Request, body: bytes, kind: type[S], named: dict[str, str] | None = None) -> S:
    """The request as its struct: fields of the query for a GET, else of the JSON body; those of the path go first.

    What is plainly right is decoded into the struct at once; all else goes the long way, which explains it.

    Args:
        request: What was asked.
        body: What `body_of` read of it.
        kind: The struct.
        named: Fields of the path.

    Raises:
        Refused: The body is no JSON object, or a field is missing or has the wrong type.
    """
    if body and not named and b"null" not in body:
        try:
            asked: S = _decoder(kind).decode(body)
            _check_filled(asked, "")
            if getattr(asked, "run_id", "x"):
                return asked
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Refused):
            pass  # it is explained below
    return read({**_fields(request, body, kind), **(named or {})}, kind)


@cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


def _fields(request: Request, body: bytes, kind: type[msgspec.Struct]) -> dict[str, Any]:
    if request.method == "GET" and request.query_params:
        lists = {each.name for each in msgspec.structs.fields(kind) if _is_list(each.type)}
        query = request.query_params
        return {name: query.getlist(name) if name in lists else query[name] for name in query}
    if not body:
        return {}
    try:
        decoded = msgspec.json.decode(body)
        if isinstance(decoded, str):  # clients of old encoded twice
            decoded = msgspec.json.decode(decoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("BAD_REQUEST", f"The body is not JSON: {str(error)[:200]}") from None
    if not isinstance(decoded, dict):
        raise Refused("BAD_REQUEST", "The body is not a JSON object.")
    return decoded


def read(fields: dict[str, Any], kind: type[S]) -> S:
    """The request as its struct.

    Raises:
        Refused: A field is missing or has the wrong type; the message names it as MLflow does.
    """
    given = _without_nulls(fields)
    if "run_id" in kind.__struct_fields__ and not given.get("run_id") and given.get("run_uuid"):
        given["run_id"] = given["run_uuid"]
    try:
        asked = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _explained(str(error), given) from None
    _check_filled(asked, "")
    return asked


def write(answer: Any) -> bytes:
    """The answer's JSON; None is an empty object."""
    return b"{}" if answer is None else msgspec.json.encode(answer)


def wrong(path: str, value: Any, hint: str = "") -> Refused:
    """The error for a value that a parameter cannot have, in MLflow's words."""
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    shown = shown if len(shown) <= 1000 else shown[:1000] + "…"
    return invalid(f"Invalid value {shown} for parameter '{path}' supplied" + (f": {hint}" if hint else "."))


def absent(path: str) -> Refused:
    """The error for a parameter that must be there, in MLflow's words."""
    return invalid(
        f"Missing value for required parameter '{path}'. "
        "See the API docs for more information about request parameters."
    )


_AT = re.compile(r" - at `\$\.?(.*)`$")
_REQUIRED = re.compile(r"missing required field `(\w+)`")


def _explained(problem: str, given: dict[str, Any]) -> Refused:
    found = _AT.search(problem)
    path = found.group(1) if found else ""
    required = _REQUIRED.search(problem)
    if required:
        return absent(f"{path}.{required.group(1)}" if path else required.group(1))
    value = _value_at(given, path)
    hint = f"Hint: Value was of type '{type(value).__name__}'."
    return wrong(path, value, f"{hint} See the API docs for more information about request parameters.")


def _value_at(given: Any, path: str) -> Any:
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        try:
            given = given[name] if name else given[int(index)]
        except (KeyError, IndexError, TypeError):
            return given
    return given


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _check_filled(value: Any, path: str) -> None:
    """Refuse a required text that is empty, at any depth."""
    if isinstance(value, msgspec.Struct):
        texts, nested = _shape(type(value))
        for name in texts:
            if getattr(value, name) == "":
                raise absent(f"{path}{name}")
        for name in nested:
            _check_filled(getattr(value, name), f"{path}{name}")
    elif isinstance(value, list) and value and isinstance(value[0], msgspec.Struct):
        texts, nested = _shape(type(value[0]))
        for name in texts:
            if any(getattr(each, name) == "" for each in value):
                at = next(at for at, each in enumerate(value) if getattr(each, name) == "")
                raise absent(f"{path}[{at}].{name}")
        for at, each in enumerate(value if nested else ()):
            _check_filled(each, f"{path}[{at}].")


@cache
def _shape(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a struct that are required and not plainly numbers, and those that may hold structs."""
    fields = msgspec.structs.fields(kind)
    texts = tuple(each.name for each in fields if each.required and each.type not in (int, float, bool))
    return texts, tuple(each.name for each in fields if _holds(each.type))


def _holds(kind: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return True
    return any(_holds(each) for each in typing.get_args(kind))


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) is list or any(
        typing.get_origin(each) is list for each in typing.get_args(kind)
    )
