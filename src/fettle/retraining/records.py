"""The nouns of retraining: the policy, the intents and how they moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Trigger = Literal["demand", "schedule", "data", "performance", "drift", "prediction"]

Level = Literal["notice", "warning", "critical"]

TRIGGER_OF: dict[str, Trigger] = {"performance": "performance", "drift": "drift", "prediction": "prediction"}
"""The trigger that an alert of some kind is; data quality is none: it blocks."""

DEFAULT_TRIGGERS: tuple[Trigger, ...] = ("demand", "schedule", "data", "performance", "prediction")
DEFAULT_LEAST: dict[str, Level] = {"drift": "critical"}
"""Drift alone retrains only when it is critical: features may move and the model still be right."""

State = Literal[
    "observed",
    "blocked",
    "decided",
    "training",
    "evaluating",
    "promoted",
    "proposed",
    "rejected",
    "failed",
    "coalesced",
]
"""`proposed`: better, but the alias asks for approvals; people promote it, or not."""
ACTIVE: tuple[State, ...] = ("decided", "training", "evaluating")
WAITING: tuple[State, ...] = ("observed", "blocked")
FINAL: tuple[State, ...] = ("promoted", "proposed", "rejected", "failed", "coalesced")

MOVES: dict[State, tuple[State, ...]] = {
    "observed": ("blocked", "decided", "coalesced"),
    "blocked": ("observed", "decided", "coalesced"),
    "decided": ("training", "failed"),
    "training": ("evaluating", "failed"),
    "evaluating": ("promoted", "proposed", "rejected", "failed"),
}
"""Where an intent may go from each state; what is not listed has no way out."""


class Freeze(msgspec.Struct, frozen=True):
    """A stretch of time in which no retraining starts."""

    start_at: datetime
    end_at: datetime
    reason: str = ""


class Policy(msgspec.Struct, frozen=True):
    """When a project is retrained.

    Attributes:
        project: The project.
        endpoint: The watched endpoint whose alerts count.
        model: The model that the endpoint serves.
        enabled: Whether anything but a person's demand may start a retraining.
        triggers: Which triggers count.
        least: The least severity of an alert that counts, by its kind; a kind that is not named needs a warning.
        cooldown_s: Least time from one decision to the next.
        budget_runs: Most decisions in ``budget_s``; 0 means no limit.
        budget_s: The time the budget is for.
        every_s: Schedule: once in so many seconds; 0 means never.
        new_labels: Data: once so many labels came since the last decision; 0 means never.
        freezes: When nothing starts.
        errors: Failed attempts after which an intent fails for good.
        interruptions: Killed attempts after which it does.
    """

    project: str
    endpoint: str
    model: str
    enabled: bool = True
    triggers: list[Trigger] = msgspec.field(default_factory=lambda: list(DEFAULT_TRIGGERS))
    least: dict[str, Level] = msgspec.field(default_factory=lambda: dict(DEFAULT_LEAST))
    cooldown_s: float = 86_400.0
    budget_runs: int = 0
    budget_s: float = 30 * 86_400.0
    every_s: float = 0.0
    new_labels: int = 0
    freezes: list[Freeze] = []
    errors: int = 3
    interruptions: int = 50


class Candidate(msgspec.Struct, frozen=True):
    """What a training brought: a version in the registry, and what should be remembered of it."""

    model: str
    version: int
    evidence: dict[str, Any] = {}


class Verdict(msgspec.Struct, frozen=True):
    """Whether the candidate should take over, why, and by what figures."""

    promote: bool
    reason: str
    evidence: dict[str, Any] = {}


class Sign(msgspec.Struct, frozen=True):
    """Something that speaks for a retraining; `key` says whether it is the same as one seen before."""

    trigger: Trigger
    key: str
    reason: str
    evidence: dict[str, Any]


class Transition(msgspec.Struct, frozen=True):
    """One move of an intent."""

    at: datetime
    before: str
    after: State
    reason: str
    by: str
    evidence: dict[str, Any] = {}


class Intent(msgspec.Struct, frozen=True):
    """The wish to retrain, with its evidence; it outlives every process.

    Attributes:
        id: Sorts by time; also what an attempt is known by, so that a resumed one finds its finished steps.
        key: The same trigger about the same subject in the same window has the same key, and one intent.
        state: Where it is.
        reason: Why it is there, in words.
        evidence: What was observed.
        decided_at: The moment to train as of: data from before it only.
        into: The intent it was merged into.
        attempts: How often training or evaluation began.
        errors: How often that ended in an error.
        candidate: What was trained.
        verdict: What the comparison said.
        history: Its moves, oldest first; only filled by ``retraining.show``.
    """

    id: str
    project: str
    trigger: Trigger
    key: str
    state: State
    reason: str
    evidence: dict[str, Any]
    at: datetime
    updated_at: datetime
    decided_at: datetime | None = None
    into: str | None = None
    attempts: int = 0
    errors: int = 0
    candidate: Candidate | None = None
    verdict: Verdict | None = None
    history: list[Transition] = []
