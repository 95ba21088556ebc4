"""The fast lane: everyday commands on data folders, without building the tree of commands.

`fettle data status`, `add`, `checkout` and `commit` are run many times a day, by git's hooks too. Where their arguments
are plainly what they seem, they are read here, and the same work is done and told as on the ordinary way; a status then
costs little more than a look at the disk. Whatever is not plain (`--help`, another workspace, a mistake) goes the
ordinary way.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from fettle.acts import Surface

_FLAGS: dict[str, dict[str, type]] = {
    "status": {"check": bool, "json": bool},
    "add": {"dataset": str, "branch": str, "json": bool},
    "checkout": {"path": list, "force": bool, "link": bool, "json": bool},
    "commit": {"message": str, "json": bool},
}
_MOST_WORDS = {"status": 1, "add": 10_000, "checkout": 2, "commit": 1}
_LEAST_WORDS = {"add": 1}
_SHORT = {"-m": "--message"}
_GARBAGE_AFTER = 100_000
"""New objects before cycles are looked for: a command ends soon, makes few, and would search many thousand records."""


def try_run(argv: Sequence[str]) -> int | None:
    """Run a command if it is one of the fast lane's and plainly said.

    Args:
        argv: The words after `fettle`.

    Returns:
        The exit code; None: nothing was done, go the ordinary way.
    """
    if len(argv) < 2 or argv[0] != "data" or argv[1] not in _FLAGS:
        return None
    given = read_words(argv[1], argv[2:])
    home = _home() if given is not None else None
    if given is None or home is None:
        return None
    words, options = given
    gc.set_threshold(_GARBAGE_AFTER)
    try:
        return _run(argv[1], home, words, options)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # the outermost loop of the command line
        from fettle.cli import failures

        return failures.report(error, as_json="json" in options)


def read_words(verb: str, argv: Sequence[str]) -> tuple[list[str], dict[str, Any]] | None:
    """Read the words after a verb into arguments and options; None where they are not plain."""
    words: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(argv)
    for word in rest:
        if not word.startswith("-"):
            words.append(word)
            continue
        name, equals, value = _SHORT.get(word, word).partition("=")
        kind = _FLAGS[verb].get(name.removeprefix("--")) if name.startswith("--") else None
        key = name.removeprefix("--")
        if kind is None or (kind is bool and equals) or (kind is not list and key in options):
            return None
        if kind is bool:
            options[key] = True
            continue
        value = value if equals else next(rest, "-")
        if value.startswith("-"):
            return None
        options[key] = [*options.get(key, ()), value] if kind is list else value
    if not _LEAST_WORDS.get(verb, 0) <= len(words) <= _MOST_WORDS[verb]:
        return None
    return words, options


def _home() -> str | None:
    """The workspace's folder, where it is a folder here or above and nothing names another."""
    if os.environ.get("FETTLE_WORKSPACE") or os.environ.get("FETTLE_TOKEN"):
        return None
    try:
        with open("fettle.toml", "rb") as file:
            if b"workspace" in file.read():
                return None
    except FileNotFoundError:
        pass  # a folder without a project
    except OSError:
        return None
    place = os.path.realpath(os.curdir)
    while not os.path.isdir(os.path.join(place, ".fettle")):
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above
    return os.path.join(place, ".fettle")


def _run(verb: str, home: str, words: list[str], options: dict[str, Any]) -> int:
    from fettle.cli.teller import bars
    from fettle.core import progress

    as_json = options.get("json", False)
    workspace: Any = _Doorstep(home)
    try:
        with progress.shown_by(bars(quiet=as_json)):
            made = _WORK[verb](workspace, words, options)
        _emit(made, as_json)
    finally:
        workspace.close()
    if fault := getattr(made, "fault", ""):
        from fettle.core.errors import GateFailed

        raise GateFailed(fault)
    sys.stdout.flush()
    return 0


class _Doorstep:
    """A workspace that opens itself when more is asked of it than its folder and its blobs."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._opened: Surface | None = None

    @property
    def folder(self) -> Path:
        from pathlib import Path

        return Path(self._home)

    def __getattr__(self, name: str) -> Any:
        if name == "blobs" and self.__dict__.get("_opened") is None:
            from fettle.storage.open import open_blobs

            self.blobs = open_blobs(os.path.join(self._home, "blobs"))
            return self.blobs
        if name.startswith("_"):
            raise AttributeError(name)
        if self._opened is None:
            from fettle.workspace import Workspace

            self._opened = Workspace.open(self._home)
        return getattr(self._opened, name)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


def _emit(made: Any, as_json: bool) -> None:
    if as_json or not hasattr(made, "lines"):
        from fettle.cli.output import emit_report

        emit_report(made, as_json=as_json)
    else:
        print("\n".join(made.lines()))


def _status(workspace: Any, words: list[str], options: dict[str, Any]) -> Any:
    from fettle.data.copies.status import status_of

    home = workspace._home
    return status_of(home, words[0] if words else None, check=options.get("check", False), ws=workspace)


def _add(workspace: Any, words: list[str], options: dict[str, Any]) -> Any:
    from fettle.data.copies.add import add

    return add(workspace, words, dataset=options.get("dataset"), branch=options.get("branch"))


def _checkout(workspace: Any, words: list[str], options: dict[str, Any]) -> Any:
    from fettle.data.copies.arrive import checkout

    target, ref = (*words, None, None)[:2]
    globs, force = options.get("path", ()), options.get("force", False)
    return checkout(workspace, target, ref, globs=globs, force=force, link=options.get("link"))


def _commit(workspace: Any, words: list[str], options: dict[str, Any]) -> Any:
    from fettle.data.copies.commit import commit

    return commit(workspace, words[0] if words else None, message=options.get("message", ""))


_WORK = {"status": _status, "add": _add, "checkout": _checkout, "commit": _commit}
