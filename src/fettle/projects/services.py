"""The processes of a running project: endpoint, keeper and pages, each its own, watched and restarted.

A supervisor starts them through the public command (`fettle serve --only …`) and starts one again when it dies. What
runs is written to `services.json` in the workspace's folder, so that `fettle status` and `fettle down` find it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fettle.acts import Surface
from fettle.core.errors import Conflict, FettleError, NotFound, Unavailable
from fettle.projects.teller import Silence, Teller
from fettle.storage.clockfile import SharedClock

KINDS = ("endpoint", "keeper", "pages")
NEEDED = ("endpoint", "keeper")
"""Services whose end for good ends the whole; without its pages a project goes on answering."""

_BACKOFF_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)


class Roll(msgspec.Struct, frozen=True):
    """What runs: the supervisor and its services, by process id."""

    supervisor: int
    services: dict[str, int]


@dataclass
class Service:
    """One child process that is kept alive.

    Attributes:
        name: One of `KINDS`.
        command: What is started.
        restarts: How often it had to be started again.
    """

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_s: float = 0.0
    quick_deaths: int = 0
    wait_until_s: float = 0.0


@dataclass
class Supervisor:
    """Keeps services alive from its own process.

    Args:
        ws: The workspace; logs and `services.json` go to its folder.
        services: What to keep alive.
        give_up_after: So many deaths within two seconds of a start, one after another, end the attempt.
    """

    ws: Surface
    services: list[Service]
    give_up_after: int = 5
    _stopping: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start every service."""
        self._log_folder().mkdir(parents=True, exist_ok=True)
        for service in self.services:
            self._launch(service)
        self._write_roll()

    def check(self) -> None:
        """Start again what has died; call it a few times a second.

        Raises:
            Unavailable: A service dies again and again right after its start; its last words are told.
        """
        changed = False
        for service in self.services:
            process = service.process
            if process is not None and process.poll() is not None:
                self._note_death(service)
                changed = True
            if service.process is None and time.monotonic() >= service.wait_until_s and not self._stopping:
                service.restarts += 1
                self._launch(service)
                changed = True
        if changed:
            self._write_roll()

    def stop(self, patience_s: float = 8.0) -> None:
        """Ask every service to finish; end the ones that do not."""
        self._stopping = True
        running = [each.process for each in self.services if each.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + patience_s
        for process in running:
            try:
                process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _roll_path(self.ws).unlink(missing_ok=True)

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[Supervisor]:
        """Supervise from a thread for the length of a block, then stop everything."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                self.check()

        self.start()
        thread = threading.Thread(target=watch, name="fettle-supervisor", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()
            self.stop()

    def log_of(self, name: str) -> Path:
        """Where a service's output goes."""
        return self._log_folder() / f"{name}.log"

    def _launch(self, service: Service) -> None:
        log = self.log_of(service.name)
        with log.open("ab") as output:
            service.process = subprocess.Popen(
                service.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"FETTLE_PARENT": str(os.getpid()), "PYTHONUNBUFFERED": "1"},
            )
        service.started_s = time.monotonic()

    def _note_death(self, service: Service) -> None:
        quick = time.monotonic() - service.started_s < 2.0 and service.process is not None
        code = service.process.returncode if service.process is not None else 0
        own_end = quick and code > 0  # killed from outside is negative, and no fault of the service
        service.quick_deaths = service.quick_deaths + 1 if own_end else 0
        service.process = None
        if service.quick_deaths >= self.give_up_after and service.name in NEEDED:
            raise Unavailable(
                f"The {service.name} ends right after its start.",
                found=_last_words(self.log_of(service.name)) or f"exit code {code}",
                hint=f"Its output is in {self.log_of(service.name)}.",
            )
        pause = _BACKOFF_S[min(service.quick_deaths, len(_BACKOFF_S) - 1)]
        service.wait_until_s = time.monotonic() + pause

    def _write_roll(self) -> None:
        running = {each.name: each.process.pid for each in self.services if each.process is not None}
        path = _roll_path(self.ws)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(Roll(os.getpid(), running)))
        fresh.replace(path)

    def _log_folder(self) -> Path:
        return self.ws.folder / "logs"


def command_of(kind: str, ws: Surface, folder: Path, *options: str) -> list[str]:
    """The command that runs one service of the project in `folder`."""
    return [
        sys.executable,
        "-m",
        "fettle",
        "serve",
        "--only",
        kind,
        "-C",
        str(folder),
        "-w",
        ws.url,
        *options,
    ]


def supervise(
    ws: Surface, folder: Path, kinds: tuple[str, ...] = KINDS, *options: str, teller: Teller | None = None
) -> None:
    """Run a project's services in the foreground until SIGTERM or Ctrl-C.

    Raises:
        Conflict: They run already.
        Unavailable: A service cannot be kept alive.
    """
    if (roll := running(ws)) is not None:
        raise Conflict(
            "This project is being served already.",
            found=f"process {roll.supervisor}",
            hint="`fettle status` shows it, `fettle down` stops it.",
        )
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    supervisor = Supervisor(ws, [Service(kind, command_of(kind, ws, folder, *options)) for kind in kinds])
    supervisor.start()
    say = teller or Silence()
    say.say(f"Running: {', '.join(kinds)}. Output is in {ws.folder / 'logs'}.")
    if isinstance(ws.clock, SharedClock):
        now = f"{ws.clock.now():%d %B %Y %H:%M}"
        say.say(f"The clock of this workspace is a replay's and stands at {now}: no window closes.")
    try:
        while not over.wait(0.1):
            supervisor.check()
    finally:
        supervisor.stop()


def detach(ws: Surface, folder: Path, *options: str) -> int:
    """Start `fettle serve` in the background, where it outlives this process; return its process id."""
    log = ws.folder / "logs" / "serve.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fettle", "serve", "-C", str(folder), "-w", ws.url, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid


def wait_ready(
    ws: Surface, endpoint: str, *, patience_s: float = 30.0, alive: Callable[[], bool] | None = None
) -> str:
    """Wait until an endpoint answers and return its URL.

    Raises:
        Unavailable: Nobody answers within the patience, or what should start it has ended.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        url = url_of(ws, endpoint)
        if url:
            return url
        if alive is not None and not alive():
            break
        time.sleep(0.05)
    raise Unavailable(
        f"The endpoint {endpoint!r} did not come up.",
        found=_last_words(ws.folder / "logs" / "endpoint.log") or f"no answer for {patience_s:.0f} s",
        hint=f"Look into {ws.folder / 'logs'}.",
    )


def url_of(ws: Surface, endpoint: str) -> str | None:
    """The URL of the newest worker of an endpoint that is up, or None."""
    try:
        workers = ws.call("serving.show", endpoint=endpoint).workers
    except FettleError:
        return None
    ready = [each for each in workers if each.state == "ready" and alive(each.pid)]
    return max(ready, key=lambda each: each.started_at).url if ready else None


def check_port(host: str, port: int) -> None:
    """Make sure that a port is free before work begins that would need it.

    Raises:
        Unavailable: Somebody listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"Port {port} on {host} is in use.",
                found=error.strerror or str(error),
                hint=f"Choose another: --port {port + 1} (0 takes any free one).",
            ) from error


def running(ws: Surface) -> Roll | None:
    """What runs for this workspace on this machine, or None."""
    try:
        roll = msgspec.json.decode(_roll_path(ws).read_bytes(), type=Roll)
    except (OSError, msgspec.DecodeError):
        return None
    return roll if alive(roll.supervisor) else None


def stop(ws: Surface, *, patience_s: float = 12.0) -> Roll:
    """Stop what runs for this workspace.

    Raises:
        NotFound: Nothing runs.
    """
    roll = running(ws)
    if roll is None:
        raise NotFound("Nothing is being served here.", hint="Start with `fettle serve`.")
    os.kill(roll.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while alive(roll.supervisor) and time.monotonic() < deadline:
        time.sleep(0.05)
    return roll


def alive(pid: int) -> bool:
    """Whether a process with this id runs on this machine and is no zombie."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except (PermissionError, OSError, IndexError):
        return True
    return state != "Z"


def follow_parent() -> None:
    """End this process when the supervisor that started it is gone; call it first thing in a service."""
    parent = int(os.environ.get("FETTLE_PARENT", "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="fettle-parent", daemon=True).start()


def _roll_path(ws: Surface) -> Path:
    return ws.folder / "services.json"


def _last_words(log: Path, most: int = 600) -> str:
    try:
        return log.read_text("utf-8", "replace")[-most:].strip()
    except OSError:
        return ""
