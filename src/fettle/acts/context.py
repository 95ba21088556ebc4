"""What an act is given to work with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fettle.acts.records import Event, Role
from fettle.core import ids
from fettle.core.clock import Clock

if TYPE_CHECKING:
    from fettle.storage.ports import BlobStore, Transaction


class Context:
    """One act's view of the workspace: its transaction, the blobs, the clock and who is acting.

    The transaction begins when `tx` is first touched, so an act does its slow work (blobs, computing) before that
    and holds the database only for the moment of the change. Everything written through `tx`, the events and the
    audit entry are committed together or not at all.

    Attributes:
        blobs: Where bytes are kept.
        clock: The time; `now` is the instant at which this act began.
        actor: Who is acting, such as `user:ada` or `service:endpoint`.
        role: The actor's role here; the act's own need has been checked already.
        now: The act's own instant, UTC.
    """

    def __init__(
        self, begin: Callable[[], Transaction], blobs: BlobStore, clock: Clock, actor: str, role: Role
    ) -> None:
        self._begin = begin
        self._tx: Transaction | None = None
        self.blobs = blobs
        self.clock = clock
        self.actor = actor
        self.role = role
        self.now: datetime = clock.now()
        self.events: list[Event] = []

    @property
    def tx(self) -> Transaction:
        """The act's transaction; begins at the first touch."""
        if self._tx is None:
            self._tx = self._begin()
        return self._tx

    def emit(self, kind: str, subject: str, **body: Any) -> None:
        """Publish an event with this change: `ctx.emit("registry.promoted", "model:fraud", version=3)`."""
        self.events.append(Event(ids.event_id(self.now), self.now, kind, subject, self.actor, body))
