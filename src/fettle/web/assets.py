"""The built scripts and styles: found by name, served under names that carry their content's hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from fettle.core.errors import Unavailable

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Assets:
    """Addresses of the built files by the name of their source.

    Attributes:
        addresses: `main.js` → `/static/main-4XKQ….js`.
    """

    addresses: dict[str, str]

    @classmethod
    def load(cls, folder: Path = STATIC) -> Assets:
        """Read the manifest that the build left.

        Raises:
            Unavailable: The pages' assets have not been built.
        """
        manifest = folder / "manifest.json"
        if not manifest.exists():
            raise Unavailable(
                "The pages cannot be shown: their scripts and styles have not been built.",
                found=f"no {manifest}",
                hint="In a checkout run `pip install -e .` or `python hatch_build.py`; released wheels carry them.",
            )
        names: dict[str, str] = json.loads(manifest.read_text("utf-8"))
        return cls({source: f"/static/{built}" for source, built in names.items()})

    def __getitem__(self, source: str) -> str:
        return self.addresses[source]


def mount(folder: Path = STATIC) -> Mount:
    """Serve the built files under `/static`; a browser asks for each once, for its name changes with its content."""
    return Mount("/static", GZipMiddleware(_Unchanging(directory=folder), minimum_size=900), name="static")


class _Unchanging(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304) and path != "manifest.json":
            response.headers["Cache-Control"] = FOREVER
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
