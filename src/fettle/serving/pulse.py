"""The heartbeat: every two seconds, and when there is news, a worker tells that it lives and what it served."""

from __future__ import annotations

import logging
import threading

import msgspec

from fettle.acts import Surface
from fettle.core.errors import FettleError
from fettle.serving.records import Traffic
from fettle.serving.station import Station

log = logging.getLogger("fettle.serving")

BEAT_S = 2.0


class Pulse:
    """Sends a station's heartbeats; one that does not get through is made good by the next."""

    def __init__(self, ws: Surface, station: Station) -> None:
        self._ws = ws
        self._station = station
        self._unsent: list[Traffic] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fettle-pulse", daemon=True)

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and say goodbye with the state the station is in."""
        self._stop.set()
        self._station.news.set()
        self._thread.join()
        self.beat()

    def beat(self) -> None:
        """Send one heartbeat; that the workspace cannot be reached is only noted, for requests do not need it."""
        self._unsent += self._station.meter.take_interval()
        worker = self._station.report()
        if self._unsent:
            latest = self._unsent[-1]
            worker = msgspec.structs.replace(worker, p50_ms=latest.p50_ms, p99_ms=latest.p99_ms)
        try:
            self._ws.call("serving.heartbeat", worker=worker, spent=self._unsent)
        except FettleError as error:
            log.warning("%s: the heartbeat did not get through: %s", worker.endpoint, error)
        else:
            self._unsent = []

    def _run(self) -> None:
        while True:
            self._station.news.wait(BEAT_S)
            self._station.news.clear()
            if self._stop.is_set():
                return
            try:
                self.beat()
            except Exception:  # the outermost loop of a worker: requests are answered without a heartbeat
                log.exception("%s: the heartbeat failed", self._station.endpoint)
