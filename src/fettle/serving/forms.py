"""How a request is written: one form for each route, with its way to say yes and its way to say no.

A form turns a body into an `Asked` and answers into a body. It knows nothing of models, logs or sockets.
`/predict` is the house's own form and lives here; `open_inference` and `invocations` speak other tools' forms.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import msgspec

from fettle.core.errors import FettleError, Invalid
from fettle.core.ids import event_id

REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")
LARGEST_ROW_COUNT = 10_000
Row = dict[str, Any]
Answer = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Malformed(Invalid):
    """The body is not the JSON that this route reads."""

    status = 400


class TooLarge(Invalid):
    """The body, or the number of rows in it, is over the limit."""

    status = 413


class Asked(msgspec.Struct):
    """A request that was understood: which rows, under which id; `more` is what the form needs to answer."""

    id: str
    rows: list[Row]
    more: Any = None


class Served(msgspec.Struct, frozen=True):
    """Who answered: the names that go into a reply."""

    endpoint: str
    model: str
    version: int


class Form(Protocol):
    """One way to write a request and its reply. Stateless: safe from any thread."""

    def read(self, body: bytes, request_id: str) -> Asked:
        """Understand a body; `request_id` is the header's, or empty. Raises Invalid and its kinds, nothing else."""
        ...

    def reply(self, asked: Asked, answers: list[Answer], served: Served) -> bytes:
        """Write the answers, one for each row, in order."""
        ...

    def refuse(self, error: FettleError) -> bytes:
        """Write an error."""
        ...


class Predict:
    """The house's form: `{"rows": [{…}, …], "id": "…"}`, or one row as a plain object."""

    def read(self, body: bytes, request_id: str) -> Asked:
        content = parse(body)
        if not isinstance(content, dict):
            raise Malformed(
                "The body must be a JSON object.",
                found=kind_of(content),
                hint='Send {"rows": [{"column": value, …}]}, or one row as {"column": value, …}.',
            )
        rows = content.get("rows")
        if isinstance(rows, list):
            return Asked(pick_id(content.get("id"), request_id), check_rows(rows, "$.rows"))
        return Asked(pick_id(None, request_id), check_rows([content], "$"))

    def reply(self, asked: Asked, answers: list[Answer], served: Served) -> bytes:
        return _encode(
            {"id": asked.id, "model": served.model, "version": served.version, "predictions": answers}
        )

    def refuse(self, error: FettleError) -> bytes:
        return _encode({"error": error.as_dict()})


def parse(body: bytes) -> Any:
    """Decode JSON; every way in which it can be wrong becomes a `Malformed`."""
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise Malformed(
            "The body is not valid JSON.", found=f"{error}; the body begins {_start(body)}"
        ) from None
    except RecursionError:
        raise Malformed(
            "The body is nested too deeply.", found="more levels than the decoder follows"
        ) from None


def write(content: Any) -> bytes:
    """Encode a reply as JSON."""
    return _encode(content)


def pick_id(own: Any, header: str) -> str:
    """Choose the request's id: the body's, else the header's, else a new one.

    Raises:
        Malformed: The id is not 1–200 visible ASCII characters; it travels in a header and in the log.
    """
    chosen = header if own is None else own
    if chosen == "":
        return event_id()
    if not isinstance(chosen, str) or not REQUEST_ID.fullmatch(chosen):
        raise Malformed(
            "The request id must be 1 to 200 visible ASCII characters, without spaces.",
            found=repr(chosen)[:80],
            hint="A UUID is a good choice; leave the id out and one is made for you.",
        )
    return chosen


def pick_safe_id(header: str) -> str:
    """The header's id if it may be one, else a new one: what a refusal is logged under."""
    return header if REQUEST_ID.fullmatch(header) else event_id()


def check_rows(rows: list[Any], where: str) -> list[Row]:
    """Return `rows` if they are objects, one at least and not too many."""
    if not rows:
        raise Invalid("There are no rows to predict.", found=f"an empty list at {where}")
    check_count(len(rows))
    for index, row in enumerate(rows):
        if type(row) is not dict:
            raise Invalid(
                "Each row must be an object of named values.", found=f"{kind_of(row)} at {where}[{index}]"
            )
    if not all(rows):
        raise Invalid("A row has no values.", found=f"an empty object at {where}[{rows.index({})}]")
    return rows


def check_count(count: int) -> None:
    """Raise `TooLarge` if a request asks for more rows than one may."""
    if count > LARGEST_ROW_COUNT:
        raise TooLarge(
            f"One request may ask for {LARGEST_ROW_COUNT:,} rows at most.",
            found=f"{count:,} rows",
            hint="Cut the rows into several requests.",
        )


def kind_of(value: Any) -> str:
    """Name a JSON value's kind the way JSON does."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


def _start(body: bytes, most: int = 60) -> str:
    return repr(body[:most].decode("utf-8", "replace")) + ("…" if len(body) > most else "")
