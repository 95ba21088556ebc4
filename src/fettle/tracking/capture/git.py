"""The state of the code: commit, branch, remote, and what was changed and not committed."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

from fettle.core import canonical
from fettle.core.urls import HIDDEN, shown
from fettle.tracking.capture.masks import Mask
from fettle.tracking.capture.secrets import secret_file

MOST_DIFF_BYTES = 1 << 20
_MOST_FILES = 1000
_MOST_ANSWER_BYTES = 2 << 20
_TIMEOUT_S = 20


def found(folder: Path, mask: Mask) -> tuple[dict[str, str], dict[str, str]]:
    """Tags and files that say which code ran; both empty outside a git repository.

    The diff leaves out files that usually hold secrets, is masked, and is cut at `MOST_DIFF_BYTES`. Files that git does
    not know are named, not kept.

    Args:
        folder: Where the program runs.
        mask: What is masked in the diff, and whether the remote's password is.
    """
    root = _git(folder, "rev-parse", "--show-toplevel").strip()
    if not root:
        return {}, {}
    top = Path(root)
    commit = _git(top, "rev-parse", "HEAD").strip()
    branch = _git(top, "rev-parse", "--abbrev-ref", "HEAD").strip()
    remote = _git(top, "config", "--get", "remote.origin.url").strip()
    remote = shown_remote(remote) if mask.on else remote
    dirty = _dirty(top)
    tags = {"git.commit": commit, "git.branch": branch, "git.remote": remote}
    tags["git.dirty"] = f"{len(dirty)} file{'s' if len(dirty) != 1 else ''}" if dirty else ""
    files = {"captured/git.json": _described(tags, dirty)}
    changes = _changes(top, [name for code, name in dirty if code != "??"], mask) if commit else ""
    if changes:
        files["captured/changes.diff"] = changes
    return {key: value for key, value in tags.items() if value}, files


def shown_remote(url: str) -> str:
    """A remote's address without user, password and token; `git@host:path` keeps its form."""
    if "://" in url:
        return shown(url)
    name, at, rest = url.partition("@")
    return f"{name.partition(':')[0]}:{HIDDEN}@{rest}" if at and ":" in name else url


def _described(tags: dict[str, str], dirty: list[tuple[str, str]]) -> str:
    described = {
        **{key.removeprefix("git."): value for key, value in tags.items()},
        "dirty": [{"state": state.strip(), "path": name} for state, name in dirty[:_MOST_FILES]],
    }
    return canonical.encode(described).decode()


def _dirty(top: Path) -> list[tuple[str, str]]:
    """State and path of each file that differs from the commit, or that git does not know."""
    parts = _git(top, "status", "--porcelain", "-z", "--untracked-files=normal").split("\0")
    files: list[tuple[str, str]] = []
    renamed = False
    for part in parts:
        if renamed or len(part) < 4:
            renamed = False  # the old name of a renamed file
            continue
        files.append((part[:2], part[3:]))
        renamed = part[0] in "RC"
    return files


def _changes(top: Path, names: list[str], mask: Mask) -> str:
    kept = [name for name in names if not secret_file(name)][:_MOST_FILES]
    if not kept:
        return ""
    diff = _git(top, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--", *kept)
    safe = mask.text(diff[:MOST_DIFF_BYTES])
    return safe if len(diff) <= MOST_DIFF_BYTES else f"{safe}\n… cut here, there was more\n"


def _git(folder: Path, *arguments: str) -> str:
    """What git answers; nothing where there is no git, no repository, or it takes too long."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "--literal-pathspecs", "-C", str(folder), *arguments]
    quiet = subprocess.DEVNULL
    try:
        asked = subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, env=environment)
    except OSError:
        return ""
    limit = threading.Timer(_TIMEOUT_S, asked.kill)
    limit.start()
    with asked:
        assert asked.stdout is not None
        answer = asked.stdout.read(_MOST_ANSWER_BYTES)
        if len(answer) == _MOST_ANSWER_BYTES:
            asked.kill()
    limit.cancel()
    whole = asked.returncode == 0 or len(answer) == _MOST_ANSWER_BYTES
    return answer.decode(errors="replace") if whole else ""
