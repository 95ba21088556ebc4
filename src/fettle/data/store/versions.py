"""The tables of versions: datasets, their commits and parents, and the branches and tags that name them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.canonical import decode, encode
from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.records.versions import Column, Commit, Dataset, Move, Part, Pointer, Table
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

datasets = sa.Table(
    "data_datasets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", At, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
commits = sa.Table(
    "data_commits",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False, index=True),
    sa.Column("parent", sa.Text),
    sa.Column("at", At, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("record", Json(Commit), nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("schema", sa.Text, nullable=False),
)
branches = sa.Table(
    "data_branches",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("head", sa.Text, nullable=False),
    sa.Column("moved_at", At, nullable=False),
)

parents = sa.Table(
    "data_parents",
    metadata,
    sa.Column("commit", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Text, nullable=False, index=True),
)
tags = sa.Table(
    "data_tags",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
moves = sa.Table(
    "data_moves",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("data_moves_name", "dataset", "name", "seq"),
)

SHORTEST_PREFIX = 6
BATCH = 5_000
"""So many ids in one statement."""
TABLE_PATH = "table"


def m001_initial(tx: Transaction) -> None:
    tx.create(datasets, commits, branches)


def m002_trees(tx: Transaction) -> None:
    """Commits become trees of files; those made before keep their parts as loose objects and have no tree."""
    tx.create(parents, tags, moves)
    raw = sa.table("data_commits", sa.column("id"), sa.column("record"))
    for id, text in map(tuple, tx.execute(sa.select(raw.c.id, raw.c.record)).all()):
        made = _from_parts(decode(text.encode(), dict))
        tx.execute(raw.update().where(raw.c.id == id).values(record=encode(made).decode()))
        _add_parents(tx, made)


def _from_parts(old: dict) -> Commit:
    """A commit as it was written before there were trees: a list of Parquet parts."""
    parts = [
        Part(each["digest"], each["rows"], each["size_bytes"], f"{TABLE_PATH}/{place:05}.parquet")
        for place, each in enumerate(old.pop("parts"))
    ]
    parent = old.pop("parent")
    table = Table(
        TABLE_PATH,
        msgspec.convert(old.pop("columns"), list[Column]),
        old.pop("rows"),
        parts,
        time_column=old.pop("time_column", None),
    )
    size_bytes = sum(each.size_bytes for each in parts)
    files = {"tree": "", "files": len(parts), "size_bytes": size_bytes, "tables": []}
    made = msgspec.convert({**old, **files, "parents": [parent] if parent else []}, Commit)
    return msgspec.structs.replace(made, tables=[table])


def add_dataset(tx: Transaction, name: str, *, at: datetime, by: str) -> None:
    """Keep the dataset's name unless it is known already."""
    tx.execute(insert_new(datasets), {"name": name, "created_at": at, "created_by": by})


def add_commit(tx: Transaction, commit: Commit) -> None:
    """Keep a commit; the same commit twice is one."""
    fields = {
        "id": commit.id,
        "dataset": commit.dataset,
        "parent": commit.parent,
        "at": commit.at,
        "rows": commit.rows,
        "record": commit,
        "profile": commit.profile_digest,
        "schema": commit.schema_digest,
    }
    tx.execute(insert_new(commits), fields)
    _add_parents(tx, commit)


def _add_parents(tx: Transaction, commit: Commit) -> None:
    rows = [
        {"commit": commit.id, "place": place, "parent": each} for place, each in enumerate(commit.parents)
    ]
    if rows:
        tx.execute(insert_new(parents), rows)


def head_of(tx: Transaction, dataset: str, branch: str) -> str | None:
    """The commit a branch points at; None if there is no such branch yet."""
    query = sa.select(branches.c.head).where(branches.c.dataset == dataset, branches.c.name == branch)
    return tx.execute(query).scalar_one_or_none()


def move_head(
    tx: Transaction,
    dataset: str,
    branch: str,
    *,
    old: str | None,
    new: str | None,
    at: datetime,
    by: str,
    reason: str,
) -> None:
    """Compare and set: point the branch at `new` (None: remove it) if it still points at `old` (None: is not there).

    Raises:
        Conflict: Another commit was faster.
    """
    named = sa.and_(branches.c.dataset == dataset, branches.c.name == branch)
    if old is None:
        if head_of(tx, dataset, branch) is not None:
            raise moved(dataset, branch)
        tx.execute(branches.insert().values(dataset=dataset, name=branch, head=new, moved_at=at))
    else:
        still = sa.and_(named, branches.c.head == old)
        change = branches.delete() if new is None else branches.update().values(head=new, moved_at=at)
        if tx.execute(change.where(still)).rowcount != 1:
            raise moved(dataset, branch)
    _note_move(tx, dataset, branch, old or "", new or "", at, by, reason)


def _note_move(
    tx: Transaction, dataset: str, name: str, old: str, new: str, at: datetime, by: str, reason: str
) -> None:
    values = {"dataset": dataset, "name": name, "old": old, "new": new, "at": at, "by": by, "reason": reason}
    tx.execute(moves.insert().values(**values))


def add_tag(tx: Transaction, tag: Pointer) -> None:
    """Keep a tag.

    Raises:
        Conflict: There is a tag of that name.
    """
    fresh = {
        "dataset": tag.dataset,
        "name": tag.name,
        "commit": tag.commit,
        "message": tag.message,
        "at": tag.at,
        "by": tag.by,
    }
    if tx.execute(insert_new(tags), fresh).rowcount != 1:
        raise Conflict(
            f"{tag.dataset!r} has a tag {tag.name!r} already.",
            hint="A tag always means the same version; choose another name, or remove it first.",
        )
    _note_move(tx, tag.dataset, tag.name, "", tag.commit, tag.at, tag.by, "tag")


def remove_tag(tx: Transaction, tag: Pointer, *, at: datetime, by: str) -> None:
    """Forget a tag."""
    tx.execute(tags.delete().where(tags.c.dataset == tag.dataset, tags.c.name == tag.name))
    _note_move(tx, tag.dataset, tag.name, tag.commit, "", at, by, "tag removed")


def list_pointers(tx: Transaction, dataset: str) -> list[Pointer]:
    """The branches and then the tags of a dataset, by name."""
    heads = tx.execute(
        sa.select(branches.c.name, branches.c.head, branches.c.moved_at)
        .where(branches.c.dataset == dataset)
        .order_by(branches.c.name)
    ).all()
    known = tx.execute(sa.select(tags).where(tags.c.dataset == dataset).order_by(tags.c.name)).all()
    return [
        *(
            Pointer(dataset, name, "branch", head, at, _moved_by(tx, dataset, name))
            for name, head, at in map(tuple, heads)
        ),
        *(
            Pointer(dataset, name, "tag", commit, at, by, message)
            for _, name, commit, message, at, by in map(tuple, known)
        ),
    ]


def _moved_by(tx: Transaction, dataset: str, name: str) -> str:
    last = (
        sa.select(moves.c.by)
        .where(moves.c.dataset == dataset, moves.c.name == name)
        .order_by(moves.c.seq.desc())
    )
    return tx.execute(last.limit(1)).scalar_one_or_none() or ""


def list_moves(tx: Transaction, dataset: str, name: str | None, most: int) -> list[Move]:
    """How branches and tags moved, newest first."""
    query = sa.select(moves).where(moves.c.dataset == dataset).order_by(moves.c.seq.desc()).limit(most)
    if name is not None:
        query = query.where(moves.c.name == name)
    return [Move(*tuple(row)[1:]) for row in tx.execute(query)]


_STEPS = re.compile(r"^(?P<start>.+?)(?P<steps>(?:~\d*|\^\d*)*)$")
_MOMENT = re.compile(r"^(?P<branch>[^@{}]*)@?\{(?P<at>[^}]+)\}$")


def find_commit(tx: Transaction, ref: str) -> Commit:
    """The commit that a reference means.

    `name` is the head of `main`; `name@X` a branch, a tag, or a commit by its first six characters or more;
    `name@X~2` two before it, `name@X^2` its second parent; `name@{2024-05-01}` or `name@trial@{2024-05-01T12:00}`
    where a branch was at that moment (UTC).

    Raises:
        NotFound: There is no such dataset, branch, tag or commit.
        Conflict: The prefix fits more than one commit.
    """
    dataset, _, version = ref.partition("@")
    version = version or "main"
    if moment := _MOMENT.match(version):
        return get_commit(tx, _head_at(tx, dataset, moment["branch"] or "main", moment["at"]))
    steps = _STEPS.match(version)
    if steps is None or not steps["steps"]:
        return _named(tx, dataset, version)
    found = _named(tx, dataset, steps["start"])
    for sign, count in re.findall(r"([~^])(\d*)", steps["steps"]):
        found = _stepped(tx, found, sign, int(count or 1), ref)
    return found


def _stepped(tx: Transaction, found: Commit, sign: str, count: int, ref: str) -> Commit:
    places = [0] * count if sign == "~" else [count - 1] if count else []
    for place in places:
        if place >= len(found.parents):
            raise NotFound(
                f"There is no version {ref!r}.",
                found=f"{found.id[:12]} has {len(found.parents)} parent(s)",
                hint=f"fettle data log {found.dataset}",
            )
        found = get_commit(tx, found.parents[place])
    return found


def _head_at(tx: Transaction, dataset: str, branch: str, moment: str) -> str:
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Invalid(
            f"{moment!r} is no date or time.", hint="Write it as 2024-05-31 or 2024-05-31T12:00."
        ) from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    query = sa.select(moves.c.new).where(moves.c.dataset == dataset, moves.c.name == branch, moves.c.at <= at)
    found = tx.execute(query.order_by(moves.c.seq.desc()).limit(1)).scalar_one_or_none()
    if not found:
        _named(tx, dataset, branch)
        raise NotFound(
            f"{dataset!r} had no version on {branch!r} at {at:%Y-%m-%d %H:%M} UTC.",
            hint=f"fettle data log {dataset}",
        )
    return found


def _named(tx: Transaction, dataset: str, version: str) -> Commit:
    head = head_of(tx, dataset, version) or tag_of(tx, dataset, version)
    if head is not None:
        return get_commit(tx, head)
    fits = sa.and_(commits.c.dataset == dataset, commits.c.id.startswith(version, autoescape=True))
    found = tx.execute(sa.select(commits.c.id).where(fits).limit(2)).scalars().all()
    if len(found) == 1 and len(version) >= SHORTEST_PREFIX:
        return get_commit(tx, found[0])
    if len(found) > 1 and len(version) >= SHORTEST_PREFIX:
        raise Conflict(
            f"{version!r} fits more than one commit of {dataset!r}.",
            hint="Give more characters of the commit's id.",
        )
    names = tx.execute(sa.select(datasets.c.name)).scalars().all()
    if dataset not in names:
        raise NotFound.among("dataset", dataset, names, hint="fettle data datasets")
    known = [each.name for each in list_pointers(tx, dataset)]
    raise NotFound.among(f"version of {dataset}", version, known, hint=f"fettle data log {dataset}")


def tag_of(tx: Transaction, dataset: str, name: str) -> str | None:
    """The commit of a tag; None if there is no such tag."""
    query = sa.select(tags.c.commit).where(tags.c.dataset == dataset, tags.c.name == name)
    return tx.execute(query).scalar_one_or_none()


def get_commit(tx: Transaction, id: str) -> Commit:
    """The commit of that id.

    Raises:
        NotFound: There is none.
    """
    query = sa.select(commits.c.record, commits.c.profile, commits.c.schema).where(commits.c.id == id)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no commit {id!r}.", hint="fettle data datasets", subject=f"commit:{id}")
    record, profile, schema = tuple(row)
    return msgspec.structs.replace(record, profile_digest=profile, schema_digest=schema)


def get_commits(tx: Transaction, ids: Sequence[str]) -> list[Commit]:
    """The commits of these ids that there are, in any order."""
    columns = (commits.c.record, commits.c.profile, commits.c.schema)
    return [
        msgspec.structs.replace(record, profile_digest=profile, schema_digest=schema)
        for some in _batches(ids)
        for record, profile, schema in map(
            tuple, tx.execute(sa.select(*columns).where(commits.c.id.in_(some)))
        )
    ]


def known_commits(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Which of these ids are commits here."""
    return {
        found
        for some in _batches(ids)
        for found in tx.execute(sa.select(commits.c.id).where(commits.c.id.in_(some))).scalars()
    }


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in lists short enough for one statement: databases limit its parameters."""
    left = iter(ids)
    while some := list(itertools.islice(left, BATCH)):
        yield some


def line(tx: Transaction, id: str, most: int) -> list[Commit]:
    """The commit and its first parents, newest first: the line that a branch has gone."""
    if most < 1:
        return []
    start = sa.select(sa.literal(id, sa.Text).label("id"), sa.literal(0).label("depth"))
    walk = start.cte("walk", recursive=True)
    first = sa.and_(parents.c.commit == walk.c.id, parents.c.place == 0, walk.c.depth < most - 1)
    walk = walk.union_all(sa.select(parents.c.parent, walk.c.depth + 1).join(walk, first))
    depths = dict(map(tuple, tx.execute(sa.select(walk.c.id, walk.c.depth))))
    found = {each.id: each for each in get_commits(tx, list(depths))}
    return [
        found[each] if each in found else get_commit(tx, each)
        for each in sorted(depths, key=depths.__getitem__)
    ]


def ancestors(tx: Transaction, ids: Iterable[str]) -> set[str]:
    """The ids of these commits and of all before them."""
    found: set[str] = set()
    for some in _batches(ids):
        start = sa.select(commits.c.id.label("id")).where(commits.c.id.in_(some))
        walk = start.cte("walk", recursive=True)
        walk = walk.union(sa.select(parents.c.parent).join(walk, parents.c.commit == walk.c.id))
        found |= set(tx.execute(sa.select(walk.c.id)).scalars())
    return found


def once_named(tx: Transaction, dataset: str) -> set[str]:
    """The ids of the commits that a branch or tag of the dataset has ever named, and of all before them."""
    named = [sa.select(column).where(moves.c.dataset == dataset) for column in (moves.c.old, moves.c.new)]
    walk = sa.select(commits.c.id.label("id")).where(sa.or_(*(commits.c.id.in_(each) for each in named)))
    walk = walk.cte("walk", recursive=True)
    walk = walk.union(sa.select(parents.c.parent).join(walk, parents.c.commit == walk.c.id))
    return set(tx.execute(sa.select(walk.c.id)).scalars())


def containing(tx: Transaction, digest: str) -> list[Commit]:
    """The commits whose record names the digest: as their tree, or as a file of a table."""
    named = sa.cast(commits.c.record, sa.Text).contains(digest, autoescape=True)
    return get_commits(tx, list(tx.execute(sa.select(commits.c.id).where(named)).scalars()))


def derived(tx: Transaction, id: str, key: str) -> list[Commit]:
    """The commits whose metadata names this one under the key, oldest first."""
    named = sa.and_(sa.cast(commits.c.record, sa.Text).contains(id, autoescape=True), commits.c.id != id)
    query = sa.select(commits.c.id).where(named).order_by(commits.c.at)
    found = get_commits(tx, list(tx.execute(query).scalars()))
    fits = [each for each in found if id in each.metadata.get(key, "")]
    return sorted(fits, key=lambda each: (each.at, each.id))


def all_commits(tx: Transaction, dataset: str) -> set[str]:
    """The ids of all commits of a dataset, whether something names them or not."""
    return set(tx.execute(sa.select(commits.c.id).where(commits.c.dataset == dataset)).scalars())


def merge_base(tx: Transaction, ours: str, theirs: str) -> str | None:
    """The best common ancestor: one that is no ancestor of another; the newest of several, None if there is none."""
    common = ancestors(tx, [ours]) & ancestors(tx, [theirs])
    if not common:
        return None
    best = set(common)
    for some in _batches(common):
        best -= set(tx.execute(sa.select(parents.c.parent).where(parents.c.commit.in_(some))).scalars())
    return max(get_commits(tx, list(best)), key=lambda each: (each.at, each.id)).id


def set_digests(tx: Transaction, id: str, *, profile: str = "", schema: str = "") -> None:
    """Keep which objects hold the profile and the schema of a commit; empty leaves what there is."""
    values = {key: value for key, value in (("profile", profile), ("schema", schema)) if value}
    if values:
        tx.execute(commits.update().where(commits.c.id == id).values(**values))


def dataset_names(tx: Transaction) -> list[str]:
    """The names of all datasets, also of those that have tags only."""
    return list(tx.execute(sa.select(datasets.c.name).order_by(datasets.c.name)).scalars())


def list_datasets(tx: Transaction) -> list[Dataset]:
    """All datasets by name."""
    named: dict[str, dict[str, str]] = {}
    for dataset, name, commit in map(
        tuple, tx.execute(sa.select(tags.c.dataset, tags.c.name, tags.c.commit))
    ):
        named.setdefault(dataset, {})[name] = commit
    heads: dict[str, dict[str, tuple[str, datetime]]] = {}
    moved_last = sa.select(branches.c.dataset, branches.c.name, branches.c.head, branches.c.moved_at)
    for dataset, branch, head, moved_at in map(tuple, tx.execute(moved_last.order_by(branches.c.moved_at))):
        heads.setdefault(dataset, {})[branch] = (head, moved_at)
    count = sa.select(commits.c.dataset, sa.func.count()).group_by(commits.c.dataset)
    counts = dict(map(tuple, tx.execute(count)))
    known = tx.execute(sa.select(datasets).order_by(datasets.c.name)).all()
    shown = {name: (at.get("main") or list(at.values())[-1])[0] for name, at in heads.items()}
    commit_of = {each.id: each for each in get_commits(tx, list(shown.values()))}
    return [
        Dataset(
            name=name,
            created_at=created_at,
            created_by=created_by,
            branches={branch: head for branch, (head, _) in sorted(heads[name].items())},
            rows=commit_of[shown[name]].rows,
            commits=counts[name],
            updated_at=max(moved_at for _, moved_at in heads[name].values()),
            files=commit_of[shown[name]].files,
            size_bytes=commit_of[shown[name]].size_bytes,
            tags=dict(sorted(named.get(name, {}).items())),
        )
        for name, created_at, created_by in map(tuple, known)
        if name in heads
    ]


def moved(dataset: str, branch: str) -> Conflict:
    """The error of whoever was slower."""
    return Conflict(
        f"The branch {branch!r} of {dataset!r} moved meanwhile.",
        found="another commit was made at the same time",
        hint="Look at the new head and commit again; nothing of yours was lost or written.",
        subject=f"dataset:{dataset}",
    )
