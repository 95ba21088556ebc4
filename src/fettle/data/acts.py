"""What can be done with data: commit a version, look at versions, keep what is known of them."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, act
from fettle.core import canonical, ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data import store
from fettle.data.records import Column, Commit, Dataset, Part, Profile, Schema, Source
from fettle.storage.objects import get_object, has_object


@act("data.commit")
def commit(
    ctx: Context,
    dataset: str,
    parts: list[Part],
    columns: list[Column],
    source: Source,
    message: str = "",
    *,
    branch: str = "main",
    expected_parent: str | None = None,
    time_column: str | None = None,
    profile: str = "",
    schema: str = "",
) -> Commit:
    """Make stored parts the newest version of a dataset.

    The parts are in the workspace's blobs already; `versions.commit_frame` stores them and calls this.

    Args:
        dataset: The dataset; made if it is new.
        parts: The Parquet files, in order.
        columns: Names and types of the columns.
        source: Where the rows came from.
        message: Why.
        branch: The branch to move; made if it is new.
        expected_parent: Refuse unless the branch points at this commit; empty: unless it is new. None: do not ask.
        time_column: The column that says when a row happened.
        profile: Digest of the object that holds the profile.
        schema: Digest of the object that holds the schema the rows were checked against.
    """
    ids.check_name("dataset", dataset)
    ids.check_name("branch", branch)
    _check_content(parts, columns, time_column)
    wanted = [part.digest for part in parts] + [each for each in (profile, schema) if each]
    for digest in wanted:
        if not has_object(ctx.blobs, digest):
            raise NotFound(
                f"The part {digest[:12]}… of this commit is not stored in this workspace.",
                hint="Store it first; versions.commit_frame does both.",
                subject=f"object:{digest}",
            )
    parent = store.head_of(ctx.tx, dataset, branch)
    if expected_parent is not None and (parent or "") != expected_parent:
        raise Conflict(
            f"The branch {branch!r} of {dataset!r} moved meanwhile.",
            found=f"it points at {(parent or 'nothing')[:12]}, not {(expected_parent or 'nothing')[:12]}",
            hint="Look at the new head and commit again.",
            subject=f"dataset:{dataset}",
        )
    made = _identified(
        Commit(
            id="",
            dataset=dataset,
            parent=parent,
            parts=parts,
            columns=columns,
            rows=sum(part.rows for part in parts),
            source=source,
            message=message,
            author=ctx.actor,
            at=ctx.now,
            time_column=time_column,
        ),
        profile,
        schema,
    )
    store.add_dataset(ctx.tx, dataset, at=ctx.now, by=ctx.actor)
    store.add_commit(ctx.tx, made)
    store.move_head(ctx.tx, dataset, branch, old=parent, new=made.id, at=ctx.now)
    ctx.emit("data.committed", f"dataset:{dataset}", commit=made.id, rows=made.rows, branch=branch)
    return made


@act("data.datasets", reads=True)
def datasets(ctx: Context) -> list[Dataset]:
    """List all datasets."""
    return store.list_datasets(ctx.tx)


@act("data.show", reads=True)
def show(ctx: Context, ref: str) -> Commit:
    """Show one version of a dataset.

    Args:
        ref: `churn` or `churn@main` for the newest, `churn@3f9ac1` for a commit.
    """
    return store.find_commit(ctx.tx, ref)


@act("data.log", reads=True)
def log(ctx: Context, dataset: str, *, branch: str = "main", limit: int = 100) -> list[Commit]:
    """List the versions of a dataset, newest first.

    Args:
        dataset: The dataset.
        branch: Where to begin: a branch or a commit.
        limit: At most so many.
    """
    return store.ancestors(ctx.tx, store.find_commit(ctx.tx, f"{dataset}@{branch}").id, limit)


@act("data.branch")
def branch(ctx: Context, dataset: str, name: str, *, at: str = "main") -> Commit:
    """Make a branch of a dataset, so that another line of commits can begin there.

    Args:
        dataset: The dataset.
        name: The new branch.
        at: The branch or commit it begins at.
    """
    ids.check_name("branch", name)
    start = store.find_commit(ctx.tx, f"{dataset}@{at}")
    if store.head_of(ctx.tx, dataset, name) is not None:
        raise Conflict(
            f"{dataset!r} has a branch {name!r} already.", hint=f"fettle data log {dataset} --branch {name}"
        )
    store.move_head(ctx.tx, dataset, name, old=None, new=start.id, at=ctx.now)
    ctx.emit("data.branched", f"dataset:{dataset}", branch=name, commit=start.id)
    return start


@act("data.profile_of", reads=True)
def profile_of(ctx: Context, ref: str) -> Profile:
    """Show what is known of the columns of a version.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
    """
    found = store.find_commit(ctx.tx, ref)
    return canonical.decode(_known(ctx, found, "profile", found.profile_digest), Profile)


@act("data.schema_of", reads=True)
def schema_of(ctx: Context, ref: str) -> Schema:
    """Show the schema that belongs to a version.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
    """
    found = store.find_commit(ctx.tx, ref)
    return canonical.decode(_known(ctx, found, "schema", found.schema_digest), Schema)


@act("data.set_profile")
def set_profile(ctx: Context, ref: str, profile: str) -> Commit:
    """Keep the profile of a version.

    Args:
        ref: The version.
        profile: Digest of the object that holds the profile.
    """
    _decoded(ctx, profile, Profile)
    found = store.find_commit(ctx.tx, ref)
    store.set_digests(ctx.tx, found.id, profile=profile)
    return msgspec.structs.replace(found, profile_digest=profile)


@act("data.set_schema")
def set_schema(ctx: Context, ref: str, schema: str) -> Commit:
    """Keep the schema that belongs to a version.

    Args:
        ref: The version.
        schema: Digest of the object that holds the schema.
    """
    _decoded(ctx, schema, Schema)
    found = store.find_commit(ctx.tx, ref)
    store.set_digests(ctx.tx, found.id, schema=schema)
    return msgspec.structs.replace(found, schema_digest=schema)


def _identified(commit: Commit, profile: str, schema: str) -> Commit:
    """The commit with its id: the digest of everything that is said before profile and schema, which are derived."""
    fields = msgspec.structs.asdict(commit)
    for derived in ("id", "profile_digest", "schema_digest"):
        del fields[derived]
    return msgspec.structs.replace(
        commit, id=ids.digest_of(fields), profile_digest=profile, schema_digest=schema
    )


def _check_content(parts: list[Part], columns: list[Column], time_column: str | None) -> None:
    names = [column.name for column in columns]
    if not parts or any(part.rows < 1 for part in parts) or not columns:
        raise Invalid(
            "A commit needs at least one row and one column.",
            found=f"{len(parts)} part(s), {sum(part.rows for part in parts)} row(s), {len(columns)} column(s)",
            hint="Leave empty parts out.",
        )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"The column {twice!r} occurs twice.", hint="Rename one of the two.")
    if time_column is not None and time_column not in names:
        raise NotFound.among("column", time_column, names)


def _known(ctx: Context, found: Commit, what: str, digest: str) -> bytes:
    if not digest:
        raise NotFound(
            f"No {what} of {found.dataset}@{found.id[:12]} has been made.",
            hint=f"versions.{what}_of(ws, ref) makes it.",
            subject=f"commit:{found.id}",
        )
    return get_object(ctx.blobs, digest)


def _decoded(ctx: Context, digest: str, kind: type) -> None:
    try:
        canonical.decode(get_object(ctx.blobs, digest), kind)
    except msgspec.DecodeError as error:
        raise Invalid(
            f"The object {digest[:12]}… is no {kind.__name__.lower()}.", found=str(error)
        ) from error
