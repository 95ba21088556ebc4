"""What stands in plain where a policy wants it masked: asked of rows that did not come by an ingest.

Tokens, vault tokens and encrypted cells are known by their form; what is redacted, shortened, generalised or binned, by
that doing it again changes nothing. Shifted dates and noisy numbers look as the true ones do: they count as masked only
in rows that are seen to be masked elsewhere.
"""

from __future__ import annotations

import re
from typing import Literal

import polars as pl

from fettle.core.errors import Invalid
from fettle.privacy.cells import MARK
from fettle.privacy.records import (
    Bin,
    Drop,
    Encrypt,
    Generalise,
    Keep,
    Noise,
    Partial,
    Redact,
    Rule,
    Shift,
    Standing,
    Token,
    Vault,
)
from fettle.privacy.treatments import texts
from fettle.privacy.treatments.keyless import Keyless, treat

NO_RULE = "no rule"
Form = Literal["masked", "plain", "mixed"]
_ALPHABET = "[a-z2-7]"
_VAULT_LENGTH = 24


def plain_columns(standing: Standing, frame: pl.DataFrame) -> dict[str, str]:
    """Columns with values in plain that the dataset's policy wants otherwise → what it wants.

    Args:
        standing: What holds for the dataset.
        frame: The rows, with whatever other columns.
    """
    found: dict[str, str] = {}
    unclear: dict[str, str] = {}
    seen = False
    for name in frame.columns:
        values = frame.get_column(name)
        rule = standing.policy.rules.get(name) or _default(standing, name)
        if isinstance(rule, Keep) or rule is None or values.null_count() == len(values):
            continue
        masked = _masked(values, rule)
        if masked is None:
            unclear[name] = _wish(standing, name, rule)
        elif masked.all():
            seen = True
        else:
            found[name] = _wish(standing, name, rule)
    return found if seen else found | unclear


def told(found: dict[str, str]) -> str:
    """Such columns in words: `email (personal, token), phone (no rule)`."""
    return ", ".join(f"{name} ({wish})" for name, wish in found.items())


def form_of(standing: Standing, frame: pl.DataFrame) -> Form:
    """Whether rows were masked before: seen by their tokens and encrypted cells; without such they count as plain."""
    kinds: set[bool] = set()
    for name, rule in standing.policy.rules.items():
        if name in frame.columns and isinstance(rule, Token | Vault | Encrypt):
            known = frame.get_column(name).drop_nulls()
            masked = _masked(known, rule)
            kinds |= set() if masked is None else set(masked.unique().to_list())
    return "plain" if True not in kinds else "mixed" if False in kinds else "masked"


def _default(standing: Standing, name: str) -> Rule | None:
    """What is done with a column that a person confirmed as personal and no rule speaks of; `Drop` for a refusal."""
    if name not in standing.careful or standing.policy.unmasked == "keep":
        return None
    return Redact() if standing.policy.unmasked == "redact" else Drop()


def _wish(standing: Standing, name: str, rule: Rule) -> str:
    level = standing.careful.get(name, "")
    words = type(rule).__name__.lower() if name in standing.policy.rules else NO_RULE
    return f"{level}, {words}" if level else words


def _masked(values: pl.Series, rule: Rule) -> pl.Series | None:
    """For each value whether it is missing or masked by the rule; None if that cannot be told."""
    match rule:
        case Shift() | Noise():
            return None
        case Encrypt():
            return _like(values, re.escape(MARK) + r"[^.]+\..+")
        case Vault():
            return _like(values, re.escape(rule.prefix) + _ALPHABET + f"{{{_VAULT_LENGTH}}}")
        case Token():
            return _like(values, re.escape(rule.prefix) + _ALPHABET + f"{{{rule.length}}}")
        case Drop():
            return values.is_null()
        case Redact() | Partial() | Generalise() | Bin():
            return _settled(values, rule)
        case _:
            return values.is_not_null() | True


def _like(values: pl.Series, pattern: str) -> pl.Series:
    return texts.as_text(values).str.contains(f"^{pattern}$").fill_null(value=True)


def _settled(values: pl.Series, rule: Keyless) -> pl.Series:
    """Whether the rule would leave a value as it is; what it no longer suits was changed by it before."""
    try:
        again = treat(values, rule)
    except Invalid:
        return values.is_null() | True
    return texts.as_text(values).eq_missing(texts.as_text(again)) | values.is_null()
