"""Commit tables and trees of files as versions, and load any version again.

A version is a tree of files kept by the versioning engine, and a commit that names its root. What is the same is kept
once, also inside files. Processes that commit at once all succeed, one after the other: the branch is moved by
compare-and-set, and the one that was slower appends to, or merges with, what it finds then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fettle.core import canonical
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import hooks
from fettle.data.records.versions import Column, Commit, Part, Source, Table, Type
from fettle.data.repositories import repository

if TYPE_CHECKING:
    import polars as pl

    from fettle.acts import Surface
    from fettle.data.engine.repository import Writer
    from fettle.data.records.profiles import Profile
    from fettle.data.records.schemas import Schema

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
    key: Sequence[str] | None = None,
    branch: str = "main",
    profile: bool = True,
    schema: Schema | None = None,
    metadata: dict[str, str] | None = None,
    expected_head: str | None = None,
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
        key: The columns that tell rows apart, for diff and merge; None keeps those of the version before.
        branch: The branch to move.
        profile: Whether to make the profile of the whole version too.
        schema: The schema the rows were checked against.
        metadata: Whatever else is to be known of the version.
        expected_head: Refuse unless the branch points at this commit; empty: unless it is new. None: do not ask.

    Returns:
        The commit, durable.

    Raises:
        Invalid: The table is empty, or its columns do not fit those it is appended to.
        NotFound: The time column or a key column is not in the table.
        Denied: The branch is protected.
        Conflict: The branch is not where it was expected.
    """
    from fettle.data import ingest
    from fettle.data.types import normalise

    if frame.height == 0 or frame.width == 0:
        raise Invalid(
            f"There is nothing to commit to {dataset!r}.", found=f"{frame.height} rows, {frame.width} columns"
        )
    frame = timed(normalise(frame), time_column)
    origin = source if isinstance(source, Source) else ingest.source_of(source)

    def attempt(head: Commit | None) -> Commit:
        if expected_head is not None and (head.id if head else "") != expected_head:
            raise Elsewhere.of(dataset, branch)
        base = head if append else None
        rows = frame if base is None else _fitted(frame, base)
        with repository(ws).writer() as writer:
            table = _written(writer, rows, base, time_column, _key_of(head, frame, key))
            if head is not None and not append and head.tables == [table]:
                return head if schema is None else set_schema(ws, head, schema)
            tree = tree_of(writer, [table])
            writer.flush()
            hooks.run(
                ws, "before-commit", dataset, branch=branch, message=message, tree=tree, rows=table.rows
            )
            return ws.call(
                "data.record",
                dataset=dataset,
                tree=tree,
                source=origin,
                message=message,
                parents=[head.id] if head else [],
                expected_head=head.id if head else "",
                branch=branch,
                files=len(table.parts),
                size_bytes=sum(part.size_bytes for part in table.parts),
                tables=[table],
                metadata=metadata or {},
                profile=_profiled(ws, _whole(ws, table, base, rows)) if profile else "",
                schema=keep(ws, schema) if schema is not None else "",
            )

    return _retried(ws, dataset, branch, attempt)


def commit_tree(
    ws: Surface,
    dataset: str,
    tree: str,
    *,
    branch: str = "main",
    message: str = "",
    base: str | None = None,
    source: Source | None = None,
    metadata: dict[str, str] | None = None,
) -> Commit:
    """Commit a stored tree of files as the newest version of a dataset.

    Where the branch went on since `base`, the changes of both sides are merged if they touch different files; what
    neither touches stays.

    Args:
        ws: The workspace.
        dataset: The dataset; made if it is new.
        tree: Root of the tree, stored and flushed.
        branch: The branch to move.
        message: Why.
        base: The commit the tree was made from; None if it was made from nothing.
        source: Where the files came from.
        metadata: Whatever else is to be known of the version.

    Returns:
        The commit, durable; the head itself if it has this very tree.

    Raises:
        Conflict: The branch changed the same files meanwhile.
        Denied: The branch is protected.
    """
    from fettle.data.engine import trees

    repo = repository(ws)
    start = resolve(ws, f"{dataset}@{base}") if base else None

    def attempt(head: Commit | None) -> Commit:
        root = tree
        with repo.writer() as writer:
            if head is not None and head.id != base:
                root, clashes = trees.merge(
                    start.tree if start else "", head.tree, tree, repo.node, writer.put_node
                )
                if clashes:
                    raise Clashed.among(dataset, branch, [each.path for each in clashes])
                writer.flush()
            if head is not None and root == head.tree:
                return head
            count, size_bytes = trees.stats(root, repo.node)
            hooks.run(ws, "before-commit", dataset, branch=branch, message=message, tree=root, files=count)
            return ws.call(
                "data.record",
                dataset=dataset,
                tree=root,
                source=source or Source(dataset, "files"),
                message=message,
                parents=[head.id] if head else [],
                expected_head=head.id if head else "",
                branch=branch,
                files=count,
                size_bytes=size_bytes,
                tables=_kept_tables(head, root, repo.node),
                metadata=metadata or {},
            )

    return _retried(ws, dataset, branch, attempt)


class Clashed(Conflict):
    """Both sides changed the same files since they parted."""

    @classmethod
    def among(cls, dataset: str, branch: str, paths: Sequence[str]) -> Clashed:
        """The error for these paths."""
        shown = ", ".join(paths[:5]) + (f", … {len(paths) - 5} more" if len(paths) > 5 else "")
        return cls(
            f"The branch {branch!r} of {dataset!r} changed the same files meanwhile.",
            found=shown,
            hint=f"Commit to a branch of your own, then merge: fettle data merge {dataset} BRANCH --into {branch}",
            subject=f"dataset:{dataset}",
        )


class Elsewhere(Conflict):
    """A branch is not where the caller expected it; trying again would not help."""

    @classmethod
    def of(cls, dataset: str, branch: str) -> Elsewhere:
        """The error for this branch."""
        return cls(
            f"The branch {branch!r} of {dataset!r} moved meanwhile.",
            found="another commit than the expected one at its head",
            hint="Look at the new head and commit again; nothing of yours was written.",
            subject=f"dataset:{dataset}",
        )


def _retried(ws: Surface, dataset: str, branch: str, attempt: Callable[[Commit | None], Commit]) -> Commit:
    """Try on the head of the branch until nobody else was faster; tell the hooks of a new version."""
    for number in range(ATTEMPTS):
        head = head_of(ws, dataset, branch)
        try:
            made = attempt(head)
            if head is None or made.id != head.id:
                hooks.run(ws, "after-commit", dataset, branch=branch, message=made.message, commit=made.id)
            return made
        except (Clashed, Elsewhere, hooks.Refused):
            raise
        except Conflict:
            if number == ATTEMPTS - 1:
                raise
            ws.clock.sleep(random.uniform(0, 0.01 * (number + 1)))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _written(
    writer: Writer,
    rows: pl.DataFrame,
    base: Commit | None,
    time_column: str | None,
    key: list[str],
) -> Table:
    """The table of a version whose rows are those of `base` and these, the new ones stored."""
    from fettle.data.tables.write import FOLDER, store_table
    from fettle.data.types import columns_of

    before = base.table if base is not None else None
    kept = before.parts if before else []
    parts = [*kept, *store_table(writer, rows, key=key, first=len(kept))]
    columns = columns_of(rows) if before is None else _merged(before.columns, columns_of(rows))
    time = time_column or (before.time_column if before else None)
    return Table(FOLDER, columns, sum(each.rows for each in parts), parts, key, time)


def tree_of(writer: Writer, tables: Sequence[Table]) -> str:
    """Keep the tree that has the parts of these tables and nothing else; return its root."""
    from fettle.data.engine import trees

    entries = [
        trees.Entry(each.path, each.digest, each.size_bytes, 0o644)
        for table in tables
        for each in table.parts
    ]
    return trees.build(sorted(entries), writer.put_node)


def _key_of(head: Commit | None, frame: pl.DataFrame, key: Sequence[str] | None) -> list[str]:
    if key is None:
        before = head.tables[0].key if head is not None and len(head.tables) == 1 else []
        return before if set(before) <= set(frame.columns) else []
    for name in key:
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    _check_key(frame, list(key))
    return list(key)


def _check_key(frame: pl.DataFrame, key: list[str]) -> None:
    import polars as pl

    if not key or frame.select(pl.struct(key).n_unique()).item() == frame.height:
        return
    twice = frame.select(key).filter(pl.struct(key).is_duplicated()).row(0, named=True)
    raise Invalid(
        f"The columns {', '.join(key)} do not tell rows apart.",
        found="more than one row with " + ", ".join(f"{name}={value!r}" for name, value in twice.items()),
        hint="Name more columns, or leave repeated rows out: fettle data ingest --key, or a `duplicates` cleaning.",
    )


def _kept_tables(head: Commit | None, root: str, node: Callable[[str], bytes]) -> list[Table]:
    """The tables of the version before whose parts are all still there, unchanged and alone in their folder."""
    from fettle.data.engine import trees

    return [
        table
        for table in (head.tables if head else [])
        if {(each.path, each.digest) for each in trees.entries(root, node, f"{table.path}/")}
        == {(each.path, each.digest) for each in table.parts}
    ]


def resolve(ws: Surface, ref: str | Commit) -> Commit:
    """The commit that a reference means: `name`, `name@branch`, `name@tag`, `name@3f9ac1`, `name@main~2` and so on.

    Raises:
        NotFound: There is no such version; the nearest names are offered.
    """
    return ref if isinstance(ref, Commit) else ws.call("data.show", ref=ref)


def head_of(ws: Surface, dataset: str, branch: str = "main") -> Commit | None:
    """The newest version on a branch; None if there is no such branch yet."""
    try:
        pointers = ws.call("data.refs", dataset=dataset)
    except NotFound:
        return None
    found = next((each for each in pointers if each.kind == "branch" and each.name == branch), None)
    return resolve(ws, f"{dataset}@{found.commit}") if found else None


def load(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Load the rows of a version, in the order they were committed.

    Args:
        ws: The workspace.
        ref: `name`, `name@branch` or `name@commit`; or a commit.
        columns: Which columns, in which order; None means all. Only these are decoded.

    Raises:
        NotFound: There is no such version or column.
        Invalid: The version holds files, not one table.
        Unavailable: A stored part is damaged.
    """
    return scan(ws, ref, columns).collect()


def scan(ws: Surface, ref: str | Commit, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a version lazily, for more rows than fit into memory; its parts are copied once to a local cache.

    Arguments and errors are those of `load`.
    """
    import polars as pl

    commit = resolve(ws, ref)
    wanted = _wanted(commit, columns)
    parts = [cached(ws, part) for part in commit.table.parts]
    return pl.concat([cast(pl.scan_parquet(each, glob=False), wanted) for each in parts])


def frame(ws: Surface, ref: str, columns: Sequence[str] | None = None) -> pl.LazyFrame:
    """Open a version, or one file of it (`name@ref/path/to.csv`), lazily.

    Arguments and errors are those of `load`; a file must be one that `ingest` reads.
    """
    name, slash, path = ref.partition("/")
    if not slash:
        return scan(ws, name, columns)
    from fettle.data.engine import trees
    from fettle.data.ingest import read_source

    commit, repo = resolve(ws, name), repository(ws)
    entry = trees.find(commit.tree, path, repo.node)
    if entry is None:
        known = [each.path for each in trees.entries(commit.tree, repo.node)]
        raise NotFound.among(f"file of {name}", path, known)
    here = ws.folder / "cache" / "files" / entry.digest / Path(path).name
    if not here.exists():
        here.parent.mkdir(parents=True, exist_ok=True)
        repo.fetch(entry.digest, here)
    lazy = read_source(here).lazy()
    return lazy if columns is None else lazy.select(list(columns))


def profile_of(ws: Surface, ref: str | Commit) -> Profile:
    """The profile of a version, made and kept if it has none yet."""
    from fettle.data.records.profiles import Profile
    from fettle.storage.objects import get_object

    commit = resolve(ws, ref)
    if commit.profile_digest:
        return canonical.decode(get_object(ws.blobs, commit.profile_digest), Profile)
    digest = _profiled(ws, _lazily(ws, commit.table))
    ws.call("data.set_profile", ref=commit.ref, profile=digest)
    return canonical.decode(get_object(ws.blobs, digest), Profile)


def set_schema(ws: Surface, ref: str | Commit, schema: Schema) -> Commit:
    """Keep the schema that belongs to a version; `data.schema_of` gives it back."""
    return ws.call("data.set_schema", ref=resolve(ws, ref).ref, schema=keep(ws, schema))


def keep(ws: Surface, value: object) -> str:
    """Keep a record as an object; return its digest."""
    from fettle.storage.objects import put_object

    return put_object(ws.blobs, canonical.encode(value))


def _profiled(ws: Surface, parts: Sequence[tuple[str, pl.LazyFrame]]) -> str:
    """Make and keep the profile of a table; what is known of its unchanged parts is not worked out again."""
    from fettle.data import profiles

    return keep(ws, profiles.profile_parts(parts, cache=ws.folder / "cache" / "profiles"))


def _whole(
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


def timed(frame: pl.DataFrame, time_column: str | None) -> pl.DataFrame:
    """The table with a time column that can say when a row happened: texts that are all dates or times become such.

    Raises:
        NotFound: The column is not in the table.
        Invalid: It holds neither dates nor times.
    """
    import polars as pl

    from fettle.data.recognise import dated

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
    import polars as pl

    from fettle.data.types import STORED, columns_of

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


def _wanted(commit: Commit, names: Sequence[str] | None) -> list[Column]:
    known = {column.name: column for column in commit.columns}
    for name in names or ():
        if name not in known:
            raise NotFound.among(f"column of {commit.dataset}", name, known)
    return commit.columns if names is None else [known[name] for name in names]


def cast(frame: pl.LazyFrame, columns: list[Column]) -> pl.LazyFrame:
    """The columns in this order and as these types are kept."""
    import polars as pl

    from fettle.data.types import STORED

    return frame.select(pl.col(column.name).cast(STORED[column.type]) for column in columns)


_checked: dict[str, tuple[int, int]] = {}
"""Files of the cache that this process held to their digests, with their size and time of change then."""


def _sound(path: Path, part: Part) -> bool:
    """Whether a file of the cache is the part: caches are not forced to the disk, and disks err."""
    from fettle.core import ids

    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    state = (found.st_size, found.st_mtime_ns)
    if _checked.get(str(path)) != state:
        if found.st_size != part.size_bytes or ids.digest_file(path) != part.digest:
            return False
        _checked[str(path)] = state
    return True


def cached(ws: Surface, part: Part) -> Path:
    """The part as a file in the local cache; fetched once."""
    path = ws.folder / "cache" / "parts" / part.digest[:2] / f"{part.digest}.parquet"
    if not _sound(path, part):
        path.parent.mkdir(parents=True, exist_ok=True)
        repository(ws).fetch(part.digest, path)
    return path
