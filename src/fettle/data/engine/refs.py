"""Branches and tags of a bare store: small blobs, moved by compare and set.

A workspace keeps its refs in its database. A folder or bucket that is pushed to has no database: there a ref is a blob
that says which commit it means, and `BlobStore.swap` decides between two who move it at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from fettle.core import canonical
from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.data.engine.format import checked
from fettle.storage.ports import BlobStore

Kind = Literal["heads", "tags"]
KINDS: tuple[Literal["heads"], Literal["tags"]] = ("heads", "tags")


class BlobRef(msgspec.Struct, frozen=True):
    """A branch or tag.

    Attributes:
        dataset: Whose.
        kind: `heads` (branches) or `tags`.
        name: Its name.
        commit: The commit it means.
        metadata: Whatever its mover wrote beside it, JSON-able.
    """

    dataset: str
    kind: Kind
    name: str
    commit: str
    metadata: dict[str, str] = {}


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    commit: str
    metadata: dict[str, str] = {}


class BlobRefs:
    """The refs of a bare store; safe to share between threads and processes.

    Args:
        blobs: The store.
        prefix: Of the repository in the store.
    """

    def __init__(self, blobs: BlobStore, prefix: str = "data/") -> None:
        self._blobs = blobs
        self._folder = f"{prefix}refs/"

    def get(self, dataset: str, kind: Kind, name: str) -> BlobRef | None:
        """A ref, or None if there is none."""
        try:
            data = self._blobs.get(self._key(dataset, kind, name))
        except NotFound:
            return None
        value = self._decoded(dataset, kind, name, data)
        return BlobRef(dataset, kind, name, value.commit, value.metadata)

    def list(self, dataset: str = "") -> Iterator[BlobRef]:
        """All refs, or those of one dataset, sorted by dataset, kind and name."""
        folder = f"{self._folder}{quote(dataset, safe='')}/" if dataset else self._folder
        for info in self._blobs.list(folder):
            owner, kind, name = info.key[len(self._folder) :].split("/")
            for known in KINDS:
                if known == kind and (found := self.get(unquote(owner), known, unquote(name))) is not None:
                    yield found

    def set(
        self,
        dataset: str,
        kind: Kind,
        name: str,
        commit: str,
        *,
        expected: str | None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Move a ref, if it still means what the mover believes.

        Args:
            commit: What it shall mean.
            expected: The commit it means now; None: it does not exist yet.
            metadata: Kept beside it.

        Raises:
            Conflict: It means another commit by now.
        """
        key = self._key(dataset, kind, name)
        tag, found = self._read(key)
        if found != expected:
            raise _moved(dataset, kind, name, expected, found)
        value = canonical.encode(_Value(checked(commit), metadata or {}))
        try:
            self._blobs.swap(key, value, tag=tag)
        except Conflict:
            raise _moved(dataset, kind, name, expected, self._read(key)[1]) from None

    def delete(self, dataset: str, kind: Kind, name: str) -> None:
        """Remove a ref; nothing happens if there is none."""
        self._blobs.delete(self._key(dataset, kind, name))

    def _read(self, key: str) -> tuple[str | None, str | None]:
        """The blob's tag and the commit it names. The tag is read first: a later change makes the swap fail."""
        info = self._blobs.info(key)
        if info is None:
            return None, None
        try:
            return info.tag, self._decoded(*self._named(key), self._blobs.get(key)).commit
        except NotFound:
            return None, None

    def _named(self, key: str) -> tuple[str, Kind, str]:
        owner, kind, name = key[len(self._folder) :].split("/")
        return unquote(owner), "tags" if kind == "tags" else "heads", unquote(name)

    def _decoded(self, dataset: str, kind: Kind, name: str, data: bytes) -> _Value:
        try:
            value = canonical.decode(data, _Value)
            checked(value.commit)
        except (msgspec.MsgspecError, Invalid) as error:
            what = "branch" if kind == "heads" else "tag"
            raise Unavailable(
                f"The {what} {name!r} of {dataset!r} is damaged there.",
                found=str(error),
                hint=f"Remove {self._key(dataset, kind, name)} there, and push again.",
                subject=f"dataset:{dataset}",
            ) from error
        return value

    def _key(self, dataset: str, kind: Kind, name: str) -> str:
        return f"{self._folder}{quote(dataset, safe='')}/{kind}/{quote(name, safe='')}"


def _moved(dataset: str, kind: Kind, name: str, expected: str | None, found: str | None) -> Conflict:
    what = "branch" if kind == "heads" else "tag"
    return Conflict(
        f"The {what} {name!r} of {dataset!r} is not where it was expected.",
        found=f"{_short(found)}, expected {_short(expected)}",
        hint="Pull, merge, and push again.",
        subject=f"dataset:{dataset}",
    )


def _short(commit: str | None) -> str:
    return "no commit" if commit is None else f"commit {commit[:12]}"
