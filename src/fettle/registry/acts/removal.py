"""What can be done to be rid of versions and models, and what forbids it."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.registry import find, pins, quorum
from fettle.registry.moves import take_away
from fettle.registry.names import check_reason
from fettle.registry.records.holds import ModelHold
from fettle.registry.records.versions import ModelVersion, RemovedVersion
from fettle.registry.store import aliases, approvals, models, tags, versions
from fettle.registry.store import holds as store


@act("registry.delete_version", needs=Role.APPROVER)
def delete_version(
    ctx: Context, model: str, version: int, *, reason: str = "", drop_aliases: bool = False
) -> RemovedVersion:
    """Delete a version. Its number is not used again, and that it was there, with all that was known, stays on record.

    The bundle's files stay until garbage is collected.

    Args:
        model: The model.
        version: Its version.
        reason: Why, kept with what is left of it.
        drop_aliases: Take away aliases that are neither protected nor served, instead of refusing because of them.

    Raises:
        Conflict: The version is live (an alias names it, an endpoint serves it) or on hold.
    """
    check_reason(reason)
    gone = find.version(ctx, model, version)
    _check_free(ctx, gone, drop_aliases=drop_aliases)
    return _delete(ctx, gone, reason)


@act("registry.delete", needs=Role.APPROVER)
def delete(ctx: Context, model: str, *, reason: str = "", drop_aliases: bool = False) -> list[RemovedVersion]:
    """Delete a model with all its versions; all of them or, if one cannot go, none.

    Args:
        model: The model.
        reason: Why, kept with what is left of the versions.
        drop_aliases: Take away aliases that are neither protected nor served, instead of refusing because of them.

    Raises:
        Conflict: A version is live or on hold, or an endpoint follows an alias of the model.
    """
    check_reason(reason)
    find.model(ctx, model)
    followers = [each.by for each in aliases.list_uses(ctx.tx, model)]
    if followers:
        raise _in_use(f"The model {model}", f"{', '.join(followers)} serves it", model)
    going = versions.list_versions(ctx.tx, model)
    for each in going:
        _check_free(ctx, each, drop_aliases=drop_aliases)
    _check_holds(ctx, model, 0)
    gone = [_delete(ctx, each, reason) for each in going]
    models.drop_model(ctx.tx, model)
    ctx.emit("registry.deleted", f"model:{model}", versions=[each.version for each in gone], reason=reason)
    return gone


@act("registry.removed", reads=True)
def removed(ctx: Context, model: str) -> list[RemovedVersion]:
    """List the versions of a model, there still or not, that were deleted: when, by whom, why, and what they were.

    Args:
        model: The model.
    """
    return versions.list_removed(ctx.tx, model)


@act("registry.hold", needs=Role.APPROVER)
def hold(ctx: Context, model: str, reason: str, *, version: int | None = None) -> ModelHold:
    """Put a version, or a model with all its versions, on legal hold: it cannot be deleted until released.

    Args:
        model: The model.
        reason: Why; kept with the hold.
        version: One version; None means the model with all its versions.
    """
    if not check_reason(reason).strip():
        raise Invalid("A hold needs a reason.", hint='For example "case 2024-17".')
    find.model(ctx, model)
    if version is not None:
        find.version(ctx, model, version)
    made = ModelHold(ids.event_id(ctx.now), model, version or 0, reason, ctx.now, ctx.actor)
    store.add_hold(ctx.tx, made)
    ctx.emit("registry.held", f"model:{model}", version=version, reason=reason)
    return made


@act("registry.release", needs=Role.APPROVER)
def release(ctx: Context, hold: str) -> ModelHold:
    """End a hold; that there was one stays on record.

    Args:
        hold: The hold's id.
    """
    known = {each.id: each for each in store.list_holds(ctx.tx, released=True)}
    if hold not in known:
        raise NotFound.among("hold", hold, known, hint="fettle registry holds")
    held = known[hold]
    if held.released_at is not None:
        return held
    store.release_hold(ctx.tx, hold, at=ctx.now, by=ctx.actor)
    ctx.emit("registry.released", f"model:{held.model}", version=held.version or None, reason=held.reason)
    return msgspec.structs.replace(held, released_at=ctx.now, released_by=ctx.actor)


@act("registry.holds", reads=True)
def holds(ctx: Context, model: str | None = None, *, released: bool = False) -> list[ModelHold]:
    """List what must not be deleted, and why.

    Args:
        model: Of one model only.
        released: Show those that ended too.
    """
    return store.list_holds(ctx.tx, model, released=released)


def _check_free(ctx: Context, version: ModelVersion, *, drop_aliases: bool) -> None:
    what = f"Version {version.version} of {version.model}"
    served = {each.alias: each.by for each in aliases.list_uses(ctx.tx, version.model)}
    for alias in version.aliases:
        if alias in served:
            raise _in_use(what, f"{served[alias]} serves {alias}", version.model)
        if not drop_aliases or quorum.rule_of(ctx, version.model, alias) is not None:
            raise _in_use(what, f"it is {alias}", version.model)
    _check_holds(ctx, version.model, version.version)


def _in_use(what: str, found: str, model: str) -> Conflict:
    return Conflict(
        f"{what} cannot be deleted: it is live.",
        found=found,
        hint="Point the alias elsewhere (promote, rollback), take it away (remove-alias), or undeploy the endpoint.",
        subject=f"model:{model}",
    )


def _check_holds(ctx: Context, model: str, version: int) -> None:
    held = [each for each in store.list_holds(ctx.tx, model) if each.version in (0, version)]
    if held:
        raise Conflict(
            f"{f'Version {version} of {model}' if version else f'The model {model}'} is on hold.",
            found=f"{held[0].reason!r}, by {held[0].by} since {held[0].at:%Y-%m-%d}",
            hint=f"An approver may end it: fettle registry release {held[0].id}",
            subject=f"model:{model}",
        )


def _delete(ctx: Context, version: ModelVersion, reason: str) -> RemovedVersion:
    for alias in version.aliases:
        take_away(ctx, alias, version, reason)
    pins.release(ctx, version.model, version.version)
    approvals.close_requests(ctx.tx, version.model, version.version, "withdrawn")
    gone = RemovedVersion(version.model, version.version, version.bundle, ctx.now, ctx.actor, reason, version)
    versions.drop_version(ctx.tx, gone)
    tags.drop_tags(ctx.tx, version.model, version.version)
    models.touch(ctx.tx, version.model, ctx.now)
    ctx.emit(
        "registry.version_deleted",
        f"model:{version.model}",
        version=version.version,
        bundle=version.bundle,
        reason=reason,
    )
    return gone
