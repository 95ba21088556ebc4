"""Following the alias: when it names another version, that one is loaded beside the live one and put in its place.

The live version answers until the very moment of the swap, which sets one pointer; requests already being
predicted finish with the version they began with. A version that cannot be fetched, loaded or verified is not put
live: the old one stays, the problem is reported, and the new one is tried again later. Meanwhile the alias is still
watched, so that moving it on to a good version helps at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fettle.acts import Surface
from fettle.core.errors import FettleError, NotFound
from fettle.serving.live import load
from fettle.serving.records import Target
from fettle.serving.station import Station

log = logging.getLogger("fettle.serving")

POLL_S = 0.1
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0


class Follower:
    """Keeps one station on the version that its endpoint should answer with.

    Args:
        ws: The workspace.
        station: Whose desk is swapped.
        on_gone: Called once when the endpoint was undeployed.
    """

    def __init__(self, ws: Surface, station: Station, on_gone: Callable[[], None]) -> None:
        self._ws = ws
        self._station = station
        self._on_gone = on_gone
        self._refused: Target | None = None
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fettle-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for a load under way."""
        self._stop.set()
        self._thread.join()

    def step(self) -> bool:
        """Look once, and swap if the live version is not the wanted one; True if it swapped.

        Raises:
            NotFound: The endpoint does not exist any more.
            Unavailable: The workspace cannot be asked.
        """
        wanted: Target = self._ws.call("serving.target", endpoint=self._station.endpoint)
        live = self._station.desk.live
        if not wanted.version:
            self._note(f"The alias {wanted.alias!r} of {wanted.model} names no version.")
            return False
        if (wanted.model, wanted.version, wanted.bundle) == (live.model, live.version, live.bundle):
            if self._station.problem:
                self._refused, self._station.problem = None, ""
                self._station.news.set()
            return False
        if wanted == self._refused and time.monotonic() < self._retry_at_s:
            return False
        return self._put_live(wanted)

    def _put_live(self, wanted: Target) -> bool:
        try:
            loaded = load(self._ws, wanted)
        except Exception as error:  # whatever is wrong with the new version, the old one goes on answering
            self._refuse(wanted, error)
            return False
        before = self._station.desk.live.version
        self._station.desk.swap(loaded)
        self._station.meter.swaps += 1
        self._refused, self._station.problem = None, ""
        self._station.news.set()
        log.info("%s: version %s answers now, after %s", wanted.endpoint, wanted.version, before)
        return True

    def _refuse(self, wanted: Target, error: Exception) -> None:
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S) if wanted == self._refused else FIRST_RETRY_S
        self._retry_at_s = time.monotonic() + self._retry_s
        self._refused = wanted
        self._station.meter.refused_versions += 1
        told = str(error) if isinstance(error, FettleError) else f"{type(error).__name__}: {error}"
        self._note(f"Version {wanted.version} of {wanted.model} cannot be put live. {told}")

    def _note(self, told: str) -> None:
        if self._station.problem != told:
            log.warning("%s: the live version stays. %s", self._station.endpoint, told)
            self._station.problem = told
            self._station.news.set()

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self.step()
            except NotFound as error:
                if error.subject == f"endpoint:{self._station.endpoint}":
                    self._on_gone()
                    return
                self._note(str(error))
            except Exception as error:  # the outermost loop of a worker: the live version goes on answering
                self._note(f"The workspace cannot be asked: {error}")
