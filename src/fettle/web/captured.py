"""What a run recorded by itself: changes of the code in colours, what was installed, what it printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from fettle.core.errors import NotFound
from fettle.storage.objects import object_key
from fettle.web.run_files import beginning

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.tracking.records.runs import Run

CHANGES = "captured/changes.diff"
GIT = "captured/git.json"
ENVIRONMENT = "captured/environment.json"
CONSOLE = "captured/console/"
MOST_BYTES = 1 << 20
CONSOLE_BYTES = 256 << 10
MOST_LINES = 5000
CODE_TAGS = ("git.", "code.")
PLACE_TAGS = ("python.", "host.", "seed.")
_COLOURS = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(?:\x07|\x1b\\))")


def code(ws: Surface, run: Run) -> dict[str, Any]:
    """The commit, the files that were not committed, and their changes."""
    return {
        "tags": {key: value for key, value in run.tags.items() if key.startswith(CODE_TAGS)},
        "files": _json(ws, run, GIT).get("dirty", []),
        "changes": _text(ws, run, CHANGES),
    }


def environment(ws: Surface, run: Run) -> dict[str, Any]:
    """Python, the machine, the seeds, and the packages with their versions."""
    found = _json(ws, run, ENVIRONMENT)
    packages = found.pop("packages", {})
    return {
        "tags": {key: value for key, value in run.tags.items() if key.startswith(PLACE_TAGS)},
        "about": {key: value for key, value in found.items() if isinstance(value, str)},
        "packages": packages if isinstance(packages, dict) else {},
    }


def console(ws: Surface, run: Run) -> dict[str, Any]:
    """The end of what was printed."""
    pieces = sorted(
        (each for each in run.artifacts if each.path.startswith(CONSOLE)), key=lambda each: each.path
    )
    size = sum(each.size_bytes for each in pieces)
    read: list[bytes] = []
    left = CONSOLE_BYTES
    for each in reversed(pieces):
        if left <= 0:
            break
        if each.size_bytes == 0:
            continue
        try:
            key = object_key(each.digest)
            read.append(ws.blobs.get(key, start=max(0, each.size_bytes - left), end=each.size_bytes))
        except NotFound:
            break
        left -= each.size_bytes
    return {
        "text": printed(b"".join(reversed(read)).decode("utf-8", "replace")),
        "size_bytes": size,
        "cut": left < 0,
    }


def printed(text: str) -> str:
    """What a terminal shows in the end: without colours, and of a line that was written over its last state."""
    lines = _COLOURS.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def coloured(diff: str) -> Markup:
    """A diff with a class for each kind of line."""
    lines = diff.split("\n")
    drawn = Markup("\n").join(
        Markup('<span class="{}">{}</span>').format(_kind(line), line) for line in lines[:MOST_LINES]
    )
    return drawn + (Markup("\n… cut here") if len(lines) > MOST_LINES else Markup(""))


def _kind(line: str) -> str:
    if line.startswith(
        ("diff ", "index ", "--- ", "+++ ", "new file", "deleted file", "rename ", "similarity ")
    ):
        return "d-file"
    if line.startswith("@@"):
        return "d-hunk"
    return "d-in" if line.startswith("+") else "d-out" if line.startswith("-") else "d-same"


def _text(ws: Surface, run: Run, path: str) -> str:
    file = next((each for each in run.artifacts if each.path == path), None)
    if file is None:
        return ""
    try:
        return beginning(ws, file, MOST_BYTES).decode("utf-8", "replace")
    except NotFound:
        return ""


def _json(ws: Surface, run: Run, path: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_text(ws, run, path) or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
