"""Pointer files: `images.data.toml` beside `images` says which version lies there, and git tracks it.

So `git checkout` of an older state and `fettle data checkout` bring back the data of that state. The file names no
place of a machine, and the same version always makes the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from fettle.core.errors import Invalid
from fettle.data.copies.places import Copy
from fettle.data.engine.walk import shown

SUFFIX = ".data.toml"
_SKIPPED = frozenset((".git", ".fettle", "node_modules", "__pycache__", ".venv"))


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What a pointer file says.

    Attributes:
        dataset: Which dataset lies beside the file.
        commit: Which version of it.
        branch: Where new versions go.
        kind: `folder`, or `file` for a single file.
        files: How many files the version has.
        size_bytes: Their bytes.
        paths: Which part of the version is wanted; empty: all.
    """

    dataset: str
    commit: str
    branch: str = "main"
    kind: str = "folder"
    files: int = 0
    size_bytes: int = 0
    paths: list[str] = []


def pointer_path(name: str) -> str:
    """Where the pointer of a folder or file lies."""
    return name + SUFFIX


def encode(pointer: Pointer) -> str:
    """The text of a pointer file."""
    lines = [
        "# A version of a dataset; `fettle data checkout` brings it to the place beside this file.",
        f"dataset = {_quoted(pointer.dataset)}",
        f"branch = {_quoted(pointer.branch)}",
        f"commit = {_quoted(pointer.commit)}",
        f"kind = {_quoted(pointer.kind)}",
        f"files = {pointer.files}",
        f"size_bytes = {pointer.size_bytes}",
    ]
    if pointer.paths:
        lines.append(f"paths = [{', '.join(map(_quoted, pointer.paths))}]")
    return "\n".join(lines) + "\n"


def decode(text: str, name: str) -> Pointer:
    """The pointer of a file's text; `name` is the file's, for errors.

    Raises:
        Invalid: The text is no pointer.
    """
    import tomllib

    try:
        return msgspec.convert(tomllib.loads(text), Pointer)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Invalid(
            f"{shown(name)} is no pointer to a version of a dataset.",
            found=str(error),
            hint="If git left conflict marks in it, keep the side whose data you want and run the checkout again.",
        ) from error


def read(name: str) -> Pointer | None:
    """The pointer of a folder or file; None if there is none."""
    try:
        with open(pointer_path(name), encoding="utf-8") as file:
            return decode(file.read(), pointer_path(name))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise Invalid(f"{shown(pointer_path(name))} is no text.", found=str(error)) from error


def write(copy: Copy, files: int, size_bytes: int, *, commit: str = "") -> str:
    """Write the pointer of a copy, at `commit` or as it is now, if it says something else; return where it lies."""
    from pathlib import Path

    from fettle.storage.disks import write_atomically

    state = copy.state
    pointer = Pointer(
        dataset=state.dataset,
        commit=commit or state.base,
        branch=state.branch,
        kind="file" if state.only else "folder",
        files=files,
        size_bytes=size_bytes,
        paths=list(state.globs),
    )
    path, text = Path(pointer_path(copy.name)), encode(pointer)
    if not path.is_file() or path.read_bytes() != text.encode():
        write_atomically(path, [text.encode()])
    return str(path)


def below(folder: str) -> Iterator[str]:
    """The folders and files in and below a folder that have a pointer, by path; not looking into data itself."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda each: os.fsencode(each.name))
    except OSError:
        return
    pointed = {
        each.name.removesuffix(SUFFIX) for each in entries if each.name.endswith(SUFFIX) and each.is_file()
    } - {""}
    yield from (os.path.join(folder, each) for each in sorted(pointed))
    for each in entries:
        if each.is_dir(follow_symlinks=False) and each.name not in pointed | _SKIPPED:
            yield from below(each.path)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
