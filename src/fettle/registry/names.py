"""What may name a model or an alias."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.evaluation.records import GateResult
from fettle.tracking.names import check_key, check_values

MOST = 256
"""Characters of a model's name."""
MOST_DESCRIPTION = 100_000
"""Characters of a description."""
MOST_REASON = 10_000
"""Characters of a reason or of what a gate said."""
MOST_ORIGIN = 500
"""Characters of what names a run, a dataset or a commit."""
MOST_GATES = 1000

_RESERVED = re.compile(r"latest|v?\d+|[0-9a-f]{8,64}", re.IGNORECASE)
_DIVIDERS = frozenset("/\\:@?#%*")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def check_model(name: str) -> str:
    r"""Return `name` if it may name a model: printable text of up to 256 characters without what divides references.

    Raises:
        Invalid: It is empty, too long, or has `/ \ : @ ? # % *` or control characters.
    """
    bad = sorted(_DIVIDERS.intersection(name))
    if name.strip() != name or not name or len(name) > MOST or bad or ".." in name or not _seen(name):
        raise Invalid(
            f"{name[:60]!r} cannot name a model.",
            found=f"it has {' '.join(bad)}"
            if bad
            else "an empty or too long name, outer spaces, '..' or control characters",
            hint=f"Use printable text of at most {MOST} characters without / \\ : @ ? # % *",
        )
    return name


def check_alias(alias: str) -> str:
    """Return `alias` if it may name a version: a name that is not itself a number, a digest or `latest`.

    Raises:
        Invalid: It cannot.
    """
    ids.check_name("alias", alias)
    if _RESERVED.fullmatch(alias):
        raise Invalid(
            f"{alias!r} cannot be an alias.",
            found="`latest`, a number, or what reads as a digest: these name versions already",
            hint="Use a word, such as champion or staging.",
        )
    return alias


def check_bundle(digest: str) -> str:
    """Return `digest` if it may be the digest of a bundle.

    Raises:
        Invalid: It is none: 64 characters of 0-9 and a-f.
    """
    if not _DIGEST.fullmatch(digest):
        raise Invalid(
            "A version needs a bundle.",
            found=f"{digest[:80]!r}, which is no digest",
            hint="Store the bundle first: digest = fettle.packaging.store(ws.blobs, bundle)",
        )
    return digest


def check_description(text: str) -> str:
    """Return `text` if it may be a description."""
    return _check_text("description", text, MOST_DESCRIPTION)


def check_reason(text: str) -> str:
    """Return `text` if it may be a reason: it is kept with what was done, and shown wherever that is listed."""
    return _check_text("reason", text, MOST_REASON)


def check_origin(metrics: Mapping[str, float], gates: Sequence[GateResult], **names: str | None) -> None:
    """Refuse what is said of where a version came from if it is too much.

    Args:
        metrics: Metric and value.
        gates: What each gate said.
        **names: What a run, dataset or commit is called; None where there is none.
    """
    check_values("metric", metrics)
    if len(gates) > MOST_GATES:
        raise Invalid("That are too many gates.", found=f"{len(gates):,}", hint=f"At most {MOST_GATES:,}.")
    for gate in gates:
        check_key("gate", gate.name)
        check_reason(gate.detail)
    for what, name in names.items():
        _check_text(what, name or "", MOST_ORIGIN)


def _check_text(what: str, text: str, most: int) -> str:
    if len(text) > most or "\0" in text:
        raise Invalid(
            f"This cannot be a {what.replace('_', ' ')}.",
            found="a null character" if "\0" in text else f"{len(text):,} characters",
            hint=f"Use at most {most:,} characters.",
        )
    return text


def _seen(text: str) -> bool:
    return not any(unicodedata.category(each) in _UNSEEN for each in text)
