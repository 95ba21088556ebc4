"""Beside git: data folders stay out of it, and its hooks bring the data along."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import msgspec

from fettle.core.errors import Conflict, Invalid, Unavailable
from fettle.data.copies.places import Copy
from fettle.data.engine.walk import shown

_MARK = "# fettle data hook"
_BEFORE = ".before-fettle"
_COMMANDS = {
    "post-checkout": "data checkout",
    "post-merge": "data checkout",
    "pre-commit": "data status --check",
    "pre-push": "data push",
}


class GitHooks(msgspec.Struct, frozen=True):
    """The hooks that were installed.

    Attributes:
        folder: Where git looks for hooks.
        installed: Hook → the command it runs.
        kept: Hooks that were there before; they run first, and may refuse.
    """

    folder: str
    installed: dict[str, str]
    kept: list[str]

    def lines(self) -> list[str]:
        """For a person."""
        width = max(map(len, self.installed))
        made = [f"{name:<{width}}  {command}" for name, command in self.installed.items()]
        if self.kept:
            made.append(f"kept, and run first: {', '.join(self.kept)}")
        return [*made, f"in {self.folder}; `git commit --no-verify` passes the check by"]


def repository_of(folder: str) -> str | None:
    """The topmost folder of the git repository that a folder is in; None if it is in none."""
    place = os.path.abspath(folder)
    while True:
        if os.path.exists(os.path.join(place, ".git")):
            return place
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above


def keep_out(copy: Copy) -> str:
    """Have git ignore the data of a copy, by the `.gitignore` beside it; what was done, in words, empty if nothing."""
    folder, name = os.path.split(copy.name)
    if repository_of(folder) is None:
        return ""
    if "\n" in name:
        return "git cannot be told to ignore a name with a line break: keep this folder out of git yourself"
    line = "/" + _escaped(name)
    path = os.path.join(folder, ".gitignore")
    try:
        before = Path(path).read_bytes()
    except FileNotFoundError:
        before = b""
    if os.fsencode(line) in before.splitlines():
        return ""
    with open(path, "ab") as file:
        file.write((b"" if not before or before.endswith(b"\n") else b"\n") + os.fsencode(line) + b"\n")
    return f"{shown(name)} was added to .gitignore; git tracks {shown(name)}.data.toml instead"


def install_hooks(folder: str) -> GitHooks:
    """Install hooks in the git repository of a folder; those that are there are kept and run first.

    Raises:
        Invalid: The folder is in no git repository.
        Conflict: Another hook was set aside before, and there is another one now.
        Unavailable: git is not installed, or its folder cannot be written.
    """
    place = _hooks_folder(folder)
    kept: list[str] = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, command in _COMMANDS.items():
            hook = place / name
            if hook.exists() and _MARK not in hook.read_text("utf-8", errors="replace"):
                _set_aside(hook, hook.with_name(name + _BEFORE))
            if hook.with_name(name + _BEFORE).exists():
                kept.append(name)
            _write(hook, _script(name, command))
    except OSError as error:
        raise Unavailable(f"Hooks cannot be written to {place}.", found=str(error)) from error
    return GitHooks(str(place), {name: f"fettle {command}" for name, command in _COMMANDS.items()}, kept)


def _set_aside(hook: Path, place: Path) -> None:
    if place.exists():
        raise Conflict(
            f"There are two other hooks for {hook.name}.",
            found=f"{hook} and {place}",
            hint="Put what they do into one of them and remove the other, then run this again.",
        )
    hook.replace(place)


def _hooks_folder(folder: str) -> Path:
    if repository_of(folder) is None:
        raise Invalid(
            f"{os.path.abspath(folder)} is in no git repository.",
            hint="Make one with `git init`, or change into one.",
        )
    import subprocess

    command = ["git", "-C", folder, "rev-parse", "--git-path", "hooks"]
    try:
        found = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise Unavailable("git is not installed.", hint="Install git, then run this again.") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            "git cannot say where its hooks are.", found=os.fsdecode(error.stderr).strip()
        ) from error
    return Path(os.path.abspath(folder)) / os.fsdecode(found.stdout.rstrip(b"\n"))


def _script(name: str, command: str) -> str:
    import shlex

    lines = [
        "#!/bin/sh",
        f"{_MARK}, written by `fettle data hooks-install`; remove this file to be rid of it.",
        f'if [ -x "$0{_BEFORE}" ]; then "$0{_BEFORE}" "$@" || exit $?; fi',
    ]
    if name == "post-checkout":
        lines.append('[ "$3" = 1 ] || exit 0  # of single files, not of a branch')
    lines += [
        f"if command -v fettle >/dev/null 2>&1; then exec fettle {command}; fi",
        f"exec {shlex.quote(sys.executable)} -m fettle {command}",
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, "utf-8")
    partial.chmod(partial.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    partial.replace(path)


def _escaped(name: str) -> str:
    """A name as a pattern of git that means only this name."""
    made = "".join(f"\\{sign}" if sign in "\\*?[]" else sign for sign in name)
    bare = made.rstrip(" ")
    return bare + "\\ " * (len(made) - len(bare))
