"""Who follows an alias; for the rooms above, in their transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.registry import find, moves
from fettle.registry.records.aliases import AliasUse
from fettle.registry.store import aliases

if TYPE_CHECKING:
    from fettle.acts import Context


def follow(ctx: Context, model: str, alias: str, *, by: str) -> None:
    """Note that something serves what an alias names, so that it is not deleted under it.

    Args:
        ctx: The act that deploys it.
        model: The model.
        alias: The alias.
        by: What follows it, such as `endpoint:fraud`; it follows one alias at a time.

    Raises:
        Conflict: The alias names files of another tool, which fettle does not serve.
    """
    number = find.alias(ctx, model, alias)
    aliases.add_use(ctx.tx, AliasUse(model, alias, by))
    moves.check_servable(ctx, alias, find.version(ctx, model, number))


def unfollow(ctx: Context, *, by: str) -> None:
    """Note that something follows no alias any more."""
    aliases.drop_use(ctx.tx, by)
