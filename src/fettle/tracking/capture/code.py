"""How this process was started: its command line without secrets, and its entry file."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from fettle.tracking.capture.masks import Mask

_LONGEST = 4000


def found(mask: Mask) -> dict[str, str]:
    """The tags `code.command`, `code.entry` and `code.folder`.

    Args:
        mask: What is masked in the command line.
    """
    line = shlex.join(mask.command(getattr(sys, "orig_argv", None) or sys.argv))
    tags = {"code.command": line[:_LONGEST], "code.folder": os.getcwd()}
    entry = _entry()
    return tags | ({"code.entry": entry} if entry else {})


def _entry() -> str:
    """The file of the running program, relative to the folder if it is in it; of a notebook its name if known."""
    notebook = os.environ.get("JPY_SESSION_NAME") or _notebook_of_vscode()
    if notebook:
        return Path(notebook).name
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file:
        return ""
    path = Path(file).absolute()
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def _notebook_of_vscode() -> str:
    return str(getattr(sys.modules.get("__main__"), "__vsc_ipynb_file__", ""))
