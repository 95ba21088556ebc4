"""Replay the past as live requests: each row is sent at its own time, its true label a while later.

The simulated time is a `SharedClock` that only the replay moves. Requests carry an id made from the row's place, so a
request whose answer was lost is sent again without being counted twice.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fettle.core.errors import Unavailable
from fettle.storage.clockfile import SharedClock


@dataclass
class Tally:
    """What the replay counted: requests answered, tries repeated, and requests that were never answered well."""

    requests: int = 0
    retries: int = 0
    failures: int = 0
    answers: dict[int, Any] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)


class Line:
    """A keep-alive connection to an endpoint that outlives the endpoint's restarts.

    Args:
        find: Returns the endpoint's present URL; asked again whenever the connection breaks, for a restarted
            endpoint may live on another port.
        patience_s: How long one request is tried again before it counts as failed, in real seconds.
    """

    def __init__(self, find: Callable[[], str | None], *, patience_s: float = 30.0) -> None:
        self._find = find
        self._patience_s = patience_s
        self._connection: http.client.HTTPConnection | None = None
        self.retries = 0

    def post(self, path: str, body: bytes, request_id: str = "") -> tuple[int, bytes]:
        """Send one request, again and again while nobody answers.

        Raises:
            Unavailable: Nobody answered within the patience.
        """
        headers = {"Content-Type": "application/json"} | ({"X-Request-Id": request_id} if request_id else {})
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                connection = self._connect()
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                payload = answer.read()
                if answer.status != 503:
                    return answer.status, payload
            except (OSError, http.client.HTTPException):
                self.close()
            if time.monotonic() > deadline:
                raise Unavailable(
                    "The endpoint does not answer.", found=f"nothing for {self._patience_s:.0f} s"
                )
            self.retries += 1
            time.sleep(0.05)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            url = urlsplit(self._find() or "")
            if not url.hostname:
                raise ConnectionRefusedError("the endpoint is not up")
            self._connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
            self._connection.connect()
        return self._connection


class Replay:
    """Sends rows and labels of a table in time order.

    Args:
        line: To the endpoint.
        clock: The shared clock, moved to each row's time before it is sent.
        times: When each row happened, ascending.
        rows: The features of each row.
        labels: The true answer of each row.
        delay: How many rows later a label is known and sent.
        batch: Labels are sent in batches of so many rows.
    """

    def __init__(
        self,
        line: Line,
        clock: SharedClock,
        times: Sequence[datetime],
        rows: Sequence[dict[str, Any]],
        labels: Sequence[Any],
        *,
        delay: int,
        batch: int,
    ) -> None:
        self._line = line
        self._clock = clock
        self._times = times
        self._rows = rows
        self._labels = labels
        self._delay = delay
        self._batch = batch
        self._encode = msgspec.json.Encoder().encode
        self._first: int | None = None
        self._told = 0
        self.tally = Tally()

    def run(self, start: int, end: int) -> None:
        """Send rows `start` up to, not including, `end`, and every label that becomes known meanwhile."""
        if self._first is None:
            self._first = self._told = start
        for index in range(start, end):
            self._clock.set(self._times[index])
            self._ask(index)
            if (index + 1) % self._batch == 0:
                self.tell(index + 1 - self._delay)

    def tell(self, end: int) -> None:
        """Send the labels of all rows asked about before `end` that were not told yet."""
        known = range(self._told, max(self._told, end))
        if not known:
            return
        labels = [{"id": request_id(index), "label": self._labels[index]} for index in known]
        try:
            status, _ = self._line.post("/labels", self._encode({"labels": labels}))
        except Unavailable:
            status = 0
        self._told = known.stop
        if status not in (200, 202):
            self.tally.failures += 1

    def _ask(self, index: int) -> None:
        body = self._encode({"rows": [self._rows[index]]})
        self.tally.requests += 1
        try:
            status, payload = self._line.post("/predict", body, request_id(index))
        except Unavailable:
            status, payload = 0, b""
        self.tally.retries = self._line.retries
        if status != 200:
            self.tally.failures += 1
            return
        answer = msgspec.json.decode(payload)
        self.tally.answers[index] = answer["predictions"][0]["prediction"]
        self.tally.versions[index] = answer["version"]


def request_id(index: int) -> str:
    """The id of the request made from row `index`."""
    return f"row-{index:08d}"
