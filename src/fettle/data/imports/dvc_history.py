"""The git history of a DVC repository, read and never changed: which commits changed what is tracked, and its tags."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fettle.core.errors import Invalid, Unavailable
from fettle.data.imports.dvc_files import LOCK, SUFFIX, tells

_PATHS = (f":(glob)**/*{SUFFIX}", f":(glob)**/{LOCK}")


class Revision(NamedTuple):
    """A commit of git: its id, who wrote it, when (with its offset), and the message."""

    id: str
    author: str
    at: str
    message: str


def head(root: Path) -> Revision | None:
    """The commit that is checked out; None where there is no git or no commit."""
    try:
        return _one(root, "HEAD")
    except (Invalid, Unavailable):
        return None


def resolve(root: Path, rev: str) -> Revision:
    """The commit that a name means.

    Raises:
        Invalid: There is none.
        Unavailable: There is no git on this machine.
    """
    return _one(root, rev)


def revisions(root: Path, rev: str = "") -> list[Revision]:
    """The commits that changed what is tracked, oldest first, along first parents.

    Args:
        root: The repository.
        rev: A range `A..B`, or a commit: all up to it; empty: all up to what is checked out.
    """
    return list(_log(root, "--reverse", rev or "HEAD"))


def at_or_before(root: Path, rev: str) -> str:
    """The newest commit up to this one that changed what is tracked; empty if there is none."""
    return next((each.id for each in _log(root, "-1", rev)), "")


def files_at(root: Path, rev: str) -> dict[str, str]:
    """The files of a commit that tell of outputs, by path relative to the repository."""
    listed = _git(root, "ls-tree", "-r", "-z", rev).split(b"\0")
    found: dict[str, str] = {}
    for line in filter(None, listed):
        told, _, name = line.partition(b"\t")
        path = os.fsdecode(name)
        if tells(path) and told.split()[1] == b"blob":
            found[path] = told.split()[2].decode()
    texts = _blobs(root, list(dict.fromkeys(found.values())))
    return {path: texts[blob] for path, blob in found.items()}


def tags(root: Path) -> dict[str, str]:
    """Tag → commit."""
    lines = _git(
        root, "for-each-ref", "refs/tags", "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)"
    )
    found: dict[str, str] = {}
    for line in os.fsdecode(lines).splitlines():
        name, direct, behind = line.split("\0")
        found[name] = behind or direct
    return found


def _one(root: Path, rev: str) -> Revision:
    if rev.startswith("-"):
        raise Invalid(f"{rev!r} is no revision of git.", hint="Give a commit, branch, tag, or a range A..B")
    id_ = _git(root, "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}", what=rev).decode().strip()
    return next(_parsed(_git(root, "log", "-1", "-z", _FORMAT, id_)))


_FORMAT = "--format=%H%x01%an <%ae>%x01%aI%x01%B"


def _log(root: Path, order: str, rev: str) -> Iterator[Revision]:
    if rev.startswith("-"):
        raise Invalid(f"{rev!r} is no revision of git.", hint="Give a commit, branch, tag, or a range A..B")
    data = _git(
        root,
        "log",
        "-z",
        order,
        "--first-parent",
        "--diff-merges=first-parent",
        _FORMAT,
        rev,
        "--",
        *_PATHS,
        what=rev,
    )
    return _parsed(data)


def _parsed(data: bytes) -> Iterator[Revision]:
    for each in data.decode("utf-8", "replace").split("\0"):
        if each.strip():
            id_, author, at, message = each.split("\1", 3)
            yield Revision(id_.strip(), author, datetime.fromisoformat(at).isoformat(), message.strip())


def _blobs(root: Path, ids: list[str]) -> dict[str, str]:
    """The texts of blobs, in one process."""
    data = _git(root, "cat-file", "--batch", given="".join(f"{each}\n" for each in ids).encode())
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        name, _kind, size = data[at:end].split()
        at = end + 1 + int(size)
        found[name.decode()] = data[end + 1 : at].decode("utf-8", "replace")
        at += 1
    return found


def _git(root: Path, *words: str, given: bytes = b"", what: str = "") -> bytes:
    environ = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            input=given,
            capture_output=True,
            env=environ,
            check=False,
        )
    except OSError as error:
        raise Unavailable(
            "git cannot be run.",
            found=error.strerror or str(error),
            hint="Install git; a working tree needs none.",
        ) from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Invalid(
            f"git knows no revision {what!r} of {root}." if what else f"git cannot read {root}.",
            found=told[0] if told else f"exit code {done.returncode}",
            hint="Give a commit, branch, tag or range A..B of a repository that is whole (no shallow clone).",
        )
    return done.stdout
