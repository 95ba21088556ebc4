"""The fast lane: predictions are answered inside uvicorn's HTTP protocol, by callback, with no task and no ASGI.

A request for a hot path is collected while it is parsed and given to the desk when it is complete; its answer is
written to the socket when the desk has it. Everything else goes the ordinary way through the app. Answers leave a
connection in the order of its requests, also when the two kinds are mixed in one pipeline: a hot request behind a
request of the app goes through the app too, and a request of the app waits until the hot ones before it have been
answered.
"""

from __future__ import annotations

from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from fettle.serving.app import Routes, too_large
from fettle.serving.desk import Desk
from fettle.serving.forms import Form

MOST_PIPELINED = 64
REFUSED_BODIES = 4
STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
HEAD = b"content-type: application/json\r\ncontent-length: "


class Slot:
    """The place of one hot request among the answers of its connection."""

    __slots__ = ("answer", "keep_alive", "lane")

    def __init__(self, lane: FastLane, keep_alive: bool) -> None:
        self.lane = lane
        self.keep_alive = keep_alive
        self.answer: bytes | None = None

    def reply(self, status: int, body: bytes, request_id: str) -> None:
        """Write the answer when its turn has come."""
        if self.lane.ends_with(self):
            self.keep_alive = False
        ends = b"\r\n\r\n" if self.keep_alive else b"\r\nconnection: close\r\n\r\n"
        length, id = b"%d" % len(body), request_id.encode("latin-1")
        self.answer = b"".join((STATUS_LINES[status], HEAD, length, b"\r\nx-request-id: ", id, ends, body))
        self.lane.drain()


class _Busy:
    """Stands in for a cycle that is not complete, so that uvicorn queues the next one instead of starting it."""

    response_complete = False


class FastLane(HttpToolsProtocol):
    """uvicorn's protocol with a short cut; made for one worker by `lane_for`."""

    routes: ClassVar[Routes]
    desk: ClassVar[Desk]
    largest_body_bytes: ClassVar[int]
    parser: Any  # httptools' parser; uvicorn makes it None when the connection is lost, and no callback comes then

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._form: Form | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._slots: deque[Slot] = deque()
        self._closing = False

    def on_headers_complete(self) -> None:
        form = self.routes.hot(self.url)
        if form is None or not self._may_short_cut():
            self._form = None
            self._go_through_app()
            return
        self._form = form
        self._parts = []
        self._size = 0

    def on_body(self, body: bytes) -> None:
        if self._form is None:
            super().on_body(body)
            return
        self._size += len(body)
        if self._size <= self.largest_body_bytes:
            self._parts.append(body)
        elif self._size > REFUSED_BODIES * self.largest_body_bytes:
            self.transport.close()  # whoever still sends will not read an answer
        else:
            self._parts = []

    def on_message_complete(self) -> None:
        form, self._form = self._form, None
        if form is None:
            super().on_message_complete()
            return
        slot = Slot(self, self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive())
        self._slots.append(slot)
        if len(self._slots) > MOST_PIPELINED or self.flow.write_paused:
            self.flow.pause_reading()
        if self._size > self.largest_body_bytes:
            slot.reply(413, form.refuse(too_large(self.largest_body_bytes)), "")
            return
        parts = self._parts
        self.desk.take(form, parts[0] if len(parts) == 1 else b"".join(parts), self._request_id(), slot.reply)

    def drain(self) -> None:
        """Write the answers that are ready, in order; then let a waiting request of the app begin."""
        slots = self._slots
        while slots and slots[0].answer is not None:
            self._write(slots.popleft())
        if not slots and self._form is None and not self.flow.write_paused:
            self.on_response_complete()

    def ends_with(self, slot: Slot) -> bool:
        """Whether the server is stopping and this is the last answer of the connection."""
        return self._closing and slot is self._slots[-1] and not self.pipeline

    def shutdown(self) -> None:
        if self._form is None and not self._slots:
            super().shutdown()
            return
        self._closing = True
        if self.pipeline:
            super().shutdown()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.drain()

    def _write(self, slot: Slot) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(cast(bytes, slot.answer))
        if not slot.keep_alive:
            self.transport.close()

    def _may_short_cut(self) -> bool:
        if self.parser.get_method() != b"POST" or self.expect_100_continue or self.parser.should_upgrade():
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        return not any(name == b"content-encoding" for name, _ in self.headers)

    def _go_through_app(self) -> None:
        if self._slots and (self.cycle is None or self.cycle.response_complete):
            self.cycle = cast(RequestResponseCycle, _Busy())
        super().on_headers_complete()

    def _request_id(self) -> str:
        for name, value in self.headers:
            if name == b"x-request-id":
                return value.decode("latin-1")
        return ""


def lane_for(routes: Routes) -> type[FastLane]:
    """Make the protocol class of one worker; uvicorn makes an instance for each connection."""
    bound = {"routes": routes, "desk": routes.desk, "largest_body_bytes": routes.largest_body_bytes}
    return type("Lane", (FastLane,), bound)
