"""Whatever is sent to whatever endpoint: an answer in MLflow's form, never a failure of the server."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import httpx
import msgspec
import pytest

from fettle.protocols.mlflow import BOOKS

ENDPOINTS = [endpoint for book in BOOKS for endpoint in book.endpoints]
NASTY: list[Any] = [
    None, "", " ", 0, -1, 2**31, 2**63, 10**30, 1.5, True, [], {}, [[]], ["x"], {"x": 1}, [{}], "x" * 9000, "a\0b",
    "\ud800", "../../etc/passwd", "%2e%2e%2f", "'", '"', "`", "' OR 1=1 --", "name = 'x", "tags.`x` = 'y' AND",
    "🙂", "\u202eabc",
    "9" * 40, "-1", "NaN", "true", "1e400", "file:///etc", "models:/x@y", "runs:/x/y", "=", "%", "_", "\n", "<b>",
]  # fmt: skip


def given(chance: random.Random, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Fields that the endpoint reads, each left out, or filled with something."""
    names = [each.encode_name for each in msgspec.structs.fields(kind)]
    nested = {"key": chance.choice(NASTY), "value": chance.choice(NASTY), "name": "x"}
    return {
        name: chance.choice([chance.choice(NASTY), [nested], nested, "x", "1"])
        for name in names
        if chance.random() < 0.8
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.version} {each.path}")
def test_nonsense_is_refused_in_mlflows_form(http: httpx.Client, endpoint: Any) -> None:
    chance = random.Random(f"{endpoint.method}{endpoint.path}")
    for _ in range(12):
        fields = given(chance, endpoint.asks)
        path = re.sub(
            r"\{(\w+)\}",
            lambda _: chance.choice(["x", "m-1", "%00", "a%20b", "x" * 300, "..%2f"]),
            endpoint.path,
        )
        url = f"/api/{endpoint.version}/mlflow/{path}"
        if endpoint.method == "GET":
            params = {key: value for key, value in fields.items() if isinstance(value, str | int | float)}
            params = {key: str(value).encode("utf-8", "replace").decode() for key, value in params.items()}
            answer = http.get(url, params=params)
        else:
            body = json.dumps(fields).encode()
            answer = http.request(endpoint.method, url, content=body)
        shown = (url, fields, answer.text[:500])
        assert answer.status_code < 500 or answer.status_code == 501, shown
        assert answer.headers["content-type"].startswith("application/json"), shown
        if answer.status_code >= 400:
            assert {"error_code", "message"} <= answer.json().keys(), shown
