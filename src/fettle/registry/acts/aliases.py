"""What can be done with aliases: point them at versions, with gates and approvals where they matter."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core.errors import Conflict
from fettle.registry import find, quorum, uses, verdicts
from fettle.registry.admission import admit, check_approver, check_override
from fettle.registry.aliases import rollback_target
from fettle.registry.moves import move, take_away
from fettle.registry.names import check_alias
from fettle.registry.records.aliases import AliasChange
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import aliases as store
from fettle.registry.store import approvals, versions


@act("registry.promote", needs=Role.APPROVER)
def promote(
    ctx: Context, model: str, version: int, *, to: str = "champion", reason: str = "", override: bool = False
) -> ModelVersion:
    """Point an alias at a version whose gates have all passed and that has the approvals the alias asks for.

    Promoting what the alias already names changes nothing. The alias `candidate` may be given before the gates.

    Args:
        model: The model.
        version: Its version.
        to: The alias to move; endpoints serve `champion`.
        reason: Why, kept with the move.
        override: Promote although a gate failed, approvals are missing or the version was rejected; for
            administrators, with a reason, marked for good.

    Raises:
        GateFailed: A gate said no to this bundle, under this name or another; the message lists which.
        ApprovalMissing: Too few people agreed.
        Conflict: The bundle was rejected.
        NotFound: The bundle, or a file of it, is not kept in this workspace; `override` does not change that.
        Invalid: The alias could be taken for a protected one.
        Denied: `override` was asked by somebody who is not an administrator.
    """
    check_alias(to)
    chosen = find.version(ctx, model, version)
    if override:
        check_override(ctx, reason)
    if store.alias_version(ctx.tx, model, to) == version:
        return chosen
    quorum.check_twin(ctx, model, to)
    request = None if override else admit(ctx, chosen, to)
    previous = move(ctx, to, chosen, "promoted", reason, override=override, request=request)
    if request:
        approvals.close_request(ctx.tx, request, "used")
    ctx.emit(
        "registry.promoted",
        f"model:{model}",
        alias=to,
        version=version,
        previous=previous,
        reason=reason,
        override=override,
    )
    return find.version(ctx, model, version)


@act("registry.rollback", needs=Role.APPROVER)
def rollback(
    ctx: Context,
    model: str,
    *,
    alias: str = "champion",
    leaving: int | None = None,
    to: int | None = None,
    reason: str = "",
) -> ModelVersion:
    """Point an alias back at the version it named before.

    What was promoted to the alias once may come back without new approvals; any other version takes what a promotion
    takes.

    Args:
        model: The model.
        alias: The alias to move back.
        leaving: The version to get away from: if the alias no longer names it, nothing changes, so that asking twice
            goes back once. None means whatever it names now.
        to: The version to go back to; None means the one before, passing over rejected ones.
        reason: Why, kept with the move.

    Raises:
        Conflict: There is no earlier version to go back to.
    """
    history = store.list_changes(ctx.tx, model, alias)
    current = find.alias(ctx, model, alias)
    if leaving is not None and current != leaving:
        return find.version(ctx, model, current)
    known = {each.version: each for each in versions.list_versions(ctx.tx, model)}
    closed = {each.version for each in known.values() if each.status == "rejected"}
    closed |= {each.version for each in history if each.version is not None and each.version not in known}
    target = to if to is not None else rollback_target(history, closed)
    if target is None:
        raise Conflict(
            f"There is no version to roll {alias} of {model} back to.",
            found=f"{alias} has only ever been version {current}, or the earlier ones were rejected or deleted",
            hint=f"Promote another one: fettle registry promote {model} VERSION --to {alias}",
            subject=f"model:{model}",
        )
    chosen = find.version(ctx, model, target)
    if target == current:
        return chosen
    request = None if _was_promoted(ctx, history, chosen) else admit(ctx, chosen, alias)
    move(ctx, alias, chosen, "rolled back", reason, request=request)
    if request:
        approvals.close_request(ctx.tx, request, "used")
    ctx.emit(
        "registry.rolled_back", f"model:{model}", alias=alias, version=target, previous=current, reason=reason
    )
    return find.version(ctx, model, target)


def _was_promoted(ctx: Context, history: list[AliasChange], version: ModelVersion) -> bool:
    """Whether exactly this bundle was promoted to the alias before, overruling nothing, and not rejected since."""
    return not verdicts.is_rejected(ctx, version) and any(
        each.move == "promoted"
        and not each.override
        and (each.version, each.bundle) == (version.version, version.bundle)
        for each in history
    )


@act("registry.set_alias")
def set_alias(ctx: Context, model: str, alias: str, version: int, *, reason: str = "") -> ModelVersion:
    """Point an alias at a version. A protected alias, such as `champion`, takes what `promote` takes.

    A free alias that an endpoint serves takes no version that was rejected or failed its gates.

    Args:
        model: The model.
        alias: The alias; made if it is new.
        version: The version it should name.
        reason: Why, kept with the move.

    Raises:
        Denied: The alias is protected and the role is below approver.
    """
    check_alias(alias)
    if quorum.rule_of(ctx, model, alias) is not None:
        _check_approver(ctx, model, alias)
        return promote(ctx, model, version, to=alias, reason=reason)
    chosen = find.version(ctx, model, version)
    if store.alias_version(ctx.tx, model, alias) == version:
        return chosen
    quorum.check_twin(ctx, model, alias)
    if store.list_uses(ctx.tx, model, alias):
        uses.check_served(ctx, alias, chosen)
    previous = move(ctx, alias, chosen, "set", reason)
    ctx.emit(
        "registry.alias_set", f"model:{model}", alias=alias, version=version, previous=previous, reason=reason
    )
    return find.version(ctx, model, version)


@act("registry.remove_alias")
def remove_alias(ctx: Context, model: str, alias: str, *, reason: str = "") -> None:
    """Let an alias name nothing any more; what it named stays.

    Args:
        model: The model.
        alias: The alias.
        reason: Why, kept with the move.

    Raises:
        NotFound: There is no such alias.
        Conflict: An endpoint serves it.
        Denied: The alias is protected and the role is below approver.
    """
    chosen = find.version(ctx, model, find.alias(ctx, model, alias))
    if quorum.rule_of(ctx, model, alias) is not None:
        _check_approver(ctx, model, alias)
    followers = [each.by for each in store.list_uses(ctx.tx, model, alias)]
    if followers:
        raise Conflict(
            f"The alias {alias} of {model} is in use.",
            found=f"{', '.join(followers)} serves it",
            hint="Undeploy the endpoint, or deploy it with another alias, first.",
            subject=f"model:{model}",
        )
    take_away(ctx, alias, chosen, reason)
    ctx.emit("registry.alias_removed", f"model:{model}", alias=alias, version=chosen.version, reason=reason)


@act("registry.alias", reads=True)
def alias(ctx: Context, model: str, alias: str = "champion") -> ModelVersion:
    """Show the version that an alias names now.

    Args:
        model: The model.
        alias: The alias.
    """
    return find.version(ctx, model, find.alias(ctx, model, alias))


@act("registry.history", reads=True)
def history(ctx: Context, model: str, alias: str | None = None) -> list[AliasChange]:
    """List the moves of an alias, or of all aliases, newest first: who, when, why.

    Args:
        model: The model.
        alias: One alias; None means all.
    """
    found = store.list_changes(ctx.tx, model, alias)
    if not found:
        find.model(ctx, model)
    return found[::-1]


def _check_approver(ctx: Context, model: str, alias: str) -> None:
    hint = "Ask an approver, or use an alias of your own."
    check_approver(ctx, f"The alias {alias} of {model}", hint)
