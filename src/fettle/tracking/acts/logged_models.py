"""What can be done with logged models: models whose files a client keeps here, registered or not."""

from __future__ import annotations

import secrets

from fettle.acts import Context, act
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.tracking.acts.experiments import numbered
from fettle.tracking.names import check_values
from fettle.tracking.records.inputs import LoggedModel, ModelStatus
from fettle.tracking.store import batch
from fettle.tracking.store import logged_models as store


@act("tracking.make_model", plumbing=True)
def make_model(
    ctx: Context,
    number: int,
    name: str = "",
    *,
    kind: str = "",
    run: str = "",
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> LoggedModel:
    """Make a logged model, whose files come next.

    Args:
        number: The number of its experiment.
        name: What people call it; empty means a part of its id.
        kind: What sort of model its client says it is.
        run: The run that makes it.
        params: Parameter and text.
        tags: Tag and text.
    """
    if number != 0:
        numbered(ctx, number)
    if run and batch.find_state(ctx.tx, run) is None:
        raise NotFound(f"There is no run {run!r}.", hint="fettle tracking runs", subject=f"run:{run}")
    check_values("parameter", params or {})
    check_values("tag", tags or {})
    model_id = f"m-{secrets.token_hex(16)}"
    made = LoggedModel(
        id=model_id,
        experiment=number,
        name=name or f"model-{model_id[-8:]}",
        kind=kind,
        run=run,
        status="pending",
        author=ctx.actor,
        created_at=ctx.now,
        updated_at=ctx.now,
        params=params or {},
        tags=tags or {},
    )
    store.add_model(ctx.tx, made)
    return made


@act("tracking.model", reads=True, plumbing=True)
def model(ctx: Context, id: str, *, deleted: bool = False) -> LoggedModel:
    """Show a logged model.

    Args:
        id: Its id.
        deleted: Also if it is in the bin.

    Raises:
        NotFound: There is none, or it is in the bin.
    """
    found = store.find_model(ctx.tx, id)
    if found is None or (found.deleted_at is not None and not deleted):
        raise NotFound(f"Logged model with ID {id!r} not found.", subject=f"logged-model:{id}")
    return found


@act("tracking.change_model", plumbing=True)
def change_model(
    ctx: Context,
    id: str,
    *,
    status: ModelStatus | None = None,
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    untag: list[str] | None = None,
) -> LoggedModel:
    """Change a logged model.

    Args:
        id: Its id.
        status: Whether its files are all here.
        params: Parameters to add; another value than the one it has is refused.
        tags: Tags to set.
        untag: Tags to drop.
    """
    known = model(ctx, id)
    check_values("parameter", params or {})
    check_values("tag", tags or {})
    changed = [key for key, value in (params or {}).items() if known.params.get(key, value) != value]
    if changed:
        raise Conflict(f"Parameters of logged model {id} are set already.", found=", ".join(changed[:5]))
    kept = {**known.tags, **(tags or {})}
    for key in untag or []:
        if kept.pop(key, None) is None:
            raise NotFound(f"No tag with key {key!r} found for model with ID {id!r}.")
    fields = {"params": {**known.params, **(params or {})}, "tags": kept, "updated_at": ctx.now}
    store.change_model(ctx.tx, id, **fields, **({"status": status} if status else {}))
    return model(ctx, id)


@act("tracking.delete_model", plumbing=True)
def delete_model(ctx: Context, id: str) -> None:
    """Put a logged model into the bin.

    Args:
        id: Its id.
    """
    model(ctx, id)
    store.change_model(ctx.tx, id, deleted_at=ctx.now, updated_at=ctx.now)


@act("tracking.models", reads=True, plumbing=True)
def models(ctx: Context, experiments: list[int]) -> list[LoggedModel]:
    """List the logged models of experiments, newest first.

    Args:
        experiments: Their numbers.
    """
    if len(experiments) > 1000:
        raise Invalid("Those are too many experiments at once.", found=f"{len(experiments):,}")
    return store.list_models(ctx.tx, experiments)
