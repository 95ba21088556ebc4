"""What every request passes first: the host it names, where it comes from, and how large it may be."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fettle.core.errors import Denied, FettleError

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Refuses foreign `Host` headers (DNS rebinding) and cross-site changes.

    A page of another site that a user happens to have open must not be able to call a server on the same machine:
    its requests carry a foreign `Host` (after rebinding the name) or a foreign `Origin`.
    """

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._hosts = {*_LOOPBACK, *hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (error := self._refusal(scope)) is not None:
            answer = JSONResponse({"error": error.as_dict()}, status_code=error.status)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> FettleError | None:
        headers = Headers(scope=scope)
        named = headers.getlist("host")
        if "*" not in self._hosts and (len(named) != 1 or _without_port(named[0]) not in self._hosts):
            return Denied(
                "This server does not answer to that host name.",
                found=f"Host: {', '.join(named)[:200]}",
                hint="Call it as 127.0.0.1, or start it with the name: --allow-host NAME.",
            )
        origin = headers.get("origin")
        if (
            origin is not None
            and scope["method"] not in ("GET", "HEAD")
            and [urlsplit(origin).netloc] != named
        ):
            return Denied(
                "Changes are not taken from pages of another site.",
                found=f"Origin: {origin[:200]}",
                hint="Call the server from its own pages, the command line or a program.",
            )
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
