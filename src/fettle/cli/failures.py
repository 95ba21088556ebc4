"""Say what went wrong: what was asked, what was found, what to do; and the exit code that goes with it."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError, Invalid, Unavailable, exit_code_of, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cyclopts import CycloptsError

_FEW_COMMANDS, _NEAREST, _WORD = 30, 3, 3


class Unexpected(FettleError):
    """A fault in fettle itself, or in a library it uses; the whole account was saved to a file."""


def report(error: BaseException, *, as_json: bool = False) -> int:
    """Print `error` for a person on stderr, and with `as_json` for a program on stdout; return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print("\nInterrupted. What was done is kept; the same command goes on from there.", file=sys.stderr)
        return exit_code_of(error)
    known = _known(error)
    if as_json:
        import msgspec

        print(msgspec.json.encode({"error": known.as_dict()}).decode())
    print(_text(known), file=sys.stderr)
    return exit_code_of(known)


def usage(error: CycloptsError) -> FettleError:
    """Read an error of the command-line parser as one of ours."""
    from cyclopts import UnknownCommandError

    error.verbose = False
    command = " ".join(["fettle", *(error.command_chain or ())])
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, command)
    first, _, advice = " ".join(str(error).split()).partition(" Did you mean ")
    return Invalid(
        first or f"{command} cannot be called like this.",
        hint=f"Did you mean {advice.strip()}" if advice else f"`{command} --help` shows how it is called.",
    )


def _unknown_command(error: CycloptsError, command: str) -> FettleError:
    word = (error.unused_tokens or ["?"])[0]
    names = [name for name in (error.app or ()) if not name.startswith("-")]
    close = nearest(word, names) or _likely(word, names)
    few = len(names) <= _FEW_COMMANDS
    advice = f"`{command} --help` lists {'them' if few else f'all {len(names)}'}."
    return Invalid(
        f"{command} has no command {word!r}.",
        found=f"{len(names)} commands: {', '.join(names)}" if names and few else "",
        hint=f"Did you mean {_alternatives(command, close)}? {advice}" if close else advice,
    )


def _likely(word: str, names: Iterable[str]) -> list[str]:
    """Names that hold the word, or that it holds: `annotate-branch` for `branch`."""
    folded = word.casefold()
    found = [each for each in names if len(folded) >= _WORD and (folded in each or each in folded)]
    return found[:_NEAREST]


def _alternatives(command: str, names: Sequence[str]) -> str:
    said = [f"`{command} {each}`" for each in names]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _known(error: BaseException) -> FettleError:
    if isinstance(error, FettleError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(
            "The disk is full.",
            found=str(error),
            hint="Free some space and try again; what was done is kept.",
        )
    if isinstance(error, PermissionError):
        return Unavailable(
            "A file cannot be used.", found=str(error), hint="Mend its permissions, or choose another folder."
        )
    place = _save_traceback(error)
    return Unexpected(
        "Something went wrong that should not have.",
        found=f"{type(error).__name__}: {_first_line(error)}",
        hint=f"Please report it with the whole account in {place}" if place else "Please report it.",
    )


def _save_traceback(error: BaseException) -> Path | None:
    text = "".join(traceback.format_exception(error))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    home = Path(os.environ.get("FETTLE_HOME", Path.home() / ".cache" / "fettle"))
    for folder in (home / "errors", Path(tempfile.gettempdir())):
        path = folder / f"fettle-error-{stamp}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(f"fettle {' '.join(sys.argv[1:])}\n\n{text}", "utf-8")
        except OSError:
            continue
        return path
    return None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "")


def _text(error: FettleError) -> str:
    red, plain = (
        ("\033[1;31m", "\033[0m") if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    )
    lines = [f"{red}error[{error.code}]:{plain} {error.message}"]
    lines += [f"{name}: {value}" for name, value in (("found", error.found), ("hint", error.hint)) if value]
    return "\n".join(lines)
