"""A notice as MLflow's webhooks write it: `entity`, `action` and `data`, signed in headers of its own.

What has no name there (a hold, an approval) is told under the name it has here. Signed are id, time and body, joined by
dots, with the secret's own bytes (MLflow 3.x, `mlflow/webhooks/delivery.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fettle.core import canonical

MARK = "mlflow:"
"""Before MLflow's name of an event in a subscription's patterns: what exactly was asked for."""
KINDS: dict[str, tuple[str, ...]] = {
    "registered_model.created": ("registry.made",),
    "model_version.created": ("registry.registered",),
    "model_version_tag.set": ("registry.version_changed",),
    "model_version_tag.deleted": ("registry.version_changed",),
    "model_version_alias.created": ("registry.alias_set", "registry.promoted", "registry.rolled_back"),
    "model_version_alias.deleted": ("registry.alias_removed",),
}
"""MLflow's event → our kinds."""
_EXAMPLE = {
    "name": "example_model",
    "tags": {"example_key": "example_value"},
    "description": "An example registered model",
}


def written(secret: str, delivery: str, at_s: int, message: dict[str, Any]) -> tuple[dict[str, str], str]:
    """The event in MLflow's form: headers and body."""
    name, data = told(message)
    entity, _, action = name.partition(".")
    at = datetime.fromtimestamp(at_s, UTC).isoformat()
    body = canonical.encode({"entity": entity, "action": action, "timestamp": at, "data": data}).decode()
    signed = hmac.digest(secret.encode(), f"{delivery}.{at_s}.{body}".encode(), hashlib.sha256)
    headers = {
        "content-type": "application/json",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": str(at_s),
        "X-MLflow-Signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    return headers, body


def told(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """MLflow's name of an event, and what it says of it."""
    kind, body = message["kind"], message.get("body", {})
    name = message["subject"].partition(":")[2]
    version = {"version": str(body["version"])} if body.get("version") is not None else {}
    if kind == "governance.test":
        return "registered_model.created", _EXAMPLE
    if kind == "registry.version_changed":
        return _tagged(name, version, body)
    for known, kinds in KINDS.items():
        if kind in kinds:
            more = {"alias": body["alias"]} if "alias" in body else {}
            if known == "model_version_alias.deleted":
                version = {}
            return known, {"name": name, **version, **more, **_described(known, name, body)}
    return kind, {"name": name, **body}


def wanted(patterns: Sequence[str], message: dict[str, Any]) -> bool:
    """Whether exactly this was asked for; patterns without MLflow's names want whatever their kinds let through."""
    names = [each.removeprefix(MARK) for each in patterns if each.startswith(MARK)]
    return not names or told(message)[0] in names


def _tagged(name: str, version: dict[str, str], body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """One tag: clients of MLflow change one at a time; of several, the first in order is told."""
    for key, value in sorted(body.get("tags", {}).items()):
        return "model_version_tag.set", {"name": name, **version, "key": key, "value": value}
    for key in sorted(body.get("untag", [])):
        return "model_version_tag.deleted", {"name": name, **version, "key": key}
    return "model_version.updated", {"name": name, **version}


def _described(known: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    if known == "registered_model.created":
        return {"tags": body.get("tags", {}), "description": body.get("description")}
    if known == "model_version.created":
        source = body.get("source") or f"models:/{name}/{body['version']}"
        facts = {"tags": body.get("tags", {}), "description": body.get("description")}
        return {"source": source, "run_id": body.get("run_id"), **facts}
    return {}
