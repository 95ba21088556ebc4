"""What can be done with models: make, describe, rename, list."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core.errors import Conflict
from fettle.registry import edits, find, pins
from fettle.registry.names import check_description, check_model
from fettle.registry.records.models import Edit, Model
from fettle.registry.store import aliases, approvals, renaming
from fettle.registry.store import models as store


@act("registry.make")
def make(ctx: Context, model: str, *, description: str = "", tags: dict[str, str] | None = None) -> Model:
    """Make a model that has no version yet; `register` makes its own when it is missing.

    Args:
        model: Printable text of at most 256 characters, without what divides references.
        description: What it is for, in Markdown.
        tags: Tag and text.

    Raises:
        Conflict: There is one of this name.
    """
    check_model(model)
    made = store.add_model(
        ctx.tx, model, description=check_description(description), author=ctx.actor, at=ctx.now
    )
    if not made:
        raise _taken(model)
    edits.change_tags(ctx, model, 0, {}, tags or {})
    ctx.emit("registry.made", f"model:{model}", tags=tags or {}, description=description)
    return find.model(ctx, model)


@act("registry.change")
def change(
    ctx: Context,
    model: str,
    *,
    description: str | None = None,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
) -> Model:
    """Describe or tag a model; each change is kept.

    Args:
        model: The model.
        description: The new description, in Markdown.
        tags: Tags to set.
        untag: Tags to drop.
    """
    known = find.model(ctx, model)
    described = edits.change_description(ctx, model, 0, known.description, description)
    if described:
        store.change_model(ctx.tx, model, description=description)
    if edits.change_tags(ctx, model, 0, known.tags, tags or {}, untag or []) or described:
        store.touch(ctx.tx, model, ctx.now)
        ctx.emit(
            "registry.changed", f"model:{model}", tags=tags or {}, untag=untag or [], described=described
        )
    return find.model(ctx, model)


@act("registry.rename", needs=Role.APPROVER)
def rename(ctx: Context, model: str, to: str) -> Model:
    """Give a model another name; versions, aliases, history, holds and approvals go with it.

    Args:
        model: Its name now.
        to: The new name.

    Raises:
        Conflict: The new name is taken or protected, or an endpoint serves the model.
    """
    find.model(ctx, model)
    check_model(to)
    if to == model:
        return find.model(ctx, model)
    if store.find_model(ctx.tx, to) is not None:
        raise _taken(to)
    if any(each.model == to for each in approvals.list_protections(ctx.tx)):
        raise Conflict(
            f"The name {to!r} has protections of its own, which {model} has not lived under.",
            hint="Take another name, or have an administrator remove them: fettle registry protections",
            subject=f"model:{to}",
        )
    followers = [each.by for each in aliases.list_uses(ctx.tx, model)]
    if followers:
        raise Conflict(
            f"The model {model} cannot be renamed while it is served.",
            found=", ".join(followers),
            hint="Undeploy the endpoint first, and deploy it with the new name afterwards.",
            subject=f"model:{model}",
        )
    pins.release(ctx, model)
    renaming.rename_model(ctx.tx, model, to)
    pins.renew(ctx, to)
    edits.note(ctx, to, 0, "name", model, to)
    store.touch(ctx.tx, to, ctx.now)
    ctx.emit("registry.renamed", f"model:{to}", before=model)
    return find.model(ctx, to)


@act("registry.models", reads=True)
def models(ctx: Context) -> list[Model]:
    """List the models, by name."""
    return store.list_models(ctx.tx)


@act("registry.model", reads=True)
def model(ctx: Context, model: str) -> Model:
    """Show one model: description, tags, aliases and how many versions it has.

    Args:
        model: The model.
    """
    return find.model(ctx, model)


@act("registry.edits", reads=True)
def list_edits(ctx: Context, model: str, version: int | None = None) -> list[Edit]:
    """List the changes of descriptions, tags, name and review, oldest first: who, when, from what to what.

    Args:
        model: The model.
        version: Of one version only; 0 for the model itself; None means all.
    """
    find.model(ctx, model)
    return store.list_edits(ctx.tx, model, version)


def _taken(model: str) -> Conflict:
    return Conflict(
        f"There is a model {model!r} already.",
        hint="Register versions of it, or choose another name.",
        subject=f"model:{model}",
    )
