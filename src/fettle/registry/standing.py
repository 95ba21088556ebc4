"""Which role an actor has now, from what was granted and revoked; governance writes it as events, further up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fettle.acts import store
from fettle.registry.checks import RANKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fettle.acts import Context, Event

_PAGE = 1000


def ranks_now(ctx: Context, actors: Iterable[str]) -> dict[str, int]:
    """Actor → rank of the highest role that a token of theirs gives now; 0 when all were taken back.

    Who never had a token is not in it: they sit at this machine, where the files are theirs.
    """
    found = {actor: rank_of(_granted(ctx, actor), ctx.now) for actor in set(actors)}
    return {actor: rank for actor, rank in found.items() if rank is not None}


def rank_of(events: Iterable[Event], now: datetime) -> int | None:
    """The rank that tokens give, by the events of granting and revoking; None without any."""
    tokens: dict[str, int] = {}
    for each in events:
        token = str(each.body.get("token", ""))
        if each.kind == "governance.granted":
            tokens[token] = 0 if _over(each.body.get("expires_at"), now) else RANKS.get(each.body["role"], 0)
        elif each.kind == "governance.revoked":
            tokens[token] = 0
    return max(tokens.values()) if tokens else None


def _over(expires_at: str | None, now: datetime) -> bool:
    return expires_at is not None and datetime.fromisoformat(expires_at) <= now


def _granted(ctx: Context, actor: str) -> Iterable[Event]:
    after = 0
    while page := store.list_events(ctx.tx, after=after, subject=actor, most=_PAGE):
        yield from (event for _, event in page)
        after = page[-1][0]
