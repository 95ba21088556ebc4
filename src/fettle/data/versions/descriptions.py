"""What is kept of a version beside its rows: its profile and its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from fettle.core import canonical
from fettle.data.records.versions import Commit, Table
from fettle.data.versions.cache import cached
from fettle.data.versions.reading import cast
from fettle.data.versions.references import resolve

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface
    from fettle.data.records.profiles import Profile
    from fettle.data.records.schemas import Schema


def profile_of(ws: Surface, ref: str | Commit) -> Profile:
    """The profile of a version, made and kept if it has none yet."""
    from fettle.data.records.profiles import Profile
    from fettle.storage.objects import get_object

    commit = resolve(ws, ref)
    if commit.profile_digest:
        return canonical.decode(get_object(ws.blobs, commit.profile_digest), Profile)
    digest = profiled(ws, _lazily(ws, commit.table))
    ws.call("data.set_profile", ref=commit.ref, profile=digest)
    return canonical.decode(get_object(ws.blobs, digest), Profile)


def set_schema(ws: Surface, ref: str | Commit, schema: Schema) -> Commit:
    """Keep the schema that belongs to a version; `data.schema_of` gives it back."""
    return ws.call("data.set_schema", ref=resolve(ws, ref).ref, schema=keep(ws, schema))


def keep(ws: Surface, value: object) -> str:
    """Keep a record as an object; return its digest."""
    from fettle.storage.objects import put_object

    return put_object(ws.blobs, canonical.encode(value))


def profiled(ws: Surface, parts: Sequence[tuple[str, pl.LazyFrame]]) -> str:
    """Make and keep the profile of a table; what is known of its unchanged parts is not worked out again."""
    from fettle.data import profiles

    return keep(ws, profiles.profile_parts(parts, cache=ws.folder / "cache" / "profiles"))


def whole(
    ws: Surface, table: Table, base: Commit | None, rows: pl.DataFrame
) -> list[tuple[str, pl.LazyFrame]]:
    """The parts of a table of which the last are these rows, which need not be read back."""
    before = _lazily(ws, msgspec.structs.replace(base.table, columns=table.columns)) if base else []
    return [*before, ("", cast(rows.lazy(), table.columns))]


def _lazily(ws: Surface, table: Table) -> list[tuple[str, pl.LazyFrame]]:
    """The parts of a table with their digests, each to be read when wanted."""
    import polars as pl

    return [
        (each.digest, cast(pl.scan_parquet(cached(ws, each), glob=False), table.columns))
        for each in table.parts
    ]
