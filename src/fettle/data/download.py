"""Copy tables, files and folders of a version out of the workspace, and look into them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from fettle.core.errors import Conflict, Invalid
from fettle.core.progress import phase
from fettle.core.units import size_text
from fettle.data import ingest, versions
from fettle.data.engine import trees
from fettle.data.filesystem import DataFileSystem
from fettle.data.leftovers import clear
from fettle.data.records.diffs import Download, FileEntry
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository
from fettle.data.tables.commits import Reading
from fettle.data.tables.files import is_table, write_file

if TYPE_CHECKING:
    from fettle.acts import Surface

MOST_TEXT_BYTES = 16 << 20


class Located(NamedTuple):
    """A place in a version.

    Attributes:
        ws: The workspace.
        commit: The version.
        name: As the filesystem names it: the reference and the path.
        path: Inside the version; empty for all of it.
        digest: Of the file's bytes; empty for a folder.
        table: Whether it is the version's one table.
    """

    ws: Surface
    commit: Commit
    name: str
    path: str
    digest: str
    table: bool


def located(ws: Surface, ref: str) -> Located:
    """Find what `name@ref` or `name@ref/path` means.

    Raises:
        NotFound: There is no such version, or nothing at that path in it.
    """
    name = ref.removeprefix("data://").strip("/")
    version, _, path = name.partition("/")
    commit = versions.resolve(ws, version)
    info = _files_of(ws).info(name)
    tables = [each.path for each in commit.tables]
    whole = not path and len(tables) == 1 and commit.files == len(commit.table.parts)
    return Located(ws, commit, name, path, info.get("digest", ""), whole or tables == [path])


def listed(place: Located, *, recursive: bool) -> list[FileEntry]:
    """What lies in a folder, or all files below it; of a file, itself."""
    files = _files_of(place.ws)
    every: Any = files.find(place.name, detail=True) if recursive else {}  # a mapping, if details are wanted
    found = every.values() if recursive else files.ls(place.name)
    start = place.name.partition("/")[0] + "/"
    return [
        FileEntry(
            each["name"].removeprefix(start),
            "folder" if each["type"] == "directory" else "file",
            each["size"],
            each.get("digest", ""),
        )
        for each in found
    ]


def shown(place: Located, limit: int) -> pl.DataFrame | str:
    """The first rows of a table, or the text of a file.

    Raises:
        Invalid: It is a folder, or neither text nor a table.
    """
    if place.table:
        return versions.scan(place.ws, place.commit).head(limit).collect()
    if not place.digest:
        raise Invalid(
            f"{place.name} is not one table or file.",
            found=f"a folder of {len(listed(place, recursive=False))} entries",
            hint=f"fettle data ls {place.name}",
        )
    if PurePosixPath(place.path).suffix in (".parquet", ".arrow"):
        return _read(place.ws, place.path, place.digest).head(limit)
    return _text(place)


def download(place: Located, target: Path | None, *, force: bool) -> Download:
    """Copy a place to a file or folder.

    Args:
        place: What.
        target: Where to; None: its own name, in the current folder. An existing folder gets a file of that name.
        force: Overwrite what is there.

    Raises:
        Conflict: The target is there already.
        Invalid: A table cannot be written in the format that the target's suffix names.
    """
    own = PurePosixPath(place.path).name or place.commit.dataset
    if place.table:
        return _copy_table(
            place, _target(target, f"{own if place.path else place.commit.dataset}.parquet", force)
        )
    if place.digest:
        return _copy_file(place, _target(target, own, force))
    return _copy_folder(place, target or Path(own), force)


def reading(ws: Surface) -> Reading:
    """How the content of this workspace comes to this machine, for a comparison."""

    def part(each: versions.Part) -> Path:
        return versions.cached(ws, each)

    def file(each: trees.Entry) -> pl.DataFrame:
        return _read(ws, each.path, each.digest)

    return Reading(repository(ws), part, file, ws.folder / "cache" / "spill")


def _files_of(ws: Surface) -> DataFileSystem:
    return DataFileSystem(ws)


def _read(ws: Surface, path: str, digest: str) -> pl.DataFrame:
    """A file as a table, copied once to the local cache."""
    suffix = "".join(PurePosixPath(path).suffixes[-2:])
    cached = ws.folder / "cache" / "files" / digest[:2] / f"{digest}{suffix}"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        repository(ws).fetch(digest, cached)
    return ingest.read_source(cached)


def _text(place: Located) -> str:
    repo = repository(place.ws)
    size = repo.size_of(place.digest)
    data = repo.read(place.digest) if size <= MOST_TEXT_BYTES else b"\0"
    try:
        if b"\0" not in data:
            return data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        pass
    raise Invalid(
        f"{place.path} cannot be printed.",
        found=f"{size_text(size)} of " + ("text" if size > MOST_TEXT_BYTES else "other than UTF-8 text"),
        hint=f"Copy it out: fettle data get {place.name}",
    )


def _target(target: Path | None, own: str, force: bool) -> Path:
    path = Path(own) if target is None else target / own if target.is_dir() else target
    if path.exists() and not force:
        raise Conflict(f"{path} is there already.", hint="Name another target, or overwrite it with --force.")
    return path


def _copy_table(place: Located, target: Path) -> Download:
    with phase("Writing", total=place.commit.rows, unit="rows") as step:
        write_file(versions.scan(place.ws, place.commit), target)
        step(place.commit.rows)
    return Download(str(target), 1, target.stat().st_size, place.commit.rows)


def _copy_file(place: Located, target: Path) -> Download:
    inner = PurePosixPath(place.path).suffix.casefold()
    if is_table(target.name) and is_table(place.path) and target.suffix.casefold() != inner:
        frame = _read(place.ws, place.path, place.digest)
        write_file(frame, target)
        return Download(str(target), 1, target.stat().st_size, frame.height)
    target.parent.mkdir(parents=True, exist_ok=True)
    repository(place.ws).fetch(place.digest, target)
    return Download(str(target), 1, target.stat().st_size)


def _copy_folder(place: Located, target: Path, force: bool) -> Download:
    if target.exists() and not force and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(
            f"{target} is there already.", hint="Name another target, or overwrite it with --force."
        )
    repo = repository(place.ws)
    again = target.is_dir() and any(target.iterdir())
    prefix = f"{place.path}/" if place.path else ""
    files = None if prefix else place.commit.files
    links: list[trees.Entry] = []
    count = size = 0
    with phase("Copying", total=files, unit="files") as step:
        for each in trees.entries(place.commit.tree, repo.node, prefix):
            path = _inside(target, each.path.removeprefix(prefix))
            if each.mode == trees.SYMLINK:
                links.append(each)
            else:
                _make_folder(target, path)
                repo.fetch(each.digest, path, each.mode)
            count, size = count + 1, size + each.size_bytes
            step()
    for each in links:  # at the end, so that nothing is written through them
        path = _inside(target, each.path.removeprefix(prefix))
        _make_folder(target, path)
        path.unlink(missing_ok=True)
        path.symlink_to(os.fsdecode(repo.read(each.digest)))
    if not again:
        return Download(str(target), count, size)
    removed, others = clear(place.ws, place.commit, prefix, target)
    return Download(str(target), count, size, removed=removed or None, others=others)


def _make_folder(target: Path, path: Path) -> None:
    """Make the folder of a file below the target; a link on the way could lead anywhere and is refused."""
    for parent in [each for each in reversed(path.parents) if target in each.parents]:
        if parent.is_symlink():
            raise Conflict(
                f"{parent} is a link where a folder is needed.",
                found=f"it leads to {os.readlink(parent)}",
                hint="Remove it, or copy into an empty folder.",
            )
    path.parent.mkdir(parents=True, exist_ok=True)


def _inside(folder: Path, path: str) -> Path:
    """A place below a folder, and nowhere else."""
    parts = PurePosixPath(path).parts
    if ".." in parts or path.startswith("/"):
        raise Invalid(
            f"The path {path!r} leads out of the target folder.",
            hint="The version is damaged: fettle data fsck",
        )
    return folder.joinpath(*parts)
