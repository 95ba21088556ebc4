"""One worker of an endpoint: a process that listens, answers, and follows its alias until it is told to stop."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TypedDict, Unpack

import uvicorn

from fettle.acts import Surface
from fettle.core.clock import Clock
from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.serving.app import Routes
from fettle.serving.desk import Desk
from fettle.serving.follower import Follower
from fettle.serving.lane import lane_for
from fettle.serving.live import load
from fettle.serving.log import Ack, PredictionLog
from fettle.serving.meter import Meter
from fettle.serving.pulse import Pulse
from fettle.serving.records import Target
from fettle.serving.station import Station, worker_id

DRAIN_S = 10
IDLE_S = 75


class Options(TypedDict, total=False):
    """How a worker listens and logs.

    Attributes:
        host: Where to listen; None means as deployed.
        port: Where to listen; 0 means any free port, None as deployed.
        clock: The time of requests in the log; None means the workspace's.
        announce: Receives the URL when requests are welcome.
        ack: What the log waits for before an answer leaves: `os` survives a kill, `disk` also a power cut.
        fast: False leaves out the fast lane; the answers are the same.
    """

    host: str | None
    port: int | None
    clock: Clock | None
    announce: Callable[[str], object]
    ack: Ack
    fast: bool


def serve(ws: Surface, endpoint: str, **options: Unpack[Options]) -> None:
    """Answer for a deployed endpoint until SIGTERM, SIGINT or `serving.undeploy`; then finish what was begun.

    Args:
        ws: The workspace.
        endpoint: The name it was deployed under.
        options: See `Options`.

    Raises:
        NotFound: There is no such endpoint, or its alias names no version.
        Unavailable: The port is in use, or the model cannot be fetched.
    """
    with open_server(ws, endpoint, **options) as server:
        gc.collect()
        gc.freeze()  # the loaded libraries stay for good: looking through them would only delay requests
        server.run_here()


@contextlib.contextmanager
def open_server(ws: Surface, endpoint: str, **options: Unpack[Options]) -> Iterator[Server]:
    """Put a worker together (bind, load, open the log), and take it apart at the end; otherwise as `serve`."""
    wanted: Target = ws.call("serving.target", endpoint=endpoint)
    if not wanted.version:
        raise NotFound(
            f"The endpoint {endpoint!r} has nothing to serve.",
            found=f"the alias {wanted.alias!r} of {wanted.model} names no version",
            hint=f"fettle registry promote {wanted.model} VERSION --to {wanted.alias}",
        )
    host, port = options.get("host"), options.get("port")
    listener = listen(wanted.host if host is None else host, wanted.port if port is None else port)
    with contextlib.closing(listener):
        live, worker, meter = load(ws, wanted), worker_id(), Meter(endpoint)
        log = PredictionLog(ws.folder / "serving" / endpoint / worker, ack=options.get("ack", "os"))
        desk = Desk(endpoint, live, log, options.get("clock") or ws.clock, meter)
        station = Station(endpoint, worker, desk, meter, url_of(listener))
        try:
            yield Server(ws, station, listener, options)
        finally:
            desk.close()
            log.close()


class Server(uvicorn.Server):
    """uvicorn's server with a follower and a pulse beside it."""

    def __init__(self, ws: Surface, station: Station, listener: socket.socket, options: Options) -> None:
        routes = Routes(station)
        lane = lane_for(routes) if options.get("fast", True) else "httptools"
        super().__init__(
            uvicorn.Config(
                routes.app(),
                http=lane,
                loop="uvloop",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=False,
                backlog=2048,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        self.station = station
        self._listener = listener
        self._announce = options.get("announce", str)
        self._follower = Follower(ws, station, self.stop)
        self._pulse = Pulse(ws, station)

    def run_here(self) -> None:
        """Serve in this thread until stopped; in the main thread, SIGTERM and SIGINT stop it gracefully."""
        self.run(sockets=[self._listener])

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[str]:
        """Serve in a thread of this process for the length of the block; yields the URL."""
        begun = threading.Event()
        announce, self._announce = self._announce, lambda url: (announce(url), begun.set())
        thread = threading.Thread(target=self.run_here, name="fettle-endpoint", daemon=True)
        thread.start()
        begun.wait()
        try:
            yield self.station.url
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Begin to stop; safe from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._pulse.start()
        self._follower.start()
        self._announce(self.station.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.station.state = "stopping"
        self.station.news.set()
        await super().shutdown(sockets)
        self._follower.stop()
        self.station.state = "stopped"
        self._pulse.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()  # to stop when asked is success: the process ends with 0, not by the signal


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket.

    Raises:
        Unavailable: The port is in use or reserved.
        Invalid: The host is not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Invalid(
            f"{host!r} is not an address to listen on.", found=str(error), hint="Try 127.0.0.1."
        ) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL that a listening socket answers under."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _cannot_listen(host: str, port: int, error: OSError) -> Invalid | Unavailable:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} on {host} is in use.",
            found="another program listens there",
            hint=f"Stop it, or choose another port: --port {port + 1}, or --port 0 for any free one.",
            subject=f"port:{port}",
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"Port {port} may not be used by this user.",
            found=str(error),
            hint="Choose one from 1024 on, or --port 0.",
        )
    return Invalid(
        f"{host!r} is not an address of this machine.", found=str(error), hint="Try 127.0.0.1 or 0.0.0.0."
    )
