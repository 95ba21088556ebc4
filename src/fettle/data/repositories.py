"""The one repository of each blob store that this process works with, and commits as objects in it."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fettle.core import canonical, ids
from fettle.core.errors import FettleError, NotFound, Unavailable
from fettle.data.records.versions import Commit, Removed

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.repository import Repository
    from fettle.storage.ports import BlobStore

PREFIX = "data/"

_known: weakref.WeakKeyDictionary[BlobStore, Repository] = weakref.WeakKeyDictionary()
_owners: weakref.WeakSet[Surface] = weakref.WeakSet()
_guard = threading.Lock()


def repository(ws: Surface) -> Repository:
    """The repository of a workspace; its indexes are cached in the workspace's folder on this machine."""
    found = repository_at(ws.blobs, ws.folder / "cache" / "data")
    if ws not in _owners:  # a repository holds its store, so the store alone would never be let go of
        _owners.add(ws)
        weakref.finalize(ws, _known.pop, ws.blobs, None)
    asked = weakref.ref(ws)
    found.explain = lambda digest: _removed(asked(), digest)
    return found


def _removed(ws: Surface | None, digest: str) -> NotFound | None:
    """The error for a tree or file that gc removed with the last version that had it; None if it did not."""
    try:
        gone: Removed | None = ws.call("data.removed_with", digest=digest) if ws is not None else None
    except FettleError:  # that something is not here is to be told in any case
        return None
    if gone is None:
        return None
    return NotFound(
        gone.words,
        found="the version is on record, without its data",
        hint=gone.HINT,
        subject=f"commit:{gone.commit}",
    )


def check_stored_tree(blobs: BlobStore, tree: str) -> None:
    """Refuse a tree that is not stored; for acts, which must not ask an act why it is not.

    Raises:
        NotFound: It is not there.
        Unavailable: It is damaged.
    """
    from fettle.data.engine.repository import not_here

    found = repository_at(blobs)
    if not found.stores(tree):
        raise not_here(tree)
    found.node(tree)


def repository_at(blobs: BlobStore, cache: Path | None = None) -> Repository:
    """The repository in a blob store: the same object for the same store.

    Args:
        blobs: The store.
        cache: Where indexes are cached; None means a folder for this process, or what was given before.
    """
    from fettle.data.engine.repository import Repository

    with _guard:
        found = _known.get(blobs)
        if found is None:
            found = _known[blobs] = Repository(blobs, cache or _passing(), PREFIX)
        return found


def forget(blobs: BlobStore) -> None:
    """Let go of the repository of a store that is about to be closed."""
    with _guard:
        _known.pop(blobs, None)


def _passing() -> Path:
    """A folder for the indexes of a store while this process runs."""
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="fettle-data-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def commit_bytes(commit: Commit) -> bytes:
    """The canonical bytes of a commit: what its id is the digest of (docs/concepts/data-format.md)."""
    fields = msgspec.structs.asdict(commit)
    for derived in ("id", "profile_digest", "schema_digest"):
        del fields[derived]
    if not commit.metadata:
        del fields["metadata"]
    return canonical.encode(fields)


def read_commit(data: bytes) -> Commit:
    """A commit from its canonical bytes."""
    return canonical.decode(b'{"id":"%s",' % ids.digest(data).encode() + data[1:], Commit)


def stored_commit(repository: Repository, commit: str) -> Commit:
    """A commit that a repository keeps, held to its id.

    Raises:
        NotFound: It is not kept there.
        Unavailable: What is kept under its id is something else.
    """
    data = repository.commit_bytes(commit)
    if ids.digest(data) != commit:
        raise Unavailable(
            f"The commit {commit[:12]}… is damaged.",
            found="other bytes than were written",
            hint="Run fettle data fsck; with another copy (a push target) it can be repaired from there.",
            subject=f"commit:{commit}",
        )
    return read_commit(data)


def mend_commit(repository: Repository, commit: Commit) -> None:
    """Write a commit's object anew where it is damaged or gone: the database knows all that is in it."""
    from fettle.data.engine.format import commit_key

    try:
        stored_commit(repository, commit.id)
    except (NotFound, Unavailable):
        data = commit_bytes(commit)
        if ids.digest(data) == commit.id:
            repository.blobs.put(commit_key(commit.id, PREFIX), data)


def keep_commit(blobs: BlobStore, commit: Commit) -> Commit:
    """The commit with its id, kept as an object so that the store explains itself without a database."""
    from fettle.data.engine.format import commit_key

    data = commit_bytes(commit)
    made = msgspec.structs.replace(commit, id=ids.digest(data))
    key = commit_key(made.id, PREFIX)
    if blobs.info(key) is None:
        blobs.put(key, data)
    return made
