"""Where versions are pushed to and pulled from: a bare store (a folder or bucket), or another workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from fettle.core import canonical, ids
from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.data import companions
from fettle.data.engine.fsck import Fault
from fettle.data.records.versions import Commit
from fettle.data.repositories import PREFIX, forget, repository, repository_at, stored_commit

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository
    from fettle.data.records.checks import Check
    from fettle.storage.ports import BlobStore

T = TypeVar("T")

REMOVED = f"{PREFIX}removed/"
"""In a bare store: an empty blob for each commit whose data are not kept."""
ABOUT = f"{PREFIX}about/"
"""In a bare store: for a commit, which objects hold its profile and schema."""
CHECKS = f"{PREFIX}checks/"
"""In a bare store: what is asked of a dataset."""


class About(msgspec.Struct, frozen=True, omit_defaults=True):
    """The objects that hold the profile and the schema of a commit; empty: none."""

    profile: str = ""
    schema: str = ""


class Place(Protocol):
    """Another place that keeps versions."""

    repository: Repository
    blobs: BlobStore

    def pointers(self, dataset: str) -> dict[tuple[str, str], str]:
        """`("branch" or "tag", name)` → commit; empty if it has no such dataset."""
        ...

    def datasets(self) -> list[str]:
        """The names of its datasets."""
        ...

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these commits it has."""
        ...

    def commits(self, dataset: str, head: str, known: set[str]) -> list[Commit]:
        """A commit and all before it that are not below `known`, parents first."""
        ...

    def removed(self, commits: Sequence[Commit]) -> set[str]:
        """Which of these commits it keeps without their data: they outlived their retention, here or elsewhere."""
        ...

    def announce(self, removed: Sequence[str]) -> None:
        """Tell, before anything is sent, which new commits come without their data."""
        ...

    def move(self, dataset: str, branch: str, commits: list[Commit], *, old: str | None, force: bool) -> None:
        """Take the commits, whose files it has by now, and point the branch at the last one."""
        ...

    def tag(self, dataset: str, name: str, commit: str) -> None:
        """Give a tag; one that means the same already is left."""
        ...

    def described(self, commit: Commit) -> Commit:
        """A version it has, with the objects that hold its profile and schema there."""
        ...

    def describe(self, commit: Commit) -> None:
        """Note which objects hold the profile and schema of a version it has, unless it knows of others."""
        ...

    def checks(self, dataset: str) -> list[Check]:
        """What is asked of a dataset there."""
        ...

    def add_checks(self, dataset: str, checks: Sequence[Check]) -> None:
        """Ask more of a dataset there."""
        ...


@contextmanager
def open_place(ws: Surface, url: str) -> Iterator[Place]:
    """Open the place at a URL, and close it in the end.

    Args:
        ws: The workspace that asks; it knows how other workspaces are opened.
        url: A folder or `s3://bucket/prefix`; a folder that has `.fettle`, `postgresql://…` or `https://…`.

    Raises:
        Invalid: There is no URL, or it is of another kind.
        Unavailable: It cannot be reached, or ignores conditional writes.
    """
    from fettle.storage.open import open_blobs

    if not url:
        raise Invalid(
            "There is no place to push to or pull from.",
            hint="Name one: --to s3://bucket/prefix, or a folder; or data.remote in fettle.toml.",
        )
    other = url.startswith(("https://", "http://", "postgresql://", "postgres://"))
    if other or ("://" not in url and ((Path(url) / ".fettle").is_dir() or Path(url).name == ".fettle")):
        with closing(ws.elsewhere(url)) as there:
            yield WorkspacePlace(there)
        return
    cache = ws.folder / "cache" / "places" / ids.digest(url.encode())[:16]
    with closing(open_blobs(url)) as blobs:
        try:
            yield BarePlace(blobs, cache)
        finally:
            forget(blobs)


class BarePlace:
    """A folder or bucket with packs, commits and refs, and no database."""

    def __init__(self, blobs: BlobStore, cache: Path) -> None:
        from fettle.data.engine.refs import BlobRefs

        self.blobs = blobs
        self.repository = repository_at(blobs, cache)
        self._refs = BlobRefs(blobs, PREFIX)

    def pointers(self, dataset: str) -> dict[tuple[str, str], str]:
        kinds = {"heads": "branch", "tags": "tag"}
        return {(kinds[each.kind], each.name): each.commit for each in self._refs.list(dataset)}

    def datasets(self) -> list[str]:
        return sorted({each.dataset for each in self._refs.list()})

    def known(self, ids: Sequence[str]) -> set[str]:
        return {each for each in ids if self._has(each)}

    def _has(self, commit: str) -> bool:
        try:
            self.repository.commit_bytes(commit)
        except NotFound:
            return False
        return True

    def commits(self, dataset: str, head: str, known: set[str]) -> list[Commit]:
        found: dict[str, Commit] = {}
        waiting = [head]
        while waiting:
            each = waiting.pop()
            if each not in found and each not in known:
                found[each] = self.described(stored_commit(self.repository, each))
                waiting += found[each].parents
        ordered: list[Commit] = []
        placed: set[str] = set()
        for start in sorted(found.values(), key=lambda commit: (commit.at, commit.id)):
            stack = [start]
            while stack:
                ahead = [found[one] for one in stack[-1].parents if one in found and one not in placed]
                if ahead:
                    stack.extend(ahead)
                    continue
                done = stack.pop()
                if done.id not in placed:
                    placed.add(done.id)
                    ordered.append(done)
        return ordered

    def removed(self, commits: Sequence[Commit]) -> set[str]:
        noted = {info.key.rpartition("/")[2] for info in self.blobs.list(REMOVED)}
        return {
            each.id
            for each in commits
            if each.id in noted and each.tree and not self.repository.stores(each.tree)
        }

    def announce(self, removed: Sequence[str]) -> None:
        for each in removed:
            self.blobs.put(f"{REMOVED}{each}", b"")

    def move(self, dataset: str, branch: str, commits: list[Commit], *, old: str | None, force: bool) -> None:
        for each in commits:
            self.describe(each)
        if commits:
            self._refs.set(dataset, "heads", branch, commits[-1].id, expected=old)

    def tag(self, dataset: str, name: str, commit: str) -> None:
        found = self._refs.get(dataset, "tags", name)
        if found is None:
            self._refs.set(dataset, "tags", name, commit, expected=None)
        elif found.commit != commit:
            raise _other_tag(dataset, name)

    def describe(self, commit: Commit) -> None:
        known = self._about(commit.id)
        made = About(known.profile or commit.profile_digest, known.schema or commit.schema_digest)
        if made != known:
            self.blobs.put(f"{ABOUT}{commit.id}", _sealed(canonical.encode(made)))

    def described(self, commit: Commit) -> Commit:
        known = self._about(commit.id)
        return msgspec.structs.replace(commit, profile_digest=known.profile, schema_digest=known.schema)

    def _about(self, commit: str) -> About:
        return self._read(f"{ABOUT}{commit}", About, About())

    def checks(self, dataset: str) -> list[Check]:
        from fettle.data.records.checks import Check

        return self._read(f"{CHECKS}{quote(dataset, safe='')}", list[Check], [])

    def add_checks(self, dataset: str, checks: Sequence[Check]) -> None:
        data = canonical.encode([*self.checks(dataset), *checks])
        self.blobs.put(f"{CHECKS}{quote(dataset, safe='')}", _sealed(data))

    def damaged(self) -> list[Fault]:
        """Notes and objects (profiles, schemas, …) beside the versions that are not as they were written."""
        faults = []
        for info in [*self.blobs.list(ABOUT), *self.blobs.list(CHECKS)]:
            try:
                _opened(info.key, self.blobs.get(info.key))
            except Unavailable as error:
                faults.append(Fault("record", info.key, found=error.found))
        for info in self.blobs.list("objects/"):
            name = info.key.rpartition("/")[2]
            if ids.digest(self.blobs.get(info.key)) != name:
                faults.append(Fault("record", info.key, name, found="other content than its digest says"))
        return faults

    def _read(self, key: str, kind: type[T], empty: T) -> T:
        try:
            return canonical.decode(_opened(key, self.blobs.get(key)), kind)
        except NotFound:
            return empty
        except msgspec.DecodeError as error:
            raise _damaged(key, str(error)) from error


def _sealed(data: bytes) -> bytes:
    """A note behind the digest of what it says, so that a flipped bit is seen."""
    return ids.digest(data).encode() + b"\n" + data


def _opened(key: str, data: bytes) -> bytes:
    seal, _, note = data.partition(b"\n")
    if ids.digest(note).encode() != seal:
        raise _damaged(key, "other content than its digest says")
    return note


def _damaged(key: str, found: str) -> Unavailable:
    return Unavailable(
        f"The note {key} of the place is damaged.", found=found, hint="Remove it and push again."
    )


class WorkspacePlace:
    """Another workspace, of this machine, of a team, or behind a server."""

    def __init__(self, ws: Surface) -> None:
        self._ws = ws
        self._announced: list[str] = []
        self.repository = repository(ws)
        self.blobs = ws.blobs

    def pointers(self, dataset: str) -> dict[tuple[str, str], str]:
        try:
            return {
                (each.kind, each.name): each.commit for each in self._ws.call("data.refs", dataset=dataset)
            }
        except NotFound:
            return {}

    def datasets(self) -> list[str]:
        return [each.name for each in self._ws.call("data.datasets")]

    def known(self, ids: Sequence[str]) -> set[str]:
        return set(self._ws.call("data.known", commits=list(ids)))

    def commits(self, dataset: str, head: str, known: set[str]) -> list[Commit]:
        here = [each for each in known if each in self.known([each])]
        return self._ws.call("data.lineage", ref=f"{dataset}@{head}", known=here)

    def removed(self, commits: Sequence[Commit]) -> set[str]:
        return set(self._ws.call("data.removed", commits=[each.id for each in commits]))

    def announce(self, removed: Sequence[str]) -> None:
        self._announced = list(removed)

    def move(self, dataset: str, branch: str, commits: list[Commit], *, old: str | None, force: bool) -> None:
        self._ws.call("data.adopt", dataset=dataset, commits=commits, removed=self._announced)
        if not commits:
            return
        if force and old is not None:
            self._ws.call(
                "data.reset", dataset=dataset, to=commits[-1].id, branch=branch, reason="forced push"
            )
        else:
            self._ws.call(
                "data.advance", dataset=dataset, to=commits[-1].id, branch=branch, expected_head=old or ""
            )

    def tag(self, dataset: str, name: str, commit: str) -> None:
        found = self.pointers(dataset).get(("tag", name))
        if found is None:
            self._ws.call("data.tag", dataset=dataset, name=name, at=commit)
        elif found != commit:
            raise _other_tag(dataset, name)

    def described(self, commit: Commit) -> Commit:
        return self._ws.call("data.show", ref=commit.ref)

    def describe(self, commit: Commit) -> None:
        companions.describe(self._ws, commit)

    def checks(self, dataset: str) -> list[Check]:
        return self._ws.call("data.checks", dataset=dataset)

    def add_checks(self, dataset: str, checks: Sequence[Check]) -> None:
        self._ws.call("data.set_checks", dataset=dataset, checks=list(checks))


def _other_tag(dataset: str, name: str) -> Conflict:
    return Conflict(
        f"The tag {name!r} of {dataset!r} means another version there.",
        hint="A tag always means the same version: give yours another name.",
        subject=f"dataset:{dataset}",
    )
