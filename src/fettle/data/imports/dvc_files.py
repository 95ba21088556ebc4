"""What a DVC repository tracks: the outputs in its `.dvc` and `dvc.lock` files.

Facts of the formats as DVC 0.90 to 3.67 write them. An output without `hash: md5` is of DVC 2 or older: its md5 was
taken after CRLF had been made LF in texts (`md5-dos2unix`), and its cache lies in another layout.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fettle.core.errors import Invalid, NotFound

_MD5 = re.compile(r"([0-9a-f]{32})(\.dir)?")
LOCK, PIPELINE, SUFFIX = "dvc.lock", "dvc.yaml", ".dvc"


class Item(NamedTuple):
    """A file of an output: path below the output (empty: the output itself is the file), md5, and its mode."""

    path: str
    md5: str
    mode: int


class Out(NamedTuple):
    """An output.

    Attributes:
        path: Relative to the repository, with `/`.
        md5: Of the file, or of the manifest of a folder.
        folder: Whether it is a folder.
        legacy: Whether its md5 was taken as by DVC 2.
        mode: Of a file.
        said_in: The file that tells of it.
        items: The files of a folder, where they are told right there.
    """

    path: str
    md5: str
    folder: bool
    legacy: bool
    mode: int
    said_in: str
    items: tuple[Item, ...] | None = None

    @property
    def key(self) -> str:
        """The md5 as DVC writes it."""
        return self.md5 + (".dir" if self.folder else "")


class Tracked(NamedTuple):
    """The outputs of a state of a repository, by path, and what was left out, in words."""

    outs: dict[str, Out]
    notes: list[str]


def repository_above(path: Path) -> Path | None:
    """The DVC repository that a path lies in; None if it is in none."""
    whole = path.absolute()
    return next((each for each in (whole, *whole.parents) if (each / ".dvc").is_dir()), None)


def tells(path: str) -> bool:
    """Whether a file of a repository tells of outputs."""
    name = posixpath.basename(path)
    return name in (LOCK, PIPELINE) or (name.endswith(SUFFIX) and name != SUFFIX)


def working_files(root: Path) -> dict[str, str]:
    """The files of a working tree that tell of outputs, by path."""
    from fettle.data.engine.walk import names_of, walk

    found: dict[str, str] = {}
    for each in walk(str(root)):
        if each.folder == ".dvc" or each.folder.startswith(".dvc/"):
            continue
        for name in names_of(each.names):
            path = f"{each.folder}/{name}" if each.folder else name
            if tells(path) and (root / path).is_file():
                found[path] = (root / path).read_text("utf-8", "replace")
    return found


def read_outs(texts: Mapping[str, str]) -> Tracked:
    """The outputs that these files tell of.

    Args:
        texts: Path → text of `.dvc`, `dvc.lock` and `dvc.yaml` files.

    Raises:
        Invalid: A file is broken; or an output lies outside of the repository, or has no md5 but another hash.
    """
    outs: dict[str, Out] = {}
    notes: list[str] = []
    for path in sorted(texts):
        if posixpath.basename(path) == PIPELINE:
            continue
        for folder, each in _told(path, texts):
            found = _out(path, folder, each)
            if isinstance(found, str):
                notes.append(found)
            else:
                outs[found.path] = found
    for path in _kept_by_git(texts) & outs.keys():
        del outs[path]
        notes.append(f"{path}: left out, as git keeps it itself (cache: false)")
    return Tracked(outs, notes)


def chosen(tracked: Tracked, path: str) -> Tracked:
    """The outputs at and below a path, or that this `.dvc` or `dvc.lock` file tells of.

    Raises:
        NotFound: There are none.
    """
    if path in ("", "."):
        return tracked
    said_in = posixpath.join(posixpath.dirname(path), LOCK) if path.endswith(PIPELINE) else path
    outs = {
        name: each
        for name, each in tracked.outs.items()
        if name == path or name.startswith(f"{path}/") or each.said_in == said_in
    }
    if not outs and tracked.outs:
        raise NotFound.among("output of the DVC repository", path, list(tracked.outs))
    return Tracked(outs, tracked.notes)


def _told(path: str, texts: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The outputs of a file, and the folder each one's path begins in."""
    data = _yaml(path, texts[path])
    here = posixpath.dirname(path)
    if posixpath.basename(path) != LOCK:
        folder = posixpath.join(here, str(data.get("wdir", "")))
        yield from ((folder, each) for each in _list(data, "outs", path))
        return
    stages = data.get("stages") if "schema" in data else data
    pipeline = _stages(path, texts)
    for name, stage in (stages or {}).items():
        if not isinstance(stage, dict):
            raise broken(path, f"stage {name!r} is no table")
        wdir = str(_declared(pipeline, name).get("wdir", ""))
        if "${" in wdir:
            raise broken(path, f"the stage {name!r} has a wdir with a variable: {wdir}")
        yield from ((posixpath.join(here, wdir), each) for each in _list(stage, "outs", path))


def _kept_by_git(texts: Mapping[str, str]) -> set[str]:
    """Outputs, metrics and plots of stages that are declared with `cache: false`."""
    found: set[str] = set()
    for path in texts:
        if posixpath.basename(path) != PIPELINE:
            continue
        for stage in _stages(path, texts).values():
            told = stage.get("do", stage)
            folder = posixpath.join(posixpath.dirname(path), str(told.get("wdir", "")))
            for each in (one for kind in ("outs", "metrics", "plots") for one in told.get(kind) or ()):
                if isinstance(each, dict):
                    found |= {
                        _joined(folder, str(name))
                        for name, more in each.items()
                        if isinstance(more, dict) and more.get("cache") is False
                    }
    return found


def _stages(path: str, texts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    pipeline = posixpath.join(posixpath.dirname(path), PIPELINE)
    stages = _yaml(pipeline, texts[pipeline]).get("stages") if pipeline in texts else None
    return {name: each for name, each in (stages or {}).items() if isinstance(each, dict)}


def _declared(stages: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    found = stages.get(name) or stages.get(name.partition("@")[0]) or {}
    return found.get("do", found)


def _out(path: str, folder: str, told: Any) -> Out | str:
    """An output; or, in words, why it is left out."""
    if not isinstance(told, dict) or not isinstance(told.get("path"), str):
        raise broken(path, "an output without a path")
    name = _joined(folder, told["path"])
    if "://" in told["path"] or name.startswith(("../", "/")) or name == "..":
        return f"{told['path']}: left out, as it lies outside of the repository"
    if told.get("hash", "md5") != "md5":
        return f"{name}: left out, as it has no md5 but {told['hash']!r}"
    if told.get("cache") is False:
        return f"{name}: left out, as git keeps it itself (cache: false)"
    legacy = "hash" not in told
    mode = 0o755 if told.get("isexec") else 0o644
    if isinstance(told.get("files"), list):
        items = tuple(item_of(path, each) for each in told["files"])
        return Out(name, str(told.get("md5", "")).removesuffix(".dir"), True, legacy, mode, path, items)
    found = _MD5.fullmatch(str(told.get("md5", "")))
    if found is None:
        return f"{name}: left out, as {path} has no md5 of it (was it ever committed with DVC?)"
    return Out(name, found[1], bool(found[2]), legacy, mode, path)


def item_of(where: str, told: Any) -> Item:
    """A file of a folder, as a manifest tells of it.

    Raises:
        Invalid: It has no md5, or a path that would lie outside of the folder.
    """
    if not isinstance(told, dict) or not _MD5.fullmatch(str(told.get("md5", ""))):
        raise broken(where, "a file of a folder without md5")
    path = told.get("relpath")
    if not isinstance(path, str) or {"", ".", ".."} & set(path.split("/")):
        raise broken(where, f"the path {path!r} of a file")
    return Item(path, told["md5"], 0o755 if told.get("isexec") else 0o644)


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path.replace("\\", "/")))


def _list(data: dict[str, Any], name: str, path: str) -> list[Any]:
    found = data.get(name) or []
    if not isinstance(found, list):
        raise broken(path, f"{name} is no list")
    return found


def _yaml(path: str, text: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise broken(path, str(error).replace("\n", " ")) from None
    if not isinstance(found, dict | None):
        raise broken(path, "no table")
    return found or {}


def broken(path: str, found: str) -> Invalid:
    """The error for a file that DVC cannot have written."""
    hint = "Is it half of a git merge? See what `dvc status` says of it."
    return Invalid(f"{path} is no file that DVC wrote.", found=found, hint=hint)
