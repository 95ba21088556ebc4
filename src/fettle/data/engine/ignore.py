"""What of a folder is not data: `.fettleignore`, read as git reads `.gitignore`.

A line is a pattern; `#` begins a comment, `!` takes back what an earlier line ignored, `/` at the end means folders
only, `/` elsewhere ties the pattern to the folder of the file. `*`, `?` and `[…]` stop at `/`, `**` does not. A file
deeper down has the last word, but nothing in an ignored folder comes back. `.fettle` and `.git` are never data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from fettle.core.errors import Unavailable

IGNORE_FILE = ".fettleignore"
ALWAYS = frozenset((".fettle", ".git"))
PARTIAL = ".fettle-part-"
"""How the names of files begin that are being written."""


class _Group(NamedTuple):
    """Patterns that follow each other and say the same."""

    pattern: re.Pattern[str]
    ignores: bool
    folders_only: bool


class Rules:
    """The patterns of one ignore file, on top of those of the folders above.

    Args:
        folder: Where the file lies, relative to the root of the walk; empty for the root itself.
        lines: Its lines.
        above: The rules of the folders above.
        inside: For a file above the root: the root's path relative to the file's folder.
    """

    def __init__(
        self, folder: str, lines: Sequence[str], above: Rules | None = None, *, inside: str = ""
    ) -> None:
        self._cut = len(folder) + 1 if folder else 0
        self._inside = f"{inside}/" if inside else ""
        self._groups = _grouped([rule for rule in map(_rule_of, lines) if rule])
        self._above = above

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether a file or folder is no data, its parents being data.

        Args:
            path: Relative to the root of the walk.
            folder: Whether it is a folder.
        """
        rules: Rules | None = self
        while rules is not None:
            said = rules._says(path, folder)
            if said is not None:
                return said
            rules = rules._above
        return False

    def _says(self, path: str, folder: bool) -> bool | None:
        here = self._inside + path[self._cut :]
        for group in self._groups:
            if (folder or not group.folders_only) and group.pattern.fullmatch(here):
                return group.ignores
        return None


def read_rules(root: str, folder: str, above: Rules | None) -> Rules:
    """The rules of a folder that has an ignore file.

    Raises:
        Unavailable: The file cannot be read.
    """
    return Rules(folder, _lines(os.path.join(root, folder, IGNORE_FILE)), above)


def rules_above(root: str, top: str) -> Rules | None:
    """The rules of the folders from `top` down to, not including, `root`; None if there are none."""
    rules: Rules | None = None
    inside = os.path.relpath(root, top).replace(os.sep, "/")
    if inside == "." or inside.startswith("../"):
        return None
    parts = inside.split("/")
    for count in range(len(parts)):
        path = os.path.join(top, *parts[:count], IGNORE_FILE)
        if os.path.isfile(path):
            rules = Rules("", _lines(path), rules, inside="/".join(parts[count:]))
    return rules


def glob_pattern(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression that matches, in full, the paths that any of these globs selects, or that lie below one."""
    whole = "|".join(f"(?:{_expression(each.strip('/'))})(?:/.*)?" for each in patterns)
    return re.compile(whole, re.DOTALL)


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().removeprefix("\ufeff").split("\n")
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be read.", found=error.strerror or str(error), hint="Mend its permissions."
        ) from error


def _rule_of(line: str) -> tuple[str, bool, bool] | None:
    """The expression of a line, whether it ignores, and whether it speaks of folders only."""
    text = _trimmed(line.rstrip("\r"))
    if not text or text.startswith("#"):
        return None
    ignores = not text.startswith("!")
    text = text if ignores else text[1:]
    folders_only = text.endswith("/")
    text = text.rstrip("/") if folders_only else text
    if not text:
        return None
    tied = "/" in text
    expression = _expression(text.lstrip("/") if tied else text)
    return (expression if tied else f"(?:.*/)?{expression}"), ignores, folders_only


def _trimmed(line: str) -> str:
    """Without blanks at the end, but for those behind a backslash."""
    text = line.rstrip(" \t")
    if text.endswith("\\") and not text.endswith("\\\\") and len(text) < len(line):
        text += line[len(text)]
    return text


def _grouped(rules: list[tuple[str, bool, bool]]) -> list[_Group]:
    """The last line first, and lines that say the same as one expression."""
    groups: list[tuple[list[str], bool, bool]] = []
    for expression, ignores, folders_only in reversed(rules):
        if groups and groups[-1][1:] == (ignores, folders_only):
            groups[-1][0].append(expression)
        else:
            groups.append(([expression], ignores, folders_only))
    return [
        _Group(re.compile("|".join(f"(?:{each})" for each in expressions), re.DOTALL), ignores, folders_only)
        for expressions, ignores, folders_only in groups
    ]


def _expression(glob: str) -> str:
    """A glob as a regular expression over a path."""
    made: list[str] = []
    place = 0
    while place < len(glob):
        piece, place = _next_piece(glob, place)
        made.append(piece)
    return "".join(made)


def _next_piece(glob: str, place: int) -> tuple[str, int]:
    sign = glob[place]
    begins = place == 0 or glob[place - 1] == "/"
    if begins and glob.startswith("**/", place):
        return "(?:.*/)?", place + 3
    if begins and glob[place:] == "**":
        return ".*" if place == 0 else ".+", place + 2
    if sign == "*":
        end = place
        while end < len(glob) and glob[end] == "*":
            end += 1
        return "[^/]*", end
    if sign == "?":
        return "[^/]", place + 1
    if sign == "[" and (found := _bracket(glob, place)):
        return found
    if sign == "\\" and place + 1 < len(glob):
        return re.escape(glob[place + 1]), place + 2
    return re.escape(sign), place + 1


_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_BRACKET = re.compile(r"\[(!|\^)?(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_NAMED = re.compile(r"\[:(\w+):\]")


def _bracket(glob: str, place: int) -> tuple[str, int] | None:
    """A set of signs such as `[a-z]` or `[!0-9]`; None where the bracket never closes and means itself."""
    found = _BRACKET.match(glob, place)
    if found is None or not found.group(2):
        return None
    inner, at = "", 0
    text = found.group(2)
    for named in _NAMED.finditer(text):
        inner += _set_text(text[at : named.start()]) + _CLASSES.get(named.group(1), "")
        at = named.end()
    inner += _set_text(text[at:])
    not_slash = "(?!/)" if found.group(1) else ""
    expression = f"{not_slash}[{'^' if found.group(1) else ''}{inner}]"
    try:
        re.compile(expression)
    except re.error:  # such as [z-a]: git matches nothing by it
        expression = "(?!)"
    return expression, found.end()


def _set_text(text: str) -> str:
    """What stands between brackets, for a regular expression."""
    plain = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    return re.sub(r"([\\\]\[^&~|])", r"\\\1", plain)
