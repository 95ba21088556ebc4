"""A workspace behind `https://…`: the same acts and blobs, sent to a server.

Derived from the catalog of acts: nothing is declared here a second time.

    with Workspace.open("https://fettle.example") as ws:
        ws.registry.models()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.remote.blobs import HttpBlobStore as HttpBlobStore
    from fettle.remote.client import RemoteWorkspace as RemoteWorkspace

__all__ = ["HttpBlobStore", "RemoteWorkspace"]

__getattr__, __dir__ = lazy_exports(__name__, {"HttpBlobStore": ".blobs", "RemoteWorkspace": ".client"})
