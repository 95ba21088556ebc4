"""The nouns of serving: an endpoint, the workers that answer for it, predictions and labels."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

State = Literal["ready", "stopping", "stopped", "stale"]


class Worker(msgspec.Struct, frozen=True):
    """One process that answers for an endpoint, as its last heartbeat told it.

    `requests`, `errors` and `rows` count since the worker started; `p50_ms` and `p99_ms` are the latencies of the
    interval before the heartbeat, as the worker saw them (first byte parsed → answer handed to the system).
    """

    endpoint: str
    worker: str
    pid: int
    url: str
    state: State
    model: str
    version: int
    started_at: datetime
    seen_at: datetime
    requests: int = 0
    errors: int = 0
    rows: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    problem: str = ""


class Endpoint(msgspec.Struct, frozen=True):
    """A name under which the version behind `model@alias` answers; `port` 0 means any free one."""

    name: str
    model: str
    alias: str
    host: str
    port: int
    deployed_at: datetime
    deployed_by: str
    workers: list[Worker] = msgspec.field(default_factory=list)


class Target(msgspec.Struct, frozen=True):
    """What an endpoint should be answering with at this moment; `version` 0 means the alias points nowhere."""

    endpoint: str
    model: str
    alias: str
    host: str
    port: int
    version: int = 0
    bundle: str = ""


class Traffic(msgspec.Struct, frozen=True):
    """What one worker served with one version since its last heartbeat, or in one minute when it is read back."""

    version: int
    requests: int
    errors: int
    rows: int
    p50_ms: float
    p99_ms: float
    at: datetime | None = None
    worker: str = ""


class Prediction(msgspec.Struct, frozen=True):
    """One row that was asked, and what was answered; with `status` ≥ 400 the refusal is in `error`.

    The same `(id, row)` may stand in the log more than once: a client that got no answer asks again under the
    same id. Such rows are equal but for `at` and `latency_us`, and a reader counts them once.
    """

    id: str
    at: datetime
    endpoint: str
    model: str
    version: int
    row: int
    features: dict[str, Any]
    answer: dict[str, Any] | None
    status: int = 200
    latency_us: int = 0
    error: str = ""


class Label(msgspec.Struct, frozen=True):
    """The truth about row `row` of request `id`, told at `at`; the latest label of a row is the one that counts."""

    id: str
    at: datetime
    label: Any
    row: int = 0
