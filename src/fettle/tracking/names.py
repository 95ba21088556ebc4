"""What may name an experiment, a key or a file of a run, and how long texts may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from fettle.core import canonical
from fettle.core.errors import Invalid

MOST_KEY = 250
"""Characters of a parameter's, metric's or tag's name."""
MOST_TEXT_BYTES = 64 << 10
"""Bytes of one parameter or tag; longer texts belong into an artifact."""
MOST_NOTE = 1 << 20
"""Characters of a run's notes."""
MOST_KEYS = 5000
"""Parameters or tags in one call."""
MOST_EXPERIMENT = 500
"""Characters of an experiment's name."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}


def check_experiment(name: str) -> str:
    """Return `name` if it may name an experiment: any printable text of up to 500 characters."""
    return _check("experiment", name, MOST_EXPERIMENT)


def check_key(kind: str, key: str) -> str:
    """Return `key` if it may name a `kind` (parameter, metric, tag): any printable text of up to 250 characters."""
    return _check(kind, key, MOST_KEY)


def check_values(kind: str, values: Mapping[str, Any]) -> None:
    """Refuse parameters or tags that are too many, or of which one has a bad name or is too long."""
    if len(values) > MOST_KEYS:
        raise Invalid(
            f"That are too many {kind}s at once.",
            found=f"{len(values):,}",
            hint=f"At most {MOST_KEYS:,} in a call; a table belongs into an artifact.",
        )
    for key, value in values.items():
        check_key(kind, key)
        size_bytes = len(
            value.encode(errors="replace") if isinstance(value, str) else canonical.encode(value)
        )
        if size_bytes > MOST_TEXT_BYTES:
            raise Invalid(
                f"The {kind} {key!r} is too long.",
                found=f"{size_bytes:,} bytes",
                hint=f"At most {MOST_TEXT_BYTES:,}; keep longer texts as an artifact: run.log_text(…).",
            )


def check_run_id(id: str) -> str:
    """Return `id` if it may be a run's: letters, digits, `_` and `-`, at most 128."""
    if not _RUN_ID.fullmatch(id):
        raise Invalid(
            f"{id[:60]!r} cannot be the id of a run.",
            found="other characters, or too many",
            hint="Use up to 128 letters, digits, '_' and '-', or leave it out.",
        )
    return id


def check_path(path: str) -> str:
    """Return `path` if it may name a file of a run: relative, with `/` between folders, leading nowhere else."""
    if not isinstance(path, str):
        raise Invalid(
            "The name of a run's file is a text.",
            found=f"{type(path).__name__} {path!r}"[:80],
            hint="plots/roc.png",
        )
    parts = path.split("/")
    bad = not path or len(path) > 1000 or "\\" in path or _DRIVE.match(path) or not _seen(path)
    if bad or any(part in ("", ".", "..") for part in parts):
        raise Invalid(
            f"{path[:80]!r} cannot name a file of a run.",
            found="an empty, absolute, climbing or unprintable path",
            hint="Use a relative path such as plots/roc.png",
        )
    return path


def _check(kind: str, name: str, most: int) -> str:
    if not name.strip() or len(name) > most or not _seen(name):
        raise Invalid(
            f"{name[:60]!r} cannot name a {kind}.",
            found="nothing"
            if not name.strip()
            else f"{len(name):,} characters"
            if len(name) > most
            else "control characters",
            hint=f"Use printable text of at most {most} characters.",
        )
    return name


def _seen(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or not any(
        unicodedata.category(each) in _UNSEEN for each in text
    )
