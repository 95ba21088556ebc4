"""Reading what is masked: leave is asked for, given by role, and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Denied
from fettle.privacy.records import Opening, SubjectKey, Unsealed

OPEN_FOR = timedelta(minutes=15)


@act("privacy.unseal", needs=Role.APPROVER, keeps_answer=False)
def unseal(
    ctx: Context, tokens: Annotated[list[str], msgspec.Meta(max_length=1000)], reason: str = ""
) -> Unsealed:
    """Hand out vault entries, still sealed; who asked for which tokens, and why, is in the audit.

    Args:
        tokens: Tokens of the vault, at most 1,000.
        reason: Why.
    """
    from fettle.privacy import store

    entries = store.find_entries(ctx.tx, tokens)
    owners = sorted({each.subject for each in entries if each.subject})
    ctx.emit("privacy.revealed", "vault", tokens=len(entries), reason=reason)
    return Unsealed(entries, store.subject_keys_of(ctx.tx, owners))


@act("privacy.begin_reading", needs=Role.APPROVER)
def begin_reading(ctx: Context, dataset: str, reason: str = "", *, subjects: int = 0) -> Opening:
    """Ask leave to read the encrypted columns of a dataset for a quarter of an hour.

    Args:
        dataset: What is read; any words, for the audit.
        reason: Why.
        subjects: How many subjects it is about, for the audit.
    """
    from fettle.privacy import store

    opening = Opening(ids.event_id(ctx.now), ctx.actor, dataset, reason, ctx.now + OPEN_FOR)
    store.add_opening(ctx.tx, opening)
    ctx.emit("privacy.opened", f"dataset:{dataset}", subjects=subjects, reason=reason)
    return opening


@act("privacy.lend", reads=True, needs=Role.APPROVER)
def lend(
    ctx: Context, opening: str, subjects: Annotated[list[str], msgspec.Meta(max_length=5000)]
) -> list[SubjectKey]:
    """Lend the wrapped keys of subjects to whoever was given leave; erased ones have none.

    Args:
        opening: Id of the leave, of `privacy.begin_reading`.
        subjects: At most 5,000.
    """
    from fettle.privacy import store

    leave = store.find_opening(ctx.tx, opening)
    if leave is None or leave.actor != ctx.actor or leave.expires_at <= ctx.now:
        raise Denied(
            "Reading encrypted columns needs leave.",
            found="no such leave, another's, or one that is over",
            hint="privacy.open_frame asks for it; leave is for a quarter of an hour.",
        )
    return store.subject_keys_of(ctx.tx, subjects)
