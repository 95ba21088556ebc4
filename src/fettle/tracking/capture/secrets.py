"""What may not be recorded: values that look like secrets, and files that hold them."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import PurePosixPath

from fettle.core.urls import HIDDEN, shown

_WORD = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth)"
_TELLING = re.compile(rf"(?i){_WORD}")
_LONGEST_LINE = 5000
_SECRET_NAME = rf"""["']?[\w.-]{{0,40}}{_WORD}[\w.-]{{0,40}}["']?\]?"""
_ANNOTATED = r"\s*:\s*[\w\[\]., |\"']{1,60}?\s*=(?!=)"
_CLOSED = r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """
_ASSIGNED = re.compile(
    rf"""(?ix) (?P<name> {_SECRET_NAME} (?: {_ANNOTATED} | \s*[:=](?!=) ) \s* )
    (?: [rbfu]{{0,2}} (?: {_CLOSED} ) | [^\s"'] [^\n]{{3,}} | ["'][^\n]* )"""
)
_HANDED = re.compile(
    rf"""(?ix) (?P<name> [\w.]{{0,40}}{_WORD}\w{{0,40}} \( \s* ) [rbfu]{{0,2}} (?: {_CLOSED} )"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"']{6,}|\b(token)\s+[^\s\"']{16,}")
_OPENED = re.compile(
    rf"""(?ix) ^\s*(?:-\s+)?{_SECRET_NAME}\s*:\s*(?:[|>][-+]?\d*|[\[{{])?\s*$
    | {_SECRET_NAME} (?: {_ANNOTATED} | \s*=(?!=) ) \s* (?: [rbfu]{{0,2}}(?:\"{{3}}|\'{{3}}) | [\[({{\\] )? \s*$"""
)
_RANDOM = re.compile(r"(?<![\w/.+=-])[A-Za-z0-9+/_-]{24,200}={0,2}(?![\w/.+-])")
_LONGEST_VALUE = 200
"""Lines of one value."""
_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}\b|\bsk-[A-Za-z0-9_-]{20,}\b"
    r"|\bhf_[A-Za-z0-9]{20,}\b|\bglpat-[A-Za-z0-9_-]{20,}\b|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'<>]+")
_FILES = (".env*", "*.env", "*.kdbx", ".dockerconfigjson", "wp-config*",
          "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa*", "id_dsa*",
          "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".npmrc", ".pypirc", ".htpasswd", "credentials",
          "credentials.*", "*secret*", "*.tfvars", "*.tfstate", "service-account*.json", "kubeconfig*")  # fmt: skip


def secret_file(path: str) -> bool:
    """Whether a file by this name usually holds secrets: `.env`, keys, credentials."""
    place = PurePosixPath(path.lower())
    return any(place.match(pattern) for pattern in _FILES) or any(
        part in (".aws", ".ssh", ".gnupg", ".kube", ".docker", "secrets", ".secrets") for part in place.parts
    )


def masked(text: str) -> str:
    """The text without what looks like a secret: assigned to a telling name, of a known form, random, or in an address.

    A line at a time, so that a long text never holds up other threads; a very long line with a telling word goes whole.
    Where a telling name ends its line, the value is looked for in the lines indented below it.
    """
    patch = text.startswith(("diff ", "--- ", "@@ ")) or "\n@@ " in text
    found: list[str] = []
    value_of = _Block()
    for line in _PEM.sub(HIDDEN, text).splitlines(keepends=True):
        head = line[:1] if patch and line[:1] in "+- " else ""
        body = line[len(head) :]
        if value_of.holds(body):
            found.append(f"{head}{_indent(body)}{HIDDEN}\n")
            continue
        value_of = _Block(body)
        found.append(head + _masked_line(body))
    return "".join(found)


class _Block:
    """The lines below a name that ends its line: what it is set to."""

    def __init__(self, line: str = "") -> None:
        short = 0 < len(line) <= _LONGEST_LINE
        self._open = short and _TELLING.search(line) is not None and _OPENED.search(line.rstrip()) is not None
        self._indent = len(_indent(line))
        self._left = _LONGEST_VALUE

    def holds(self, line: str) -> bool:
        """Whether a line belongs to the value."""
        if not self._open or not line.strip() or self._left == 0:
            return False
        deeper = len(_indent(line)) - self._indent
        self._open = deeper > 0 or (deeper == 0 and line.lstrip().startswith("- "))
        self._left -= 1
        return self._open


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _masked_line(line: str) -> str:
    if "://" in line:
        line = _URL.sub(lambda found: _address(found[0]), line)
    line = _KNOWN.sub(HIDDEN, line)
    line = _RANDOM.sub(lambda found: HIDDEN if _is_random(found[0]) else found[0], line)
    if not _TELLING.search(line) and not _BEARER.search(line):
        return line
    if len(line) > _LONGEST_LINE:
        return f"{HIDDEN}\n"
    line = _BEARER.sub(lambda found: f"{found[1] or found[2]} {HIDDEN}", line)
    line = _HANDED.sub(lambda found: f"{found['name']}{HIDDEN}", line)
    return _ASSIGNED.sub(lambda found: f"{found['name']}{HIDDEN}", line)


def _is_random(word: str) -> bool:
    """Whether a long word looks drawn by lot: many different characters of all three kinds."""
    kinds = sum(map(str.isdigit, word)), sum(map(str.isupper, word)), sum(map(str.islower, word))
    shares = [count / len(word) for count in Counter(word).values()]
    return min(kinds) >= 3 and -sum(each * math.log2(each) for each in shares) >= 4.0


def _address(url: str) -> str:
    try:
        return shown(url)
    except ValueError:
        return HIDDEN
