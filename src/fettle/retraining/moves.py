"""Intents and what becomes of them: each change leaves a transition, and only the newest reconciler may make one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from fettle.acts import Context
from fettle.core import ids
from fettle.core.errors import Conflict, NotFound
from fettle.retraining import store
from fettle.retraining.records import (
    MOVES,
    Intent,
    Policy,
    Sign,
    State,
    Transition,
)


def note(ctx: Context, project: str, sign: Sign) -> tuple[Intent, bool]:
    """The intent of a sign, and whether it is new."""
    known = store.intent_of(ctx.tx, project, sign.key)
    if known is not None:
        return known, False
    intent = Intent(
        id=ids.event_id(ctx.now),
        project=project,
        trigger=sign.trigger,
        key=sign.key,
        state="observed",
        reason=sign.reason,
        evidence=msgspec.to_builtins(sign.evidence, str_keys=True),
        at=ctx.now,
        updated_at=ctx.now,
    )
    store.add_intent(ctx.tx, intent)
    store.add_transition(ctx.tx, intent.id, Transition(ctx.now, "", "observed", sign.reason, ctx.actor))
    ctx.emit(
        "retraining.observed",
        f"project:{project}",
        intent=intent.id,
        trigger=sign.trigger,
        reason=sign.reason,
    )
    return intent, True


def move(
    ctx: Context,
    intent: Intent,
    after: State,
    reason: str,
    evidence: dict[str, Any] | None = None,
    **changes: Any,
) -> Intent:
    """Take an intent to another state, with its transition and event.

    Raises:
        Conflict: It cannot go there from where it is.
    """
    if after != intent.state and after not in MOVES.get(intent.state, ()):
        raise Conflict(
            f"An intent that is {intent.state} cannot become {after}.",
            found=f"intent {intent.id}",
            hint=f"fettle retraining show {intent.id}",
            subject=f"intent:{intent.id}",
        )
    store.add_transition(
        ctx.tx, intent.id, Transition(ctx.now, intent.state, after, reason, ctx.actor, evidence or {})
    )
    moved = keep(ctx, intent, state=after, reason=reason, **changes)
    ctx.emit(f"retraining.{after}", f"project:{intent.project}", intent=intent.id, reason=reason)
    return moved


def keep(ctx: Context, intent: Intent, **changes: Any) -> Intent:
    """Keep changed fields of an intent."""
    moved = msgspec.structs.replace(intent, updated_at=ctx.now, **changes)
    store.put_intent(ctx.tx, moved)
    return moved


def worked_on(ctx: Context, intent: str, token: int) -> tuple[Intent, Policy]:
    """The intent and its policy, after making sure that no newer reconciler has taken over."""
    found = intent_of(ctx, intent)
    return found, fenced(ctx, found.project, token)[0]


def fenced(ctx: Context, project: str, token: int) -> tuple[Policy, datetime]:
    """The policy, after making sure that no newer reconciler has taken over."""
    found = policy_of(ctx, project)
    highest = store.raise_token(ctx.tx, project, token)
    if token < highest:
        raise Conflict(
            f"Another reconciler of {project} has taken over.",
            found=f"fencing token {token}, but {highest} was seen",
            hint="Stop this one; the other goes on where it was.",
            subject=f"project:{project}",
        )
    return found


def policy_of(ctx: Context, project: str) -> tuple[Policy, datetime]:
    """The policy of a project and since when it holds."""
    found = store.find_policy(ctx.tx, project)
    if found is None:
        names = [each.project for each in store.list_policies(ctx.tx)]
        raise NotFound.among("retraining policy", project, names, hint=f"fettle retraining policy {project}")
    return found


def intent_of(ctx: Context, id: str) -> Intent:
    """The intent of that id."""
    found = store.find_intent(ctx.tx, id)
    if found is None:
        known = [each.id for each in store.list_intents(ctx.tx, limit=50)]
        raise NotFound.among("intent", id, known, hint="fettle retraining intents")
    return found
