"""Run the server in this process until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from fettle.core.errors import Denied, Unavailable
from fettle.governance.carrier import Carrier
from fettle.server.app import create_app
from fettle.workspace import Workspace


def run(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 7878,
    hosts: tuple[str, ...] = (),
    announce: Callable[[str], None] = print,
) -> None:
    """Serve the workspace's acts and pages until SIGTERM or Ctrl-C.

    Args:
        workspace: Opened in process.
        host: The address to bind; anything but loopback demands tokens.
        port: 0 means any free one.
        hosts: Further host names to answer to.
        announce: Called with the server's URL once it accepts connections.

    Raises:
        Unavailable: The port is in use.
        Denied: A public address was asked for, and the workspace has no token yet.
    """
    public = host not in ("127.0.0.1", "localhost", "::1")
    if public:
        _demand_token(workspace, host)
    listener = bind(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    app = create_app(workspace, hosts=(*hosts, host), require_token=public)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", access_log=False, timeout_graceful_shutdown=5
    )
    server = _Announcing(config, lambda: announce(url))
    carrier = Carrier(workspace).start()
    try:
        server.run(sockets=[listener])
    finally:
        carrier.stop()


def bind(host: str, port: int) -> socket.socket:
    """Take a listening socket, or say clearly why not."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} on {host} cannot be used.",
            found=error.strerror or str(error),
            hint=f"Stop what uses it, or choose another: --port {port + 1} (0 for any free port).",
        ) from error
    return listener


def _demand_token(workspace: Workspace, host: str) -> None:
    from fettle.governance import access

    with workspace.database.read() as tx:
        if not access.any_token(tx):
            raise Denied(
                f"Serving on {host} lets others in, so somebody must be known first.",
                found="no access token in this workspace",
                hint="Make one: `fettle governance grant user:ada admin`. Or serve on 127.0.0.1.",
            )


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()
