"""`data://name@ref/path`: versions as a read-only filesystem, for whatever opens files through fsspec.

    pandas.read_csv("data://churn@v2/labels.csv")                    # in the workspace of the current folder
    fs = fsspec.filesystem("data", workspace="…")                    # or in another
    polars.read_csv(fs.open("churn@v2/labels.csv"))
    duckdb.register_filesystem(fs); duckdb.sql("FROM 'data://churn@main/table/*.parquet'")
    pyarrow.dataset.dataset("churn@main/table", filesystem=PyFileSystem(FSSpecHandler(fs)))

A file is read in ranges: only the pieces of it that somebody asks for leave the store, each verified. A filesystem sees
each version as it was when it was first asked for it, so that what is read together belongs together;
`invalidate_cache` makes it look again.
"""

from __future__ import annotations

import importlib
import os
import posixpath
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from fettle.core.errors import Denied, Invalid, NotFound
from fettle.data.engine import trees
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository
from fettle.data.versions import resolve

if TYPE_CHECKING:
    from fettle.acts import Surface

BLOCK_BYTES = 256 << 10
MOST_LINKS = 8


class NoSuchFile(NotFound, FileNotFoundError):
    """There is no such file in a version; also a `FileNotFoundError`, for those who expect one."""


class ReadOnly(Denied, PermissionError):
    """Versions never change, so `data://` cannot be written; also a `PermissionError`."""


class DataFileSystem(AbstractFileSystem):
    """The files of all versions in a workspace, read-only: `name@ref/path`, the ref as everywhere (`main` if left out).

    Args:
        workspace: A workspace, its folder or URL; None means that of the current folder.
    """

    protocol = "data"
    cachable = False  # which workspace is meant depends on the current folder

    def __init__(self, workspace: Surface | str | os.PathLike[str] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._workspace = workspace
        self._commits: dict[str, Commit] = {}

    @property
    def workspace(self) -> Surface:
        """The workspace whose versions these are."""
        if self._workspace is None or isinstance(self._workspace, str | os.PathLike):
            given = "" if self._workspace is None else os.fspath(self._workspace)
            self._workspace = _opened(os.getcwd(), given or os.environ.get("FETTLE_WORKSPACE", ""))
        return self._workspace

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget what the names of versions mean, so that branches which moved are seen."""
        self._commits.clear()
        super().invalidate_cache(path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What lies in a folder; of the topmost, all datasets."""
        ref, inner = self._split(path)
        found = list(self._inside(ref, inner)) if ref else list(self._datasets())
        return found if detail else [each["name"] for each in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, type and size; of a file also its digest, and the commit it was looked up in."""
        ref, inner = self._split(path)
        if not ref:
            return _folder("", 0)
        commit = self.commit(ref)
        if not inner:
            return _folder(ref, commit.size_bytes) | {"commit": commit.id}
        entry = self._find(commit, inner)
        if entry is not None:
            return _file(ref, entry, inner) | {"commit": commit.id}
        if next(iter(trees.entries(commit.tree, self._node, f"{inner}/")), None) is None:
            raise _missing(commit, ref, inner, self._node)
        return _folder(f"{ref}/{inner}", 0) | {"commit": commit.id}

    def ukey(self, path: str) -> str:
        """The digest of a file's bytes: the same exactly if the content is."""
        return self.info(path).get("digest", "")

    def checksum(self, path: str) -> int:
        """The digest of a file's bytes as a number, as fsspec wants it."""
        return int(self.ukey(path) or "0", 16)

    def modified(self, path: str) -> Any:
        """When the version was committed."""
        return self.commit(self._split(path)[0]).at

    created = modified

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """A file's bytes, or those from `start` up to `end`; negative ones count from the end."""
        info = self._file(path)
        size = info["size"]
        first, last = slice(start, end).indices(size)[:2]
        return repository(self.workspace).read(info["digest"], first, max(first, last))

    def get_file(
        self,
        rpath: str,
        lpath: Any = None,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        **options: Any,
    ) -> None:
        """Copy a file out, verified; it appears whole or not at all."""
        info = self.info(rpath)
        target = Path(lpath) if outfile is None and isinstance(lpath, str | os.PathLike) else None
        if target is None or info["type"] == "directory":
            super().get_file(rpath, lpath, callback=callback, outfile=outfile, **options)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        repository(self.workspace).fetch(info["digest"], target)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> DataFile:
        if mode != "rb":
            self._refused()
        info = self._file(path)
        return DataFile(
            self,
            path,
            mode,
            block_size or BLOCK_BYTES,
            cache_options=cache_options,
            digest=info["digest"],
            size=info["size"],
            **{"cache_type": "readahead"} | options,
        )

    def _refused(self, *_: Any, **__: Any) -> Any:
        raise ReadOnly(
            "data:// is read-only: a version never changes.",
            found="an attempt to write, move or remove",
            hint="Write a local file and commit it: fettle data add FILE, or fettle data ingest FILE",
        )

    # every way to write that fsspec has; the signatures differ and do not matter
    mkdir = makedirs = rmdir = rm = rm_file = _rm = cp_file = put_file = pipe_file = touch = mv = _refused  # type: ignore[assignment]  # each of them refuses alike

    def _node(self, digest: str) -> bytes:
        return repository(self.workspace).node(digest)

    def _split(self, path: str) -> tuple[str, str]:
        """The reference, and the path inside that version."""
        ref, _, inner = str(self._strip_protocol(path)).strip("/").partition("/")
        return ref, posixpath.normpath(inner).strip("/") if inner else ""

    def commit(self, ref: str) -> Commit:
        """The version that a reference meant when it was first asked for."""
        if ref not in self._commits:
            try:
                self._commits[ref] = resolve(self.workspace, ref)
            except NotFound as error:
                raise NoSuchFile(
                    error.message, found=error.found, hint=error.hint, subject=error.subject
                ) from error
        return self._commits[ref]

    def _datasets(self) -> Iterator[dict[str, Any]]:
        for each in self.workspace.call("data.datasets"):
            yield _folder(each.name, each.size_bytes)

    def _inside(self, ref: str, inner: str) -> Iterator[dict[str, Any]]:
        commit = self.commit(ref)
        if inner and self._find(commit, inner) is not None:
            yield self.info(f"{ref}/{inner}")
            return
        empty = True
        for each in trees.listing(commit.tree, self._node, inner):
            empty = False
            if isinstance(each, trees.Folder):
                yield _folder("/".join(filter(None, (ref, inner, each.name))), each.size_bytes)
            else:
                yield _file(ref, self._followed(commit, each) or each, each.path)
        if empty and inner:
            raise _missing(commit, ref, inner, self._node)

    def _find(self, commit: Commit, path: str) -> trees.Entry | None:
        entry = trees.find(commit.tree, path, self._node)
        return self._followed(commit, entry) or entry if entry is not None else None

    def _followed(self, commit: Commit, entry: trees.Entry) -> trees.Entry | None:
        """The file that a link leads to within the version; None if it leads nowhere."""
        for _ in range(MOST_LINKS):
            if entry.mode != trees.SYMLINK:
                return entry
            target = os.fsdecode(repository(self.workspace).read(entry.digest))
            place = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target))
            found = trees.find(commit.tree, place, self._node)
            if found is None:
                return None
            entry = found
        return None

    def _file(self, path: str) -> dict[str, Any]:
        info = self.info(path)
        if info["type"] == "directory":
            raise Invalid(
                f"data://{info['name']} is a folder, not a file.",
                hint=f"Name a file in it: fettle data ls {info['name']}",
            )
        return info


class DataFile(AbstractBufferedFile):
    """A file of a version; ranges of it are read when they are asked for."""

    def __init__(self, *given: Any, digest: str, **named: Any) -> None:
        self.digest = digest
        super().__init__(*given, **named)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return repository(self.fs.workspace).read(self.digest, start, end)


def _folder(name: str, size: int) -> dict[str, Any]:
    return {"name": name, "size": size, "type": "directory"}


def _file(ref: str, entry: trees.Entry, path: str) -> dict[str, Any]:
    return {
        "name": f"{ref}/{path}",
        "size": entry.size_bytes,
        "type": "file",
        "digest": entry.digest,
        "mode": entry.mode,
    }


def _missing(commit: Commit, ref: str, path: str, node: trees.Node) -> NoSuchFile:
    """The error for a path that is not in a version, with the names that lie beside it."""
    folder = posixpath.dirname(path)
    beside = [
        "/".join(filter(None, (folder, each.name))) if isinstance(each, trees.Folder) else each.path
        for each, _ in zip(trees.listing(commit.tree, node, folder), range(1000), strict=False)
    ]
    return NoSuchFile.among(f"file in {ref}", path, beside, hint=f"fettle data ls {ref}")


@cache
def _opened(folder: str, url: str) -> Surface:
    """The workspace of a folder or URL; fsspec makes filesystems itself, so that nobody could hand one in."""
    return importlib.import_module("fettle.workspace").Workspace.open(url or folder)
