"""The pages: what a workspace holds and what its loop is doing, to be looked at in a browser.

Above every room of the lifecycle and below the server, which mounts these routes at `/`. Each room has one module here
and one folder in `templates/`; a page calls only reading acts, so it shows the same on any workspace.

    from fettle.web import pages

    app = Starlette(routes=pages(ws))       # /, /data, /runs, /models, … and a .json twin of each
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.web.routes import pages as pages

__all__ = ["pages"]

__getattr__, __dir__ = lazy_exports(__name__, {"pages": ".routes"})
