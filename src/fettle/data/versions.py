"""Commit tables as versions and load any version again.

A version is a list of Parquet files kept under the digests of their bytes, and a commit that names them. Files that
are the same are kept once; appending adds a file and keeps the others. Two processes that commit at once both succeed,
one after the other: the branch is moved by compare-and-set, and the one that was slower appends to what it finds then.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from fettle.acts import Surface
from fettle.core import canonical
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import ingest, profiles
from fettle.data.recognise import dated
from fettle.data.records import Column, Commit, Part, Profile, Schema, Source, Type
from fettle.data.types import STORED, columns_of, normalise
from fettle.storage.objects import fetch_object, get_object, put_object

PART_BYTES = 64 << 20
PART_ROWS = 1_000_000
ATTEMPTS = 50

_WIDER: dict[frozenset[str], Type] = {
    frozenset(("integer", "number")): "number",
    frozenset(("date", "datetime")): "datetime",
}


def commit_frame(
    ws: Surface,
    dataset: str,
    frame: pl.DataFrame,
    *,
    source: Source | str | Path = "",
    message: str = "",
    append: bool = False,
    time_column: str | None = None,
    branch: str = "main",
    profile: bool = True,
    schema: Schema | None = None,
) -> Commit:
    """Commit a table as the newest version of a dataset.

    A table equal to the newest version makes no new one: that commit is returned.

    Args:
        ws: The workspace.
        dataset: The dataset; made if it is new.
        frame: The rows, at least one.
        source: Where they came from; `ingest.read` gives it. A path or query is looked up for its digest.
        message: Why.
        append: Add the rows to those of the newest version; otherwise they replace them.
        time_column: The column of dates or times that says when a row happened; None keeps the parent's when appending.
        branch: The branch to move.
        profile: Whether to make the profile of the whole version too.
        schema: The schema the rows were checked against.

    Returns:
        The commit, durable.

    Raises:
        Invalid: The table is empty, or its columns do not fit those it is appended to.
        NotFound: The time column is not in the table.
    """
    if frame.height == 0 or frame.width == 0:
        raise Invalid(
            f"There is nothing to commit to {dataset!r}.", found=f"{frame.height} rows, {frame.width} columns"
        )
    frame = timed(normalise(frame), time_column)
    origin = source if isinstance(source, Source) else ingest.source_of(source)
    for attempt in range(ATTEMPTS):
        head = _head(ws, dataset, branch)
        base = head if append else None
        rows = frame if base is None else _fitted(frame, base)
        columns = columns_of(frame) if base is None else _merged(base.columns, columns_of(rows))
        added = [_stored(ws, piece) for piece in _pieces(rows)]
        parts = [*(base.parts if base else ()), *added]
        time = time_column or (base.time_column if base else None)
        if (
            head is not None
            and not append
            and (head.parts, head.columns, head.time_column) == (parts, columns, time)
        ):
            return head if schema is None else set_schema(ws, head, schema)
        whole = (
            rows
            if base is None
            else pl.concat([_scanned(ws, base.parts, columns), _cast(rows.lazy(), columns)])
        )
        try:
            return ws.call(
                "data.commit",
                dataset=dataset,
                parts=parts,
                columns=columns,
                source=origin,
                message=message,
                branch=branch,
                expected_parent=(head.id if head else "") if append else None,
                time_column=time,
                profile=_keep(ws, profiles.profile(whole)) if profile else "",
                schema=_keep(ws, schema) if schema is not None else "",
            )
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            ws.clock.sleep(random.uniform(0, 0.01 * (attempt + 1)))
    raise AssertionError("unreachable: the last attempt returns or raises")


def load(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Load the rows of a version, in the order they were committed.

    Args:
        ws: The workspace.
        ref: `name`, `name@branch` or `name@commit`; or a commit.
        columns: Which columns, in which order; None means all. Only these are decoded.

    Raises:
        NotFound: There is no such version or column.
        Unavailable: A stored part is damaged.
    """
    commit = _commit(ws, ref)
    wanted = _wanted(commit, columns)
    names = [column.name for column in wanted]
    frames = [
        pl.read_parquet(io.BytesIO(get_object(ws.blobs, part.digest)), columns=names).select(names)
        for part in commit.parts
    ]
    return pl.concat([_cast(frame.lazy(), wanted).collect() for frame in frames])


def scan(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a version lazily, for more rows than fit into memory; its parts are copied once to a local cache.

    Arguments and errors are those of `load`.
    """
    commit = _commit(ws, ref)
    wanted = _wanted(commit, columns)
    return _scanned(ws, commit.parts, wanted)


def profile_of(ws: Surface, ref: str | Commit) -> Profile:
    """The profile of a version, made and kept if it has none yet."""
    commit = _commit(ws, ref)
    if commit.profile_digest:
        return canonical.decode(get_object(ws.blobs, commit.profile_digest), Profile)
    made = profiles.profile(scan(ws, commit))
    ws.call("data.set_profile", ref=commit.ref, profile=_keep(ws, made))
    return made


def set_schema(ws: Surface, ref: str | Commit, schema: Schema) -> Commit:
    """Keep the schema that belongs to a version; `data.schema_of` gives it back."""
    return ws.call("data.set_schema", ref=_commit(ws, ref).ref, schema=_keep(ws, schema))


def _commit(ws: Surface, ref: str | Commit) -> Commit:
    return ref if isinstance(ref, Commit) else ws.call("data.show", ref=ref)


def _head(ws: Surface, dataset: str, branch: str) -> Commit | None:
    try:
        return ws.call("data.show", ref=f"{dataset}@{branch}")
    except NotFound:
        return None


def timed(frame: pl.DataFrame, time_column: str | None) -> pl.DataFrame:
    """The table with a time column that can say when a row happened: texts that are all dates or times become such.

    Raises:
        NotFound: The column is not in the table.
        Invalid: It holds neither dates nor times.
    """
    if time_column is None:
        return frame
    if time_column not in frame.columns:
        raise NotFound.among("column", time_column, frame.columns)
    column = frame[time_column]
    if column.dtype == pl.String:
        column = dated(column)
        frame = frame.with_columns(column)
    if not column.dtype.is_temporal():
        shown = ", ".join(repr(each) for each in column.drop_nulls().head(3).to_list())
        raise Invalid(
            f"The column {time_column!r} cannot be the time of a row.",
            found=f"values such as {shown}" if shown else "no values",
            hint="Name a column of dates or times, such as 2024-05-31 or 2024-05-31T12:00:00Z"
            + (
                f"; seconds since 1970 become times in a query: SELECT * REPLACE (make_timestamp("
                f'CAST("{time_column}" * 1000000 AS BIGINT)) AS "{time_column}") FROM …'
                if column.dtype.is_numeric()
                else ". Where day and month cannot be told apart (03/04/2024), write the year first."
            ),
            subject=f"column:{time_column}",
        )
    return frame


def _fitted(frame: pl.DataFrame, base: Commit) -> pl.DataFrame:
    """Bring rows to the columns of the version they are appended to; only widening is allowed."""
    known: dict[str, Type] = {column.name: column.type for column in base.columns}
    missing = [name for name in known if name not in frame.columns]
    extra = [name for name in frame.columns if name not in known]
    if missing or extra:
        raise Invalid(
            f"These rows do not fit {base.dataset!r}: the columns differ.",
            found="; ".join(
                part
                for part in (
                    f"missing: {', '.join(missing[:8])}" if missing else "",
                    f"new: {', '.join(extra[:8])}" if extra else "",
                )
                if part
            ),
            hint="Append rows with the same columns, or commit the whole table anew without append.",
        )
    columns: list[pl.Expr] = []
    for given in columns_of(frame.select(list(known))):
        kind = known[given.name]
        wider = _WIDER.get(frozenset((given.type, kind)))
        if given.type == kind or wider == given.type:
            columns.append(pl.col(given.name))
        elif wider == kind or frame[given.name].null_count() == frame.height:
            columns.append(pl.col(given.name).cast(STORED[kind]))
        else:
            raise Invalid(
                f"These rows do not fit {base.dataset!r}: the column {given.name!r} has another type.",
                found=f"{given.type} here, {kind} in the newest version",
                hint="Correct the column, or commit the whole table anew without append.",
            )
    return frame.select(columns)


def _merged(old: list[Column], new: list[Column]) -> list[Column]:
    """The wider type of each column; the rows were fitted, so that one of the two is."""
    fresh = {column.name: column for column in new}
    return [fresh[column.name] for column in old]


def _pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a table into parts of about `PART_BYTES` in memory."""
    per_row = max(1, int(frame.estimated_size()) // frame.height)
    yield from frame.iter_slices(max(1, min(PART_ROWS, PART_BYTES // per_row)))


def _stored(ws: Surface, piece: pl.DataFrame) -> Part:
    buffer = io.BytesIO()
    piece.write_parquet(buffer, compression="zstd", compression_level=3)
    data = buffer.getvalue()
    return Part(put_object(ws.blobs, data), piece.height, len(data))


def _keep(ws: Surface, value: Profile | Schema) -> str:
    return put_object(ws.blobs, canonical.encode(value))


def _wanted(commit: Commit, names: Sequence[str] | None) -> list[Column]:
    known = {column.name: column for column in commit.columns}
    for name in names or ():
        if name not in known:
            raise NotFound.among(f"column of {commit.dataset}", name, known)
    return commit.columns if names is None else [known[name] for name in names]


def _cast(frame: pl.LazyFrame, columns: list[Column]) -> pl.LazyFrame:
    return frame.select(pl.col(column.name).cast(STORED[column.type]) for column in columns)


def _scanned(ws: Surface, parts: list[Part], columns: list[Column]) -> pl.LazyFrame:
    return pl.concat([_cast(pl.scan_parquet(_cached(ws, part), glob=False), columns) for part in parts])


def _cached(ws: Surface, part: Part) -> Path:
    path = ws.folder / "cache" / "parts" / part.digest[:2] / f"{part.digest}.parquet"
    if not path.exists():
        fetch_object(ws.blobs, part.digest, path)
    return path
