"""What can be asked about models and versions: which there are, and which fit conditions."""

from __future__ import annotations

from fettle.acts import Context, act
from fettle.core.errors import Invalid
from fettle.registry import asking, find
from fettle.registry.records.models import ModelPage, VersionPage
from fettle.registry.records.search import Condition, Group
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store import search
from fettle.registry.store import versions as store

MOST_PAGE = 200_000


@act("registry.versions", reads=True)
def versions(ctx: Context, model: str) -> list[ModelVersion]:
    """List the versions of a model, newest first.

    Args:
        model: The model.
    """
    found = store.list_versions(ctx.tx, model)
    if not found:
        find.model(ctx, model)
    return found


@act("registry.show", reads=True)
def show(ctx: Context, model: str, version: int) -> ModelVersion:
    """Show one version: bundle, metrics, gates, aliases and where it came from.

    Args:
        model: The model.
        version: Its version.
    """
    return find.version(ctx, model, version)


@act("registry.find", reads=True)
def find_ref(ctx: Context, ref: str) -> ModelVersion:
    """Show the version that a reference names.

    Args:
        ref: `fraud` (its champion), `fraud@champion`, `fraud@3`, `fraud/3`, `fraud@latest`, or the first 8 or more
            characters of a bundle's digest, alone or behind `fraud@`.

    Raises:
        NotFound: There is no such model, alias or version.
        Conflict: The digest's beginning fits several versions.
    """
    return find.ref(ctx, ref)


@act("registry.search", reads=True)
def search_models(
    ctx: Context,
    text: str = "",
    *,
    where: list[Condition] | None = None,
    order_by: list[str] | None = None,
    limit: int = 100,
    cursor: str = "",
) -> ModelPage:
    """Find models: all conditions must hold.

    Args:
        text: Such as `name like 'fraud%' and (tags.team = 'risk' or alias = 'champion')`; empty asks for nothing.
        where: Further conditions, on `name`, `description`, `author`, `at`, `updated_at`, `alias`, `tag.KEY`.
        order_by: Fields, each with `desc` behind it, or `-` before it, or not; then by name.
        limit: At most so many.
        cursor: `next` of the page before.
    """
    wanted = _conditions(text, where, limit)
    return ModelPage(*search.find_models(ctx.tx, wanted, order_by or [], limit, cursor))


@act("registry.search_versions", reads=True)
def search_versions(
    ctx: Context,
    text: str = "",
    *,
    where: list[Condition] | None = None,
    order_by: list[str] | None = None,
    limit: int = 100,
    cursor: str = "",
) -> VersionPage:
    """Find versions of any model: all conditions must hold.

    Args:
        text: Such as `name like 'fraud%' and (tags.team = 'risk' or alias = 'champion')`; empty asks for nothing.
        where: Further conditions, on `name`, `version`, `run_id`, `source`, `kind`, `status`, `review`, `author`, `at`,
            `updated_at`, `dataset`, `dataset_commit`, `logged_model`, `bundle`, `description`, `alias`, `tag.KEY`.
        order_by: Fields, each with `desc` behind it, or `-` before it, or not; then by name, the newest version first.
        limit: At most so many.
        cursor: `next` of the page before.
    """
    wanted = _conditions(text, where, limit)
    return VersionPage(*search.find_versions(ctx.tx, wanted, order_by or [], limit, cursor))


@act("registry.made_from", reads=True)
def made_from(
    ctx: Context,
    *,
    run_id: str | None = None,
    flow_id: str | None = None,
    dataset_commit: str | None = None,
    logged_model: str | None = None,
) -> list[ModelVersion]:
    """List the versions, of any model, that a run, a pipeline run, a dataset commit or a logged model led to.

    Args:
        run_id: A tracking run.
        flow_id: A pipeline run.
        dataset_commit: A commit of a dataset.
        logged_model: A logged model.
    """
    return store.versions_from(
        ctx.tx, run_id=run_id, flow_id=flow_id, dataset_commit=dataset_commit, logged_model=logged_model
    )


def _conditions(text: str, where: list[Condition] | None, limit: int) -> list[Condition | Group]:
    """What is sought, of a page that is neither empty nor too long."""
    if not 1 <= limit <= MOST_PAGE:
        raise Invalid(
            "A page has at least one entry.", found=str(limit), hint=f"Give a limit from 1 to {MOST_PAGE:,}."
        )
    return [asking.parse(text), *(where or [])]
