"""Import a folder or a bucket's prefix as a dataset: copied into the store, or by reference."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fettle.core import ids, progress
from fettle.core.errors import Invalid, NotFound
from fettle.core.units import size_text
from fettle.data.engine import trees
from fettle.data.engine.elsewhere import Elsewhere, Folder, Seen
from fettle.data.engine.format import FileRef
from fettle.data.engine.nodes import SYMLINK
from fettle.data.imports.folder_commit import TREE, Order, commit_import
from fettle.data.imports.folder_memory import Memory
from fettle.data.imports.folder_take import Copying, Referring, Taker, read_ahead
from fettle.data.records.versions import Source
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.writer import Writer

_SAVE_EVERY_BYTES = 256 << 20


class Imported(msgspec.Struct, frozen=True):
    """What came into one dataset.

    Attributes:
        dataset: The dataset.
        commit: Its version now.
        files: Files of that version.
        size_bytes: Their bytes.
        read: Files that were read; the others were known from before.
        new: Commits that were made; 0 if all was here already.
    """

    dataset: str
    commit: str
    files: int
    size_bytes: int
    read: int
    new: int


class Imports(msgspec.Struct, frozen=True):
    """What an import came to.

    Attributes:
        source: What was imported.
        how: `copied` or `by reference`.
        datasets: What came into each dataset.
        notes: What else is to be known, in words.
    """

    source: str
    how: str
    datasets: list[Imported]
    notes: list[str] = []

    def lines(self) -> list[str]:
        """For a person."""
        made = []
        for each in self.datasets:
            what = "nothing new" if each.new == 0 else f"{each.new} version{'s' if each.new > 1 else ''}"
            whole = f"{each.files} files, {size_text(each.size_bytes)}, {each.read} read"
            made.append(f"{each.dataset}@{each.commit[:12]}: {what} · {whole}")
        return [f"{self.source} ({self.how})", *made, *(f"  {each}" for each in self.notes)]


def import_folder(ws: Surface, path: Path, order: Order) -> Imports:
    """Import a folder, or a single file, of this machine.

    Raises:
        NotFound: There is nothing at the path.
        Invalid: Its name cannot be a dataset's, or there is no file in it.
        Conflict: A file changed while it was read, or the branch changed the same files since the last import.
    """
    whole = path.expanduser().absolute()
    if whole.is_dir():
        return import_place(ws, Folder(str(whole)), order, kind="folder")
    if not whole.exists():
        raise NotFound(f"There is no folder or file {path}.", hint="Check the path.", subject=f"file:{path}")
    return import_place(ws, Folder(str(whole.parent)), order, kind="folder", only=whole.name)


def import_place(ws: Surface, place: Elsewhere, order: Order, *, kind: str, only: str = "") -> Imports:
    """Import all files of a place, or one of them, as the newest version of a dataset.

    What was read before and did not change since is not read again. What was committed to the branch by others stays:
    the source's changes since its last import are merged with theirs.
    """
    shown = place.base.partition("?")[0]
    shown = f"{shown.rstrip('/')}/{only}" if only else shown
    dataset = ids.check_name("dataset", order.dataset or _name_of(only or shown))
    files = [place.look(only)] if only else list(place.list())
    found = [each for each in files if each is not None]
    if not found:
        raise NotFound(f"There is no file at {shown}.", hint="Check the path, or the bucket and prefix.")
    memory = Memory(memory_path(ws, place.base))
    repo = repository(ws)
    with repo.writer(hold=f"data import {shown}") as writer:
        taker: Taker = Referring(repo, writer) if order.by_reference else Copying(writer)
        intake = Intake(place, taker, writer, memory)
        root = trees.build(intake.entries(found), writer.put_node)
        taker.finish()
        memory.save()
        about = {TREE: root, "import.how": order.how}
        made, new = commit_import(ws, writer, dataset, root, order, Source(shown, kind), about)
    done = Imported(dataset, made.id, made.files, made.size_bytes, intake.read, int(new))
    return Imports(shown, order.how, [done])


class Intake:
    """Brings files of a place in, in their order; `read` counts those that had to be read."""

    def __init__(self, place: Elsewhere, taker: Taker, writer: Writer, memory: Memory) -> None:
        self._place, self._taker, self._writer, self._memory = place, taker, writer, memory
        self._since_save = 0
        self.read = 0

    def entries(self, files: list[Seen]) -> Iterator[trees.Entry]:
        """The files as entries of a tree."""
        known = [None if link(each) else self._known(each) for each in files]
        wanted = [each for each, ref in zip(files, known, strict=True) if ref is None and not link(each)]
        pending = read_ahead(self._place, wanted)
        with progress.phase("Importing", total=sum(each.size_bytes for each in files), unit="bytes") as step:
            for seen, ref in zip(files, known, strict=True):
                if link(seen):
                    ref = self._writer.put_bytes(self._target(seen))
                elif ref is None:
                    ref = self._taken(*next(pending))
                else:
                    self._taker.again(self._place, seen, ref)
                step(seen.size_bytes)
                yield trees.Entry(seen.path, ref.digest, ref.size_bytes, seen.mode)

    def _known(self, seen: Seen) -> FileRef | None:
        ref = self._memory.find(_key(seen)) if seen.state else None
        return ref if ref is not None and self._taker.has(ref) else None

    def _taken(self, seen: Seen, pieces: Iterable[bytes]) -> FileRef:
        ref = self._taker.take(self._place, seen, pieces)
        self.read += 1
        if seen.state:
            self._memory.learn(_key(seen), ref)
        self._since_save += ref.size_bytes
        if self._since_save > _SAVE_EVERY_BYTES:  # after a kill, what is durable is not read again
            self._taker.finish()
            self._memory.save()
            self._since_save = 0
        return ref

    def _target(self, seen: Seen) -> bytes:
        return os.fsencode(os.readlink(os.path.join(self._place.base, seen.path)))


def memory_path(ws: Surface, base: str) -> Path:
    """Where an import remembers what it read from a place."""
    return ws.folder / "cache" / "imports" / ids.digest(base.encode())[:32]


def link(seen: Seen) -> bool:
    """Whether it is a symbolic link."""
    return seen.mode == SYMLINK


def _key(seen: Seen) -> bytes:
    from blake3 import blake3

    text = f"{seen.size_bytes}\0{seen.state}\0{seen.path}"
    return blake3(text.encode("utf-8", "surrogateescape")).digest(length=16)


def _name_of(shown: str) -> str:
    name = shown.rstrip("/").rpartition("/")[2]
    if not name:
        raise Invalid(f"{shown} has no name to call the dataset by.", hint="Name it: --dataset NAME")
    return name
