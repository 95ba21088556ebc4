"""What can be done with versions: register, adopt, describe, reject."""

from __future__ import annotations

import math

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid
from fettle.evaluation.records import GateResult
from fettle.registry import bundles, edits, find, pins, stages
from fettle.registry.aliases import PASSING
from fettle.registry.listings import check_listing
from fettle.registry.moves import take_away
from fettle.registry.names import check_bundle, check_description, check_model, check_origin, check_reason
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import approvals, models, tags
from fettle.registry.store import versions as store
from fettle.tracking.names import check_values


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
    note: str = "",
) -> ModelVersion:
    """Give a bundle the next version number of a model.

    Registering the same bundle again returns the version it has, so a pipeline that was killed and resumed does not
    leave two.

    Args:
        model: The model; made if it is new.
        bundle: Digest of the bundle, as packaging stored it. What is known of it (failed gates, a rejection) follows it
            under every name.
        metrics: Metric and value on held-out data; a value that is not a finite number is left out.
        gates: What each acceptance gate said; a failed one keeps the version from being promoted.
        run_id: The tracking run that made it.
        flow_id: The pipeline run that made it.
        dataset: The dataset it was trained on.
        dataset_commit: The commit of that dataset.
        parent_version: The version it is meant to replace.
        tags: Free text by name.
        description: One sentence about the model, kept with its first version.
        note: What is to be said of this version, in Markdown.

    Raises:
        NotFound: The bundle is not kept in this workspace; store it first.
        Damaged: What is kept under the digest is no bundle.
    """
    check_model(model)
    _check_said(metrics, gates, tags, run_id=run_id, flow_id=flow_id, dataset=dataset, commit=dataset_commit)
    bundles.manifest_of(ctx.blobs, check_bundle(bundle))
    known = store.find_bundle(ctx.tx, model, bundle)
    if known is not None:
        return known
    models.add_model(ctx.tx, model, description=check_description(description), author=ctx.actor, at=ctx.now)
    version = ModelVersion(
        model=model,
        version=models.take_number(ctx.tx, model),
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
        description=check_description(note),
        updated_at=ctx.now,
    )
    return _add(ctx, version)


@act("registry.adopt")
def adopt(
    ctx: Context,
    model: str,
    source: str,
    *,
    manifest: str | None = None,
    run_id: str | None = None,
    logged_model: str | None = None,
    metrics: dict[str, float] | None = None,
    dataset: str | None = None,
    dataset_commit: str | None = None,
    tags: dict[str, str] | None = None,
    note: str = "",
) -> ModelVersion:
    """Give a model in another tool's form, such as an MLflow folder, the next version number.

    It is named, tagged, approved and downloaded as any other version. Endpoints do not serve it: they take bundles, of
    which fettle knows graph and schema.

    Args:
        model: The model; made if it is new.
        source: Where the files lie, as an address.
        manifest: Digest of the list of files, where they were stored in this workspace: names and digests as JSON.
        run_id: The tracking run that made it.
        logged_model: Id of the logged model it is.
        metrics: Metric and value on held-out data; a value that is not a finite number is left out.
        dataset: The dataset it was trained on.
        dataset_commit: The commit of that dataset.
        tags: Free text by name.
        note: What is to be said of this version, in Markdown.
    """
    check_model(model)
    if not source.strip() or "\0" in source or len(source) > 4000:
        raise Invalid(
            "A version of foreign files needs to know where they lie.",
            found=f"{source[:60]!r}",
            hint="Give an address of at most 4000 characters.",
        )
    _check_said(
        metrics, [], tags, run_id=run_id, logged_model=logged_model, dataset=dataset, commit=dataset_commit
    )
    if manifest is not None:
        check_listing(ctx.blobs, manifest)
    models.add_model(ctx.tx, model, description="", author=ctx.actor, at=ctx.now)
    number = models.take_number(ctx.tx, model)
    version = ModelVersion(
        model=model,
        version=number,
        bundle=ids.digest_of(["foreign", model, number, source, manifest, run_id, logged_model]),
        at=ctx.now,
        author=ctx.actor,
        run_id=run_id,
        dataset=dataset,
        dataset_commit=dataset_commit,
        metrics={name: value for name, value in (metrics or {}).items() if math.isfinite(value)},
        tags=tags or {},
        description=check_description(note),
        kind="foreign",
        source=source,
        manifest=manifest,
        logged_model=logged_model,
        updated_at=ctx.now,
    )
    return _add(ctx, version)


def _check_said(
    metrics: dict[str, float] | None,
    gates: list[GateResult] | None,
    tags: dict[str, str] | None,
    **names: str | None,
) -> None:
    check_origin(metrics or {}, gates or [], **names)
    check_values("tag", tags or {})


def _add(ctx: Context, version: ModelVersion) -> ModelVersion:
    stages.check_change(ctx, version, "", stages.stage_of(version))
    store.add_version(ctx.tx, version)
    for key, value in version.tags.items():
        tags.set_tag(ctx.tx, version.model, version.version, key, value)
    models.touch(ctx.tx, version.model, ctx.now)
    pins.keep(ctx, version)
    ctx.emit(
        "registry.registered",
        f"model:{version.model}",
        version=version.version,
        bundle=version.bundle,
        form=version.kind,
        run_id=version.run_id,
        source=version.source,
        tags=version.tags,
        description=version.description,
    )
    return version


@act("registry.change_version")
def change_version(
    ctx: Context,
    model: str,
    version: int,
    *,
    note: str | None = None,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
) -> ModelVersion:
    """Describe or tag a version; the bundle and where it came from never change. Each change is kept.

    Args:
        model: The model.
        version: Its version.
        note: The new description, in Markdown.
        tags: Tags to set.
        untag: Tags to drop.
    """
    known = find.version(ctx, model, version)
    _check_stage(ctx, known, tags or {}, untag or [])
    described = edits.change_description(ctx, model, version, known.description, note)
    if described:
        store.change_version(ctx.tx, model, version, description=note)
    tagged = edits.change_tags(ctx, model, version, known.tags, tags or {}, untag or [])
    if tagged:
        models.touch(ctx.tx, model, ctx.now)
    if tagged or described:
        store.change_version(ctx.tx, model, version, updated_at=ctx.now)
        ctx.emit(
            "registry.version_changed",
            f"model:{model}",
            version=version,
            tags=tags or {},
            untag=untag or [],
            described=described,
        )
    return find.version(ctx, model, version)


def _check_stage(ctx: Context, version: ModelVersion, tags: dict[str, str], untag: list[str]) -> None:
    before = stages.stage_of(version)
    if stages.TAG in tags:
        stages.check_change(ctx, version, before, tags[stages.TAG])
    elif stages.TAG in untag:
        stages.check_change(ctx, version, before, "")


@act("registry.reject", needs=Role.APPROVER)
def reject(ctx: Context, model: str, version: int, reason: str) -> ModelVersion:
    """Close the door on a version, for good and with the reason.

    It loses the aliases `candidate` and `challenger`, and requests for its approval end. Rejecting it again changes
    nothing.

    Args:
        model: The model.
        version: Its version.
        reason: Why, kept with the version.

    Raises:
        Conflict: An alias in use, such as `champion`, names the version.
    """
    check_reason(reason)
    chosen = find.version(ctx, model, version)
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
        take_away(ctx, alias, chosen, reason)
    edits.note(ctx, model, version, "review", chosen.review, "rejected")
    store.change_version(
        ctx.tx, model, version, status="rejected", review="rejected", reason=reason, updated_at=ctx.now
    )
    approvals.close_requests(ctx.tx, model, version, "rejected")
    ctx.emit("registry.rejected", f"model:{model}", version=version, reason=reason)
    return find.version(ctx, model, version)
