"""A model: a named line of versions."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fettle.registry.records.versions import ModelVersion


class Model(msgspec.Struct, frozen=True):
    """A named line of versions.

    Attributes:
        name: Its name.
        description: What it is for, in Markdown.
        author: Who made it.
        at: When that was.
        versions: How many versions there are.
        latest: The highest version number; 0 when there is none.
        aliases: Alias → version number.
        tags: Free text by name.
        updated_at: When it, a version or an alias of it was last changed.
    """

    name: str
    description: str
    author: str
    at: datetime
    versions: int
    latest: int
    aliases: dict[str, int]
    tags: dict[str, str] = {}
    updated_at: datetime | None = None


class ModelPage(msgspec.Struct, frozen=True):
    """Some of the models that were asked for.

    Attributes:
        models: In the order asked for.
        next: Where the next page begins, to be given as `cursor`; empty on the last page.
    """

    models: list[Model]
    next: str = ""


class VersionPage(msgspec.Struct, frozen=True):
    """Some of the versions that were asked for.

    Attributes:
        versions: In the order asked for.
        next: Where the next page begins, to be given as `cursor`; empty on the last page.
    """

    versions: list[ModelVersion]
    next: str = ""


class Edit(msgspec.Struct, frozen=True):
    """One change of a description or tag.

    Attributes:
        model: The model.
        version: The version it was made to; 0 for the model itself.
        field: `name`, `description`, `tag:KEY`, or `review`.
        old: What it was; None when it was not there.
        new: What it became; None when it was taken away.
        at: When.
        actor: By whom.
    """

    model: str
    version: int
    field: str
    old: str | None
    new: str | None
    at: datetime
    actor: str
