"""What one worker knows of itself: shared by its pages, its follower and its heartbeat."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime

from fettle.core import ids
from fettle.core.clock import SystemClock
from fettle.serving.desk import Desk
from fettle.serving.meter import Meter
from fettle.serving.records import State, Worker


@dataclass
class Station:
    """One worker. Each field is written by one thread only and read by any.

    Attributes:
        endpoint: The endpoint it answers for.
        worker: Its id, time-ordered: also the name of its folder of the log.
        desk: Where it answers.
        meter: What it counted.
        url: Where it listens; empty until it does.
        state: `ready` while requests are welcome.
        problem: Why the wanted version is not the live one; empty when it is.
        news: Set when the next heartbeat should not wait.
    """

    endpoint: str
    worker: str
    desk: Desk
    meter: Meter
    url: str = ""
    state: State = "ready"
    problem: str = ""
    news: threading.Event = field(default_factory=threading.Event)
    started_at: datetime = field(default_factory=SystemClock().now)

    @property
    def ready(self) -> bool:
        return self.state == "ready"

    def report(self) -> Worker:
        """What the heartbeat says; the latencies are those since the start until the interval's are filled in."""
        live, total = self.desk.live, self.meter.total()
        return Worker(
            endpoint=self.endpoint,
            worker=self.worker,
            pid=os.getpid(),
            url=self.url,
            state=self.state,
            model=live.model,
            version=live.version,
            started_at=self.started_at,
            seen_at=SystemClock().now(),
            requests=total.requests,
            errors=total.errors,
            rows=total.rows,
            problem=self.problem,
        )


def worker_id() -> str:
    """Name a new worker; names sort by the time of start."""
    return ids.event_id()
