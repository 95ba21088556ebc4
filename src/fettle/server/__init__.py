"""The server: every act over HTTP with its OpenAPI entry, the blobs as streams, and the pages.

from fettle.server import create_app

app = create_app(workspace)        # an ASGI application
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.server.app import create_app as create_app

__all__ = ["create_app"]

__getattr__, __dir__ = lazy_exports(__name__, {"create_app": ".app"})
