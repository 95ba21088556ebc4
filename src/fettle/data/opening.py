"""Open what a user names: a version of a dataset, or a file, query or address that has not been ingested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fettle.core import canonical
from fettle.core.errors import Denied, NotFound
from fettle.data import profiles, queries, versions
from fettle.data.records.profiles import Profile
from fettle.data.records.schemas import Schema
from fettle.data.records.versions import Commit
from fettle.data.schemas import from_toml

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface


class Opened(NamedTuple):
    """Rows under a title; `commit` is None where they are no version, and `notes` say how such were read."""

    title: str
    rows: pl.LazyFrame
    commit: Commit | None
    notes: tuple[str, ...] = ()


def open_rows(ws: Surface, source: str | Path, *, lenient: bool = False) -> Opened:
    """Open the rows of a version (`churn@main`) or of a source that `ingest` reads (`churn.csv`).

    A path that exists is a file; what looks like one (a suffix of data, an address, a query) too; all else is a
    version.

    Args:
        ws: The workspace.
        source: What to open.
        lenient: Leave out ragged rows of a file and say so in `notes`, where it is only looked at.

    Raises:
        NotFound: There is no such version or file.
        Invalid: The file cannot be read as a table.
    """
    source = str(source)
    if _is_source(source):
        from fettle.data import ingest

        found = ingest.read(source, mixed="text", ragged="skip" if lenient else "error")
        return Opened(found.source.name, found.frame.lazy(), None, tuple(found.notes))
    commit = versions.resolve(ws, source.removeprefix("data://"))
    return Opened(f"{commit.dataset}@{commit.id[:12]}", versions.scan(ws, commit), commit)


def _is_source(source: str) -> bool:
    from fettle.data.sniff import DATA_SUFFIXES

    if source.startswith("data://"):
        return False
    path = Path(source.partition("#")[0])
    named = path.suffix.lower() in DATA_SUFFIXES and "@" not in path.stem
    return "://" in source or queries.is_query(source) or path.is_file() or named or "/" in source


def profile_of(ws: Surface, opened: Opened, *, fresh: bool = False) -> Profile:
    """The profile of opened rows: that which is kept with the version, or one made now, and kept if one may."""
    commit = opened.commit
    if commit is None:
        made = profiles.profile(opened.rows)
        return msgspec.structs.replace(made, notes=[*opened.notes, *made.notes])
    if commit.profile_digest and not fresh:
        return ws.call("data.profile_of", ref=commit.ref)
    import polars as pl

    parts = [
        (part.digest, versions.cast(pl.scan_parquet(versions.cached(ws, part), glob=False), commit.columns))
        for part in commit.table.parts
    ]
    made = profiles.profile_parts(parts, cache=ws.folder / "cache" / "profiles")
    try:
        ws.call("data.set_profile", ref=commit.ref, profile=versions.keep(ws, made))
    except Denied:
        return made  # a viewer sees it all the same
    return made


def schema_of(ws: Surface, opened: Opened, file: Path | None) -> Schema:
    """The schema in a file, else that which is kept with the version, or with the nearest before it.

    Raises:
        NotFound: There is no schema anywhere.
    """
    if file is not None:
        return from_toml(read_text(file))
    if opened.commit is not None:
        for commit in ws.call("data.log", dataset=opened.commit.dataset, branch=opened.commit.id):
            if commit.schema_digest:
                from fettle.storage.objects import get_object

                return canonical.decode(get_object(ws.blobs, commit.schema_digest), Schema)
    raise NotFound(
        f"There is no schema for {opened.title}.",
        hint="Infer one from good rows: fettle data schema REF > schema.toml; then give --schema schema.toml, or "
        "keep it with the version: fettle data expect REF schema.toml",
        subject="schema",
    )


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        NotFound: There is no such file.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {str(path)!r}.", hint="Check the path.") from error
