"""What can be done to the registry."""

from __future__ import annotations

import math

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Denied, GateFailed, Invalid, NotFound
from fettle.data.acts import policies as data
from fettle.registry import store
from fettle.registry.aliases import PASSING, UNGATED, rollback_target
from fettle.registry.records import AliasChange, GateResult, Model, ModelVersion, Move


@act("registry.register")
def register(
    ctx: Context,
    model: str,
    bundle: str,
    *,
    metrics: dict[str, float] | None = None,
    gates: list[GateResult] | None = None,
    run_id: str | None = None,
    flow_id: str | None = None,
    dataset: str | None = None,
    dataset_commit: str | None = None,
    parent_version: int | None = None,
    tags: dict[str, str] | None = None,
    description: str = "",
) -> ModelVersion:
    """Give a bundle the next version number of a model.

    Registering the same bundle again returns the version it has, so a pipeline that was killed and resumed does not
    leave two.

    Args:
        model: The model; made if it is new.
        bundle: Digest of the bundle, as packaging stored it.
        metrics: Metric and value on held-out data; a value that is not a finite number is left out.
        gates: What each acceptance gate said; a failed one keeps the version from being promoted.
        run_id: The tracking run that made it.
        flow_id: The pipeline run that made it.
        dataset: The dataset it was trained on.
        dataset_commit: The commit of that dataset.
        parent_version: The version it is meant to replace.
        tags: Free text by name.
        description: One sentence about the model, kept with its first version.
    """
    ids.check_name("model", model)
    if not bundle:
        raise Invalid("A version needs a bundle.", found="an empty digest", hint="Store the bundle first.")
    known = store.find_bundle(ctx.tx, model, bundle)
    if known is not None:
        return known
    store.add_model(ctx.tx, model, description=description, author=ctx.actor, at=ctx.now)
    version = ModelVersion(
        model=model,
        version=store.next_version(ctx.tx, model),
        bundle=bundle,
        at=ctx.now,
        author=ctx.actor,
        run_id=run_id,
        flow_id=flow_id,
        dataset=dataset,
        dataset_commit=dataset_commit,
        parent_version=parent_version,
        metrics={name: value for name, value in (metrics or {}).items() if math.isfinite(value)},
        gates=gates or [],
        tags=tags or {},
    )
    store.add_version(ctx.tx, version)
    if dataset and dataset_commit:
        data.pin(ctx, dataset, dataset_commit, by=f"model:{model}/{version.version}")
    ctx.emit("registry.registered", f"model:{model}", version=version.version, bundle=bundle)
    return version


@act("registry.promote", needs=Role.APPROVER)
def promote(
    ctx: Context, model: str, version: int, *, to: str = "champion", reason: str = "", override: bool = False
) -> ModelVersion:
    """Point an alias at a version whose gates have all passed.

    Promoting what the alias already names changes nothing. The alias `candidate` may be given before the gates.

    Args:
        model: The model.
        version: Its version.
        to: The alias to move; endpoints serve `champion`.
        reason: Why, kept with the move.
        override: Promote although a gate failed or the version was rejected; for administrators, with a reason.

    Raises:
        GateFailed: A gate of this version failed; the message lists which.
        Conflict: The version was rejected.
        Denied: `override` was asked by somebody who is not an administrator.
    """
    ids.check_name("alias", to)
    chosen = _version(ctx, model, version)
    if override:
        _check_override(ctx, reason)
    elif to not in UNGATED:
        _check_gates(chosen)
    previous = store.alias_version(ctx.tx, model, to)
    if previous == version:
        return chosen
    _move(ctx, model, to, version, previous, "promoted", reason, override=override)
    ctx.emit(
        "registry.promoted", f"model:{model}", alias=to, version=version, previous=previous, reason=reason
    )
    return _version(ctx, model, version)


@act("registry.reject", needs=Role.APPROVER)
def reject(ctx: Context, model: str, version: int, reason: str) -> ModelVersion:
    """Close the door on a version, for good and with the reason.

    It loses the aliases `candidate` and `challenger`. Rejecting it again changes nothing.

    Args:
        model: The model.
        version: Its version.
        reason: Why, kept with the version.

    Raises:
        Conflict: An alias in use, such as `champion`, names the version.
    """
    chosen = _version(ctx, model, version)
    if chosen.status == "rejected":
        return chosen
    held = [alias for alias in chosen.aliases if alias not in PASSING]
    if held:
        raise Conflict(
            f"Version {version} of {model} cannot be rejected while it is in use.",
            found=f"it is {', '.join(held)}",
            hint=f"First: fettle registry rollback {model} --alias {held[0]}",
            subject=f"model:{model}",
        )
    for alias in chosen.aliases:
        _move(ctx, model, alias, None, version, "removed", reason)
    store.set_status(ctx.tx, model, version, "rejected", reason)
    ctx.emit("registry.rejected", f"model:{model}", version=version, reason=reason)
    return _version(ctx, model, version)


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
    current = _alias_version(ctx, model, alias)
    if leaving is not None and current != leaving:
        return _version(ctx, model, current)
    rejected = {each.version for each in store.list_versions(ctx.tx, model) if each.status == "rejected"}
    target = to if to is not None else rollback_target(history, rejected)
    if target is None:
        raise Conflict(
            f"There is no version to roll {alias} of {model} back to.",
            found=f"{alias} has only ever been version {current}, or the earlier ones were rejected",
            hint=f"Promote another one: fettle registry promote {model} VERSION --to {alias}",
            subject=f"model:{model}",
        )
    chosen = _version(ctx, model, target)
    if target == current:
        return chosen
    _move(ctx, model, alias, target, current, "rolled back", reason)
    ctx.emit(
        "registry.rolled_back", f"model:{model}", alias=alias, version=target, previous=current, reason=reason
    )
    return _version(ctx, model, target)


@act("registry.models", reads=True)
def models(ctx: Context) -> list[Model]:
    """List the models, by name."""
    return store.list_models(ctx.tx)


@act("registry.versions", reads=True)
def versions(ctx: Context, model: str) -> list[ModelVersion]:
    """List the versions of a model, newest first.

    Args:
        model: The model.
    """
    found = store.list_versions(ctx.tx, model)
    if not found:
        raise NotFound.among("model", model, store.model_names(ctx.tx))
    return found


@act("registry.show", reads=True)
def show(ctx: Context, model: str, version: int) -> ModelVersion:
    """Show one version: bundle, metrics, gates, aliases and where it came from.

    Args:
        model: The model.
        version: Its version.
    """
    return _version(ctx, model, version)


@act("registry.alias", reads=True)
def alias(ctx: Context, model: str, alias: str = "champion") -> ModelVersion:
    """Show the version that an alias names now.

    Args:
        model: The model.
        alias: The alias.
    """
    return _version(ctx, model, _alias_version(ctx, model, alias))


@act("registry.history", reads=True)
def history(ctx: Context, model: str, alias: str | None = None) -> list[AliasChange]:
    """List the moves of an alias, or of all aliases, newest first: who, when, why.

    Args:
        model: The model.
        alias: One alias; None means all.
    """
    found = store.list_changes(ctx.tx, model, alias)
    if not found and model not in store.model_names(ctx.tx):
        raise NotFound.among("model", model, store.model_names(ctx.tx))
    return found[::-1]


@act("registry.made_from", reads=True)
def made_from(
    ctx: Context, *, run_id: str | None = None, flow_id: str | None = None, dataset_commit: str | None = None
) -> list[ModelVersion]:
    """List the versions, of any model, that a run, a pipeline run or a dataset commit led to.

    Args:
        run_id: A tracking run.
        flow_id: A pipeline run.
        dataset_commit: A commit of a dataset.
    """
    return store.versions_from(ctx.tx, run_id=run_id, flow_id=flow_id, dataset_commit=dataset_commit)


def _version(ctx: Context, model: str, version: int) -> ModelVersion:
    found = store.find_version(ctx.tx, model, version)
    if found is not None:
        return found
    numbers = [str(each.version) for each in store.list_versions(ctx.tx, model)]
    if not numbers:
        raise NotFound.among("model", model, store.model_names(ctx.tx))
    raise NotFound.among(
        f"version of {model}", str(version), numbers, hint=f"fettle registry versions {model}"
    )


def _alias_version(ctx: Context, model: str, alias: str) -> int:
    version = store.alias_version(ctx.tx, model, alias)
    if version is not None:
        return version
    names = store.model_names(ctx.tx)
    if model not in names:
        raise NotFound.among("model", model, names)
    hint = f"fettle registry promote {model} VERSION --to {alias}"
    raise NotFound.among(f"alias of {model}", alias, store.alias_names(ctx.tx, model), hint=hint)


def _check_override(ctx: Context, reason: str) -> None:
    if ctx.role < Role.ADMIN:
        raise Denied(
            "Overruling a gate needs the role admin.",
            found=f"{ctx.actor} is {ctx.role.name.lower()} here",
            hint="Ask an administrator of this workspace.",
        )
    if not reason.strip():
        raise Invalid(
            "Overruling a gate needs a reason.",
            found="an empty reason",
            hint="Say why: --reason 'hot fix for …'",
        )


def _check_gates(version: ModelVersion) -> None:
    subject = f"model:{version.model}"
    if version.status == "rejected":
        raise Conflict(
            f"Version {version.version} of {version.model} was rejected and cannot be promoted.",
            found=version.reason or "no reason was given",
            hint="Train a new version; an administrator may use --override.",
            subject=subject,
        )
    failed = version.failed_gates
    if failed:
        raise GateFailed(
            f"Version {version.version} of {version.model} did not pass its gates.",
            found="; ".join(each.detail or _in_words(each) for each in failed),
            hint="Train a better version; an administrator may use --override.",
            subject=subject,
        )


def _in_words(gate: GateResult) -> str:
    return (
        f"{gate.name} failed"
        if gate.value is None
        else f"{gate.name} is {gate.value:g}, against {gate.threshold}"
    )


def _move(
    ctx: Context,
    model: str,
    alias: str,
    version: int | None,
    previous: int | None,
    move: Move,
    reason: str,
    *,
    override: bool = False,
) -> None:
    change = AliasChange(
        id=ids.event_id(ctx.now),
        model=model,
        alias=alias,
        version=version,
        previous=previous,
        move=move,
        at=ctx.now,
        actor=ctx.actor,
        reason=reason,
        override=override,
    )
    store.add_change(ctx.tx, change)
