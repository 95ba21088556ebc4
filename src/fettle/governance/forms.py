"""How the request of a notice is written: fettle's own form, and those of other tools' webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fettle.core import canonical
from fettle.governance import mlflow_form, signatures

Form = Callable[[str, str, int, dict[str, Any]], tuple[dict[str, str], str]]
"""Takes secret, delivery id, seconds since 1970 and the event's fields; gives headers and body."""


def own(secret: str, delivery: str, at_s: int, message: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The event as JSON, signed as Standard Webhooks has it."""
    body = canonical.encode(message).decode()
    said = {"content-type": "application/json", "user-agent": "fettle"}
    return {**said, **signatures.headers(secret, delivery, at_s, body)}, body


FORMS: dict[str, Form] = {"fettle": own, "mlflow": mlflow_form.written}
"""Form → how it is written; a room above may add another tool's."""


def title(message: dict[str, Any]) -> str:
    """One line for people: `registry.promoted model:fraud by user:ada: version 3, alias champion`."""
    facts = ", ".join(
        f"{key} {value}"
        for key, value in message.get("body", {}).items()
        if isinstance(value, str | int) and value != ""
    )
    said = f"{message['kind']} {message['subject']} by {message['actor']}"
    return f"{said}: {facts}"[:300] if facts else said
