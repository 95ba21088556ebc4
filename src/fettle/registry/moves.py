"""An alias is moved in one place only: the move is kept with who, when, why and which bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.core.errors import Conflict
from fettle.registry import bundles
from fettle.registry.names import check_reason
from fettle.registry.records.aliases import AliasChange, Move
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import aliases, models

if TYPE_CHECKING:
    from fettle.acts import Context


def move(
    ctx: Context,
    alias: str,
    version: ModelVersion,
    how: Move,
    reason: str,
    *,
    override: bool = False,
    request: str | None = None,
) -> int | None:
    """Point an alias at a version; the number it named before.

    Raises:
        Conflict: An endpoint follows the alias, and the version is of a kind that endpoints cannot serve.
        NotFound: The version's bundle, or a file of it, is not kept in this workspace.
    """
    check_servable(ctx, alias, version)
    previous = aliases.alias_version(ctx.tx, version.model, alias)
    aliases.add_change(
        ctx.tx,
        AliasChange(
            id=ids.event_id(ctx.now),
            model=version.model,
            alias=alias,
            version=version.version,
            previous=previous,
            move=how,
            at=ctx.now,
            actor=ctx.actor,
            reason=check_reason(reason),
            override=override,
            bundle=version.bundle,
            request=request,
        ),
    )
    models.touch(ctx.tx, version.model, ctx.now)
    return previous


def take_away(ctx: Context, alias: str, version: ModelVersion, reason: str) -> None:
    """Let an alias name nothing any more."""
    aliases.add_change(
        ctx.tx,
        AliasChange(
            id=ids.event_id(ctx.now),
            model=version.model,
            alias=alias,
            version=None,
            previous=version.version,
            move="removed",
            at=ctx.now,
            actor=ctx.actor,
            reason=check_reason(reason),
        ),
    )
    models.touch(ctx.tx, version.model, ctx.now)


def check_servable(ctx: Context, alias: str, version: ModelVersion) -> None:
    """Refuse to let an alias name a bundle that is not there, and an endpoint's alias what endpoints cannot serve.

    Raises:
        Conflict: An endpoint follows the alias, and the version has files of another tool.
        NotFound: The bundle, or a file of it, is not kept in this workspace.
        Damaged: A file of it has another size than it should.
    """
    if version.kind == "bundle":
        bundles.check_whole(ctx.blobs, version)
        return
    followers = [each.by for each in aliases.list_uses(ctx.tx, version.model, alias)]
    if followers:
        raise Conflict(
            f"Version {version.version} of {version.model} cannot be {alias}: {', '.join(followers)} serves it.",
            found=NOT_SERVED.format(source=version.source),
            hint="Package the model as a bundle (`fettle.packaging`), or take the endpoint elsewhere first.",
            subject=f"model:{version.model}",
        )


NOT_SERVED = "files of another tool ({source}); fettle serves bundles, whose graph and schema it has checked"
