"""What can be done with intents: ask for a retraining, and look at what was asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.acts import Context, act
from fettle.core import ids
from fettle.retraining import store
from fettle.retraining.moves import intent_of, note, policy_of
from fettle.retraining.records import (
    Intent,
    Sign,
    State,
)


@act("retraining.request")
def request(
    ctx: Context, project: str, *, reason: str = "", evidence: dict[str, Any] | None = None, key: str = ""
) -> Intent:
    """Ask for a retraining now; it waits for no cool-down, and merges what else is waiting.

    Args:
        project: The project.
        reason: Why.
        evidence: Anything worth remembering with it.
        key: Asking twice with the same key asks once; empty means a new request each time.
    """
    policy_of(ctx, project)
    key = f"demand:{key or ids.event_id(ctx.now)}"
    sign = Sign("demand", key, reason or f"asked for by {ctx.actor}", evidence or {})
    return note(ctx, project, sign)[0]


@act("retraining.intents", reads=True)
def intents(
    ctx: Context, project: str | None = None, *, state: State | None = None, limit: int = 200
) -> list[Intent]:
    """List intents, newest first.

    Args:
        project: Only this project's; None means all.
        state: Only those in this state.
        limit: At most so many.
    """
    return store.list_intents(ctx.tx, project=project, states=[state] if state else [], limit=limit)


@act("retraining.show", reads=True)
def show(ctx: Context, intent: str) -> Intent:
    """Show one intent with everything that happened to it.

    Args:
        intent: Its id.
    """
    found = intent_of(ctx, intent)
    return msgspec.structs.replace(found, history=store.list_transitions(ctx.tx, intent))
