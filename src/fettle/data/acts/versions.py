"""What can be done with versions: record one that is stored, look at them, keep what is known of them."""

from __future__ import annotations

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import canonical, ids
from fettle.core.errors import Conflict, Denied, GateFailed, Invalid, NotFound
from fettle.data.acts.policies import roots
from fettle.data.records.profiles import Profile
from fettle.data.records.schemas import Schema
from fettle.data.records.versions import Commit, Dataset, Source, Table
from fettle.data.store import checks, policies
from fettle.data.store import versions as store
from fettle.storage.objects import get_object, has_object

MADE_FROM = "made_from"
"""The metadata that says from which versions one was made: references with blanks between them."""


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
    store.add_dataset(ctx.tx, dataset, at=ctx.now, by=ctx.actor)
    store.add_commit(ctx.tx, made)
    store.move_head(
        ctx.tx,
        dataset,
        branch,
        old=expected_head or None,
        new=made.id,
        at=ctx.now,
        by=ctx.actor,
        reason="merge" if len(made.parents) > 1 else "commit",
    )
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
    if store.known_commits(ctx.tx, sorted(gone)):
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
    store.add_dataset(ctx.tx, dataset, at=ctx.now, by=ctx.actor)
    for each in commits:
        missing = set(each.parents) - known - store.known_commits(ctx.tx, each.parents)
        if missing:
            raise NotFound(
                f"A parent of {each.id[:12]} is not in this workspace.",
                found=", ".join(sorted(one[:12] for one in missing)),
                hint="Give the commits before it too, oldest first.",
            )
        store.add_commit(ctx.tx, each)
        known.add(each.id)
    policies.note_removed(ctx.tx, sorted(gone), at=ctx.now)
    return len(commits)


@act("data.datasets", reads=True)
def datasets(ctx: Context) -> list[Dataset]:
    """List all datasets."""
    return store.list_datasets(ctx.tx)


@act("data.show", reads=True)
def show(ctx: Context, ref: str) -> Commit:
    """Show one version of a dataset.

    Args:
        ref: `churn` or `churn@main` for the newest, `churn@3f9ac1` for a commit, `churn@v1` for a tag,
            `churn@main~2` for two before the newest, `churn@{2024-05-31}` for what was newest then.
    """
    return store.find_commit(ctx.tx, ref)


@act("data.log", reads=True)
def log(ctx: Context, dataset: str, *, branch: str = "main", limit: int = 100) -> list[Commit]:
    """List the versions of a dataset, newest first.

    Args:
        dataset: The dataset.
        branch: Where to begin: a branch, a tag or a commit.
        limit: At most so many.
    """
    return store.line(ctx.tx, store.find_commit(ctx.tx, f"{dataset}@{branch}").id, limit)


@act("data.lineage", reads=True, plumbing=True)
def lineage(ctx: Context, ref: str, *, known: list[str] | None = None) -> list[Commit]:
    """List a version and all before it, merged branches included, oldest first.

    Args:
        ref: The version.
        known: Leave out these commits and all before them.
    """
    head = store.find_commit(ctx.tx, ref)
    wanted = store.ancestors(ctx.tx, [head.id]) - store.ancestors(ctx.tx, known or [])
    return _parents_first(store.get_commits(ctx.tx, sorted(wanted)))


@act("data.derived", reads=True)
def derived(ctx: Context, ref: str) -> list[Commit]:
    """List the versions that were made from a version: cleaned, labelled, split, joined, synthesised.

    Args:
        ref: The version.
    """
    return store.derived(ctx.tx, store.find_commit(ctx.tx, ref).id, MADE_FROM)


@act("data.known", reads=True, plumbing=True)
def known(ctx: Context, commits: list[str]) -> list[str]:
    """Tell which of these commits the workspace has.

    Args:
        commits: Ids of commits.
    """
    return sorted(store.known_commits(ctx.tx, commits))


@act("data.merge_base", reads=True, plumbing=True)
def merge_base(ctx: Context, ours: str, theirs: str) -> Commit | None:
    """Show the newest version that two versions have in common; nothing if they have none.

    Args:
        ours: One version.
        theirs: The other.
    """
    one, other = store.find_commit(ctx.tx, ours), store.find_commit(ctx.tx, theirs)
    found = store.merge_base(ctx.tx, one.id, other.id)
    return None if found is None else store.get_commit(ctx.tx, found)


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


@act("data.set_profile", plumbing=True)
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


@act("data.set_schema", plumbing=True)
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


def check_protected(
    ctx: Context, dataset: str, branch: str, *, incoming: Commit | None = None, tree: str | None = None
) -> None:
    """Refuse a change that the branch's protections do not allow.

    Args:
        ctx: The act that changes it.
        dataset: The dataset.
        branch: The branch.
        incoming: The version whose changes come in from another branch; None if it is no merge.
        tree: What the branch is to hold, where that is not the very tree of `incoming`.

    Raises:
        Denied: The branch takes merges only, or only an approver may move it.
        GateFailed: What comes in has not passed the checks.
    """
    for rule in policies.protections_of(ctx.tx, dataset, branch):
        if rule.approver and ctx.role < Role.APPROVER:
            raise Denied(
                f"Only an approver may move the branch {branch!r} of {dataset!r}.",
                found=f"{ctx.actor} is {ctx.role.name.lower()}; the branch falls under {rule.dataset}:{rule.pattern}",
                hint="Commit to another branch and ask an approver to merge it.",
            )
        if rule.merges_only and (incoming is None or not _is_named(ctx, incoming, but=branch)):
            raise Denied(
                f"The branch {branch!r} of {dataset!r} is protected: changes come by merging another branch.",
                found=f"a protection of {rule.dataset}:{rule.pattern}",
                hint=f"Commit or push to another branch, then: fettle data merge {dataset} BRANCH --into {branch}",
            )
        if rule.checks:
            _check_passed(ctx, dataset, branch, incoming, tree)


def _merged_in(ctx: Context, made: Commit) -> Commit | None:
    """The version that a commit merges into the first of its parents; None if it brings nothing new."""
    if len(made.parents) < 2 or made.parents[1] in store.ancestors(ctx.tx, made.parents[:1]):
        return None
    return store.get_commit(ctx.tx, made.parents[1])


def _is_named(ctx: Context, commit: Commit, *, but: str) -> bool:
    """Whether another branch, or a tag, names the version: so it was looked at under that name before."""
    return any(
        each.commit == commit.id and (each.kind, each.name) != ("branch", but)
        for each in store.list_pointers(ctx.tx, commit.dataset)
    )


def _check_passed(ctx: Context, dataset: str, branch: str, incoming: Commit | None, tree: str | None) -> None:
    """Refuse what has not passed the dataset's checks of severity error; the newest result of each counts.

    What was checked is what the branch will hold: where both sides changed, theirs is merged first and checked again.
    Only results of the check as it reads now count; those that the author recorded count if an approver lets it in.
    """
    wanted = {each.id: each.text for each in checks.list_checks(ctx.tx, dataset) if each.severity == "error"}
    if not wanted:
        found = "the dataset has no check of severity error"
    elif incoming is None:
        found = "a change that is no merge"
    elif tree not in (None, incoming.tree):
        found = f"{branch!r} changed too, so that nobody checked what comes of both"
    else:
        runs = checks.list_runs(ctx.tx, dataset, commit=incoming.id, most=10_000)
        newest = {
            each.check: each.outcome
            for each in reversed(runs)
            if each.text == wanted.get(each.check) and _is_witness(ctx, each.by, incoming)
        }
        left = sorted(each for each in wanted if newest.get(each) != "passed")
        if not left:
            return
        found = f"not passed on {incoming.id[:12]}: {', '.join(left)}"
    raise GateFailed(
        f"The branch {branch!r} of {dataset!r} takes only versions that have passed its checks.",
        found=found,
        hint=f"Merge {branch} into a branch, fettle data check {dataset}@BRANCH, then merge that one.",
        subject=f"dataset:{dataset}",
    )


def _is_witness(ctx: Context, by: str, incoming: Commit) -> bool:
    """Whether somebody's word on a version counts: an approver who lets it in decides, others need another's word."""
    return ctx.role >= Role.APPROVER or by not in (incoming.author, ctx.actor)


def _check_parents(ctx: Context, made: Commit, expected_head: str) -> None:
    missing = set(made.parents) - store.known_commits(ctx.tx, made.parents)
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


def _parents_first(commits: list[Commit]) -> list[Commit]:
    waiting = {each.id: each for each in sorted(commits, key=lambda each: (each.at, each.id))}
    ordered: list[Commit] = []
    for start in list(waiting):
        stack = [start]
        while stack:
            each = waiting.get(stack[-1])
            ahead = [one for one in each.parents if one in waiting] if each else []
            if ahead:
                stack.extend(ahead)
            else:
                done = waiting.pop(stack.pop(), None)
                ordered.extend([done] if done else [])
    return ordered


def _known(ctx: Context, found: Commit, what: str, digest: str) -> bytes:
    if not digest:
        raise NotFound(
            f"No {what} of {found.dataset}@{found.id[:12]} has been made.",
            hint=f"Make it: fettle data {what} {found.dataset}@{found.id[:12]}",
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
