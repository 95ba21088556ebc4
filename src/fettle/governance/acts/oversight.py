"""What can be asked and done to govern a workspace: audit, events, lineage, cards, tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from fettle.acts import Context, Role, act, records
from fettle.acts import store as acts_store
from fettle.core import canonical, ids
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.core.units import duration_s
from fettle.data.acts import versions as data
from fettle.governance import access, cards, chain
from fettle.governance.lineage import trace
from fettle.governance.records.oversight import (
    Card,
    Lineage,
    NewToken,
    NumberedEvent,
    RoleName,
    Token,
    Verdict,
)
from fettle.governance.store import oversight as store
from fettle.packaging.records import Manifest
from fettle.registry import acts as registry
from fettle.serving import acts as serving
from fettle.storage.objects import get_object

_PAGE = 1000


@act("governance.audit", reads=True)
def audit(
    ctx: Context,
    *,
    limit: int = 100,
    before: int | None = None,
    act: str | None = None,
    actor: str | None = None,
) -> list[records.AuditEntry]:
    """List audit entries, newest first: who did what, when, with which arguments.

    Args:
        limit: At most so many.
        before: Only entries with a lower number, to read on.
        act: Only those of one act, such as `registry.promote`.
        actor: Only those of one actor.
    """
    return store.find_audit(ctx.tx, act=act, actor=actor, before=before, limit=max(0, limit))


@act("governance.verify", reads=True)
def verify(ctx: Context) -> Verdict:
    """Verify the audit chain from its first entry to its head."""
    return chain.check(_all_audit(ctx), acts_store.audit_head(ctx.tx))


@act("governance.events", reads=True)
def events(
    ctx: Context, *, after: int = 0, kind: str | None = None, subject: str | None = None, limit: int = 100
) -> list[NumberedEvent]:
    """List events in the order they were written.

    Args:
        after: Only those written after the event of this number.
        kind: Only of one kind, such as `registry.promoted`.
        subject: Only about one thing, such as `model:fraud`.
        limit: At most so many.
    """
    found = acts_store.list_events(ctx.tx, after=after, kind=kind, subject=subject, most=max(0, limit))
    return [
        NumberedEvent(seq, each.id, each.at, each.kind, each.subject, each.actor, each.body)
        for seq, each in found
    ]


@act("governance.lineage", reads=True)
def lineage(ctx: Context, subject: str) -> Lineage:
    """Follow a thing back to where it came from, and forward to what came of it.

    Args:
        subject: `model:NAME@VERSION`, `run:ID`, `flow:ID`, `commit:DATASET@ID` or `endpoint:NAME`.
    """
    return trace(ctx, subject)


@act("governance.card", reads=True)
def card(ctx: Context, model: str, version: int) -> Card:
    """Write the model card of a version from the records, in Markdown, and list what is missing.

    Args:
        model: The model.
        version: Its version.
    """
    shown = registry.show(ctx, model, version)
    described = next((each.description for each in registry.models(ctx) if each.name == model), "")
    moves = [each for each in registry.history(ctx, model) if version in (each.version, each.previous)]
    endpoints = [
        each.name for each in serving.endpoints(ctx) if each.model == model and each.alias in shown.aliases
    ]
    manifest = commit = None
    with contextlib.suppress(FettleError):  # it is then listed as missing
        manifest = canonical.decode(get_object(ctx.blobs, shown.bundle), Manifest)
    if shown.dataset and shown.dataset_commit:
        with contextlib.suppress(NotFound):
            commit = data.show(ctx, f"{shown.dataset}@{shown.dataset_commit}")
    return cards.write(cards.Facts(shown, described, manifest, commit, moves, endpoints))


@act("governance.grant", needs=Role.ADMIN, keeps_answer=False)
def grant(ctx: Context, actor: str, role: RoleName, *, expires_in: str = "") -> NewToken:
    """Let somebody in: make a token and show its secret, this once.

    From the first token on, every request to the server must carry one.

    Args:
        actor: Who acts with it, such as `user:ada` or `service:ci`.
        role: What it allows; each role includes the ones before it.
        expires_in: When it ends by itself, such as `90d`; empty means never.
    """
    access.check_actor(actor)
    secret = access.new_secret()
    ends = _ends(ctx, expires_in) if expires_in else None
    token = Token(
        id=ids.event_id(ctx.now),
        actor=actor,
        role=role,
        created_at=ctx.now,
        created_by=ctx.actor,
        expires_at=ends,
    )
    store.add_token(ctx.tx, token, access.hash_of(secret))
    ends_at = ends.isoformat() if ends else None
    ctx.emit("governance.granted", actor, role=role, token=token.id, expires_at=ends_at)
    return NewToken(token, secret)


@act("governance.revoke", needs=Role.ADMIN)
def revoke(ctx: Context, token: str) -> Token:
    """Take a token back; it is refused from now on.

    Args:
        token: Its id, as `governance.tokens` lists it.
    """
    found = _token(ctx, token)
    if found.revoked_at is None:
        store.revoke_token(ctx.tx, token, ctx.now)
        ctx.emit("governance.revoked", found.actor, token=token)
    return _token(ctx, token)


@act("governance.tokens", reads=True, needs=Role.ADMIN)
def tokens(ctx: Context) -> list[Token]:
    """List the tokens that were granted, oldest first; their secrets are not kept."""
    return store.list_tokens(ctx.tx)


def _ends(ctx: Context, expires_in: str) -> datetime:
    try:
        return ctx.now + timedelta(seconds=duration_s(expires_in))
    except OverflowError as error:
        raise Invalid(
            "A token cannot hold for so long.",
            found=expires_in[:40],
            hint="Leave it out: it never ends then.",
        ) from error


def _token(ctx: Context, token: str) -> Token:
    found = store.find_token(ctx.tx, token)
    if found is None:
        raise NotFound.among("token", token, [each.id for each in store.list_tokens(ctx.tx)])
    return found


def _all_audit(ctx: Context) -> Iterator[records.AuditEntry]:
    after = 0
    while page := acts_store.list_audit(ctx.tx, after=after, most=_PAGE):
        yield from page
        after = page[-1].seq
