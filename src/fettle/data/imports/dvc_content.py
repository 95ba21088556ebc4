"""Where the content of a DVC repository is found: its cache, else its workspace, else its remote; held to its md5."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fettle.core.errors import Conflict, NotFound
from fettle.data.engine.elsewhere import Elsewhere, Folder, Seen, open_elsewhere
from fettle.data.engine.format import FileRef
from fettle.data.engine.walk import names_of, walk
from fettle.data.imports.dvc_config import Config
from fettle.data.imports.dvc_files import Item, Out, broken, item_of
from fettle.data.imports.dvc_hashes import OtherContent, held
from fettle.data.imports.folder_memory import Memory
from fettle.data.imports.folder_take import Taker

_MANIFESTS = 8


class Missing(NamedTuple):
    """Content that is nowhere: the path it belongs to, its md5, and what was found instead, if anything."""

    path: str
    md5: str
    found: str = ""


class Content:
    """Finds content by its md5.

    Args:
        root: The working tree, whose files are looked at too; None if a revision of git is read.
        config: Where cache and remote are.
        taker: Takes files in.
        memory: Remembers which digest an md5 stands for.
        kept: Whether a file that was taken in an earlier import is still kept.
    """

    def __init__(
        self, root: Path | None, config: Config, taker: Taker, memory: Memory, kept: Callable[[FileRef], bool]
    ) -> None:
        self._cache = Folder(str(config.cache))
        self._remote = open_elsewhere(config.remote.base) if config.remote and config.remote.base else None
        self._work = Folder(str(root)) if root is not None else None
        self._taker, self._memory, self._kept = taker, memory, kept
        self._taken: set[bytes] = set()
        self._manifests: dict[str, list[Item]] = {}
        self.missing: dict[tuple[str, str], Missing] = {}
        self.read = 0

    def items(self, out: Out) -> list[Item] | None:
        """The files of an output; None if its manifest is missing, which is noted.

        Raises:
            Invalid: The manifest is broken.
        """
        if not out.folder:
            return [Item("", out.md5, out.mode)]
        if out.items is not None:
            return list(out.items)
        if out.key not in self._manifests:
            data = self._manifest(out)
            if data is None:
                return None
            while len(self._manifests) >= _MANIFESTS:
                self._manifests.pop(next(iter(self._manifests)))
            self._manifests[out.key] = _decoded(out, data)
        return self._manifests[out.key]

    def take(self, out: Out, item: Item) -> FileRef | None:
        """Take a file in; None if its content is missing, which is noted."""
        key = _key(item.md5, out.legacy)
        known = self._memory.find(key)
        if known is not None and (key in self._taken or self._kept(known)):
            return known
        path = f"{out.path}/{item.path}" if item.path else out.path
        found = ""
        for place, seen in self._candidates(item.md5, path):
            try:
                ref = self._taker.take(place, seen, held(place.pieces(seen), item.md5, legacy=out.legacy))
            except (OtherContent, NotFound, Conflict) as error:
                found = f"{error.found or error.message} in {place.base.partition('?')[0]}"
                continue
            self._memory.learn(key, ref)
            self._taken.add(key)
            self.read += 1
            return ref
        self._note(path, item.md5, found)
        return None

    def _note(self, path: str, md5: str, found: str = "") -> None:
        self.missing[path, md5] = Missing(path, md5, found)

    def _candidates(self, md5: str, path: str) -> Iterator[tuple[Elsewhere, Seen]]:
        inside = [f"files/md5/{md5[:2]}/{md5[2:]}", f"{md5[:2]}/{md5[2:]}"]
        places: list[tuple[Elsewhere | None, list[str]]] = [
            (self._cache, inside),
            (self._work, [path]),
            (self._remote, inside),
        ]
        for place, paths in places:
            for each in paths if place is not None else ():
                seen = place.look(each) if place is not None else None
                if place is not None and seen is not None:
                    yield place, seen

    # --- manifests

    def _manifest(self, out: Out) -> bytes | None:
        found = ""
        for place, seen in self._candidates(out.key, out.path):
            try:
                return b"".join(held(place.pieces(seen), out.md5, legacy=out.legacy))
            except (OtherContent, NotFound, Conflict) as error:
                found = error.found or error.message
        if self._work is not None and (data := self._made(self._work, out)) is not None:
            return data
        self._note(out.path, out.key, found)
        return None

    def _made(self, work: Folder, out: Out) -> bytes | None:
        """The manifest of a folder of the workspace, if that is as it was committed."""
        folder = Path(work.base) / out.path
        if not folder.is_dir():
            return None
        rows = [
            {"md5": _md5_of(work, f"{out.path}/{path}", legacy=out.legacy), "relpath": path}
            for path in sorted(
                f"{each.folder}/{name}" if each.folder else name
                for each in walk(str(folder))
                for name in names_of(each.names)
            )
        ]
        data = json.dumps(rows, sort_keys=True).encode()
        try:
            return b"".join(held((data,), out.md5, legacy=False))
        except OtherContent:
            return None


def _md5_of(work: Folder, path: str, *, legacy: bool) -> str:
    import hashlib

    seen = work.look(path)
    data = b"".join(work.pieces(seen)) if seen is not None else b""
    if legacy and b"\0" not in data[:512]:
        data = data.replace(b"\r\n", b"\n")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _decoded(out: Out, data: bytes) -> list[Item]:
    where = f"the manifest of {out.path}"
    try:
        rows: Any = json.loads(data)
    except ValueError as error:
        raise broken(where, str(error)) from None
    if not isinstance(rows, list):
        raise broken(where, "no list")
    return [item_of(where, each) for each in rows]


def _key(md5: str, legacy: bool) -> bytes:
    from blake3 import blake3

    return blake3(b"md5-dos2unix " + md5.encode()).digest(length=16) if legacy else bytes.fromhex(md5)
