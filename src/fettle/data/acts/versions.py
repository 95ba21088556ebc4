"""What can be done with versions: record one that is stored, take others over, look at them."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, act
from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.acts.policies import roots
from fettle.data.acts.protections import check_protected, move
from fettle.data.records.versions import Commit, Dataset, Source, Table
from fettle.data.store import ancestry, pointers, policies, resolve, versions
from fettle.storage.objects import has_object


@act("data.record", plumbing=True)
def record(
    ctx: Context,
    dataset: str,
    tree: str,
    source: Source,
    message: str = "",
    *,
    parents: list[str] | None = None,
    expected_head: str = "",
    branch: str = "main",
    files: int = 0,
    size_bytes: int = 0,
    tables: list[Table] | None = None,
    metadata: dict[str, str] | None = None,
    profile: str = "",
    schema: str = "",
) -> Commit:
    """Make a stored tree the newest version of a dataset.

    The files are in the workspace's blobs already: `fettle data commit`, `ingest` and `versions.commit_frame` store
    them and call this.

    Args:
        dataset: The dataset; made if it is new.
        tree: Root of the tree of files.
        source: Where they came from.
        message: Why.
        parents: The commits it continues, ours first; none for the first version.
        expected_head: The commit the branch points at; empty: it is new. Refused if it moved meanwhile.
        branch: The branch to move; made if it is new.
        files: How many files the tree has.
        size_bytes: Their lengths together.
        tables: The tables among them.
        metadata: Whatever else is known.
        profile: Digest of the object that holds the profile.
        schema: Digest of the object that holds the schema the rows were checked against.
    """
    from fettle.data.repositories import check_stored_tree, keep_commit

    ids.check_name("dataset", dataset)
    ids.check_name("branch", branch)
    for table in tables or ():
        _check_table(table)
    for digest in filter(None, (profile, schema)):
        _check_stored(ctx, digest)
    if tree:
        check_stored_tree(ctx.blobs, tree)
    made = Commit(
        id="",
        dataset=dataset,
        parents=parents or [],
        tree=tree,
        files=files,
        size_bytes=size_bytes,
        tables=tables or [],
        source=source,
        message=message,
        author=ctx.actor,
        at=ctx.now,
        metadata=metadata or {},
    )
    made = keep_commit(ctx.blobs, made)
    made = msgspec.structs.replace(made, profile_digest=profile, schema_digest=schema)
    _check_parents(ctx, made, expected_head)
    check_protected(ctx, dataset, branch, incoming=_merged_in(ctx, made), tree=made.tree)
    versions.add_dataset(ctx.tx, dataset, at=ctx.now, by=ctx.actor)
    versions.add_commit(ctx.tx, made)
    reason = "merge" if len(made.parents) > 1 else "commit"
    move(ctx, dataset, branch, old=expected_head, new=made.id, reason=reason)
    ctx.emit("data.committed", f"dataset:{dataset}", commit=made.id, rows=made.rows, branch=branch)
    return made


@act("data.adopt", plumbing=True)
def adopt(ctx: Context, dataset: str, commits: list[Commit], *, removed: list[str] | None = None) -> int:
    """Take commits over from another place, as they are: author, time and id stay.

    Their files are in the workspace's blobs already; `fettle data pull` stores them and calls this.

    Args:
        dataset: The dataset; made if it is new.
        commits: Oldest first, so that each one's parents are known before it.
        removed: Those of them, by id, whose data are not kept any more in the other place: they come without.
            Of versions that something here names it changes nothing.
    """
    from fettle.data.repositories import check_stored_tree, commit_bytes, keep_commit

    ids.check_name("dataset", dataset)
    known: set[str] = set()
    gone = set(removed or ()) & {each.id for each in commits}
    if versions.known_commits(ctx.tx, sorted(gone)):
        gone -= set(roots(ctx).commits)
    for each in commits:
        if each.dataset != dataset or ids.digest(commit_bytes(each)) != each.id:
            raise Invalid(
                f"{each.id[:12]} is no commit of {dataset!r}.",
                found=f"its content belongs to {each.dataset}@{ids.digest(commit_bytes(each))[:12]}",
                hint="Pull again; if it stays, the other side is damaged: fettle data fsck",
            )
        if each.tree and each.id not in gone and policies.removed_at(ctx.tx, each.id) is None:
            check_stored_tree(ctx.blobs, each.tree)
        keep_commit(ctx.blobs, each)
    versions.add_dataset(ctx.tx, dataset, at=ctx.now, by=ctx.actor)
    for each in commits:
        missing = set(each.parents) - known - versions.known_commits(ctx.tx, each.parents)
        if missing:
            raise NotFound(
                f"A parent of {each.id[:12]} is not in this workspace.",
                found=", ".join(sorted(one[:12] for one in missing)),
                hint="Give the commits before it too, oldest first.",
            )
        versions.add_commit(ctx.tx, each)
        known.add(each.id)
    policies.note_removed(ctx.tx, sorted(gone), at=ctx.now)
    return len(commits)


@act("data.datasets", reads=True)
def datasets(ctx: Context) -> list[Dataset]:
    """List all datasets."""
    return pointers.list_datasets(ctx.tx)


@act("data.show", reads=True)
def show(ctx: Context, ref: str) -> Commit:
    """Show one version of a dataset.

    Args:
        ref: `churn` or `churn@main` for the newest, `churn@3f9ac1` for a commit, `churn@v1` for a tag,
            `churn@main~2` for two before the newest, `churn@{2024-05-31}` for what was newest then.
    """
    return resolve.find_commit(ctx.tx, ref)


def _merged_in(ctx: Context, made: Commit) -> Commit | None:
    """The version that a commit merges into the first of its parents; None if it brings nothing new."""
    if len(made.parents) < 2 or made.parents[1] in ancestry.ancestors(ctx.tx, made.parents[:1]):
        return None
    return versions.get_commit(ctx.tx, made.parents[1])


def _check_parents(ctx: Context, made: Commit, expected_head: str) -> None:
    missing = set(made.parents) - versions.known_commits(ctx.tx, made.parents)
    if missing or (expected_head and expected_head not in made.parents):
        raise Conflict(
            f"A version of {made.dataset!r} must continue the one its branch points at.",
            found=f"parents {', '.join(each[:12] for each in made.parents) or 'none'}",
            hint="Give the head of the branch as the first parent.",
        )


def _check_table(table: Table) -> None:
    names = [column.name for column in table.columns]
    if not table.parts or any(part.rows < 1 for part in table.parts) or not names:
        raise Invalid(
            "A commit of rows needs at least one row and one column.",
            found=f"{len(table.parts)} part(s), {table.rows} row(s), {len(names)} column(s)",
            hint="Leave empty parts out.",
        )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"The column {twice!r} occurs twice.", hint="Rename one of the two.")
    for name in (*table.key, *filter(None, (table.time_column,))):
        if name not in names:
            raise NotFound.among("column", name, names)


def _check_stored(ctx: Context, digest: str) -> None:
    if not has_object(ctx.blobs, digest):
        raise NotFound(
            f"The object {digest[:12]}… of this commit is not stored in this workspace.",
            hint="Store it first; versions.commit_frame does both.",
            subject=f"object:{digest}",
        )
