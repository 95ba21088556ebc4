"""Where the parts are put together: open a workspace by its URL and call the acts of every room.

from fettle.workspace import Workspace

ws = Workspace.open()                       # .fettle/ in or above this folder
ws = Workspace.open("postgresql://db/ml?blobs=s3://bucket/ml")
ws = Workspace.open("https://fettle.example")   # the same, through a server

ws.registry.promote("fraud", 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.workspace.open import Workspace as Workspace
    from fettle.workspace.rooms import catalog as catalog

__all__ = ["Workspace", "catalog"]

__getattr__, __dir__ = lazy_exports(__name__, {"Workspace": ".open", "catalog": ".rooms"})
