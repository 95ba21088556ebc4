"""Descriptions and tags: changed, and every change kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fettle.core.errors import NotFound
from fettle.registry.names import check_description
from fettle.registry.records.models import Edit
from fettle.registry.store import models
from fettle.registry.store.tags import set_tag
from fettle.tracking.names import check_values

if TYPE_CHECKING:
    from fettle.acts import Context


def note(ctx: Context, model: str, version: int, field: str, old: str | None, new: str | None) -> None:
    """Keep one change."""
    models.add_edit(ctx.tx, Edit(model, version, field, old, new, ctx.now, ctx.actor))


def change_tags(
    ctx: Context,
    model: str,
    version: int,
    known: Mapping[str, str],
    wanted: Mapping[str, str],
    unwanted: Sequence[str] = (),
) -> bool:
    """Set and drop tags of a model (version 0) or version; True if anything changed.

    Raises:
        NotFound: A tag to drop is not there.
        Invalid: A name or value cannot be a tag.
    """
    check_values("tag", wanted)
    changes: dict[str, str | None] = {key: value for key, value in wanted.items() if known.get(key) != value}
    for key in unwanted:
        if key not in known:
            raise NotFound.among("tag", key, known)
        changes[key] = None
    for key, value in changes.items():
        set_tag(ctx.tx, model, version, key, value)
        note(ctx, model, version, f"tag:{key}", known.get(key), value)
    return bool(changes)


def change_description(ctx: Context, model: str, version: int, known: str, wanted: str | None) -> bool:
    """Note a new description; the caller writes it. True if it is another one."""
    if wanted is None or check_description(wanted) == known:
        return False
    note(ctx, model, version, "description", known, wanted)
    return True
