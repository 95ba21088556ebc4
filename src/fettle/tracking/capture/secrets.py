"""What may not be recorded: values that look like secrets, and files that hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from fettle.core.urls import HIDDEN, shown

_WORD = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|auth)"
_NAMED = re.compile(rf"(?i)(?:^|[^a-z])[\w.-]{{0,60}}?{_WORD}[\w.-]{{0,60}}$")
_TELLING = re.compile(rf"(?i){_WORD}")
_LONGEST_LINE = 5000
_VALUE = r"""(?: "[^"]{4,}" | '[^']{4,}' | [^\s"',;(){}\[\]]{4,} )"""
_ASSIGNED = re.compile(
    rf"""(?ix) (?P<name> ["']?[\w.-]{{0,40}}{_WORD}[\w.-]{{0,40}}["']? \s*[:=]\s*) {_VALUE}"""
)
_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}\b|\bsk-[A-Za-z0-9_-]{20,}\b"
    r"|\bhf_[A-Za-z0-9]{20,}\b|\bglpat-[A-Za-z0-9_-]{20,}\b|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'<>]+")
_FILES = (".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa*", "id_dsa*",
          "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".npmrc", ".pypirc", ".htpasswd", "credentials",
          "credentials.*", "*secret*", "*.tfvars", "*.tfstate", "service-account*.json", "kubeconfig*")  # fmt: skip


def secret_file(path: str) -> bool:
    """Whether a file by this name usually holds secrets: `.env`, keys, credentials."""
    place = PurePosixPath(path.lower())
    return any(place.match(pattern) for pattern in _FILES) or any(
        part in (".aws", ".ssh", ".gnupg", ".kube") for part in place.parts
    )


def masked(text: str) -> str:
    """The text without what looks like a secret: assigned to a telling name, of a known form, or in an address.

    A line at a time, so that a long text never holds up other threads; a very long line with a telling word goes whole.
    """
    return "".join(map(_masked_line, _PEM.sub(HIDDEN, text).splitlines(keepends=True)))


def _masked_line(line: str) -> str:
    if "://" in line:
        line = _URL.sub(lambda found: _address(found[0]), line)
    line = _KNOWN.sub(HIDDEN, line)
    if not _TELLING.search(line):
        return line
    if len(line) > _LONGEST_LINE:
        return f"{HIDDEN}\n"
    return _ASSIGNED.sub(lambda found: f"{found['name']}{HIDDEN}", line)


def command(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets: also the argument after `--password`."""
    safe: list[str] = []
    hide = False
    for each in arguments:
        name, equals, _ = each.partition("=")
        option = each.startswith("-") and _NAMED.search(name.lstrip("-"))
        if hide and not each.startswith("--"):
            safe.append(HIDDEN)
        else:
            safe.append(f"{name}={HIDDEN}" if equals and _NAMED.search(name.lstrip("-")) else masked(each))
        hide = bool(option and not equals)
    return safe


def _address(url: str) -> str:
    try:
        return shown(url)
    except ValueError:
        return HIDDEN
