"""The remote workspace: acts as HTTP requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from fettle.acts import Catalog, Surface
from fettle.core import canonical, ids
from fettle.core.clock import SystemClock
from fettle.remote.blobs import HttpBlobStore
from fettle.remote.wire import Wire


class RemoteWorkspace(Surface):
    """A workspace behind a server.

    Every change carries an idempotency key, so that a request whose answer was lost is repeated without being
    done twice.
    """

    def __init__(self, url: str, catalog: Catalog, *, token: str = "") -> None:
        self.url = url
        self.catalog = catalog
        self.clock = SystemClock()
        self._wire = Wire(url, token)
        self.blobs = HttpBlobStore(self._wire)
        home = Path(os.environ.get("FETTLE_HOME", Path.home() / ".cache" / "fettle"))
        self.folder = home / ids.digest(url.encode())[:16]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def call(self, name: str, /, *, idempotency_key: str | None = None, **arguments: Any) -> Any:
        act = self.catalog.find(name)
        headers = {"Content-Type": "application/json"}
        if not act.reads:
            headers["Idempotency-Key"] = idempotency_key or ids.event_id()
        body = msgspec.json.encode(arguments)
        answer = self._wire.send("POST", f"/api/v1/{act.room}/{act.verb}", content=body, headers=headers)
        return canonical.decode(answer.content, act.returns)

    def close(self) -> None:
        self._wire.close()
