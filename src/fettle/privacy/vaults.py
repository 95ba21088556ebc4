"""The vault: random tokens in the data, the values sealed in the database, each findable and erasable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from fettle.privacy.cells import ERASED
from fettle.privacy.ciphers import Cipher, keyed_hash
from fettle.privacy.records import Vault, VaultEntry
from fettle.privacy.subjects import Domain, Keyring, new_name, pages
from fettle.privacy.treatments.texts import as_text

if TYPE_CHECKING:
    from fettle.acts import Surface


def deposit(
    ws: Surface,
    values: pl.Series,
    rule: Vault,
    domain: Domain,
    subjects: pl.Series | None,
    keys: Mapping[str, bytes],
) -> pl.Series:
    """Put values into the vault and their tokens into the column.

    Args:
        ws: The workspace.
        values: What to keep.
        rule: The rule.
        domain: Whose keys find values again, and seal those that belong to nobody.
        subjects: Random name of each row's subject, whose key seals the value; None: values belong to nobody.
            Where it is null the subject is erased, and the token becomes missing.
        keys: Name → key.
    """
    owners = (
        subjects if subjects is not None else pl.Series([""], dtype=pl.String).new_from_index(0, len(values))
    )
    pairs = pl.DataFrame({"who": owners, "text": as_text(values)})
    different = pairs.drop_nulls().unique()
    finding = domain.key("vault lookup")
    lookups = [keyed_hash(finding, who, text).hex() for who, text in different.iter_rows()]
    entries = [
        VaultEntry(
            token=new_name(rule.prefix),
            domain=domain.name,
            lookup=lookup,
            sealed=_cipher(who, keys, domain, lookup).seal(text.encode("utf-8")),
            subject=who,
        )
        for lookup, (who, text) in zip(lookups, different.iter_rows(), strict=True)
    ]
    tokens: dict[str, str] = {}
    for page in pages(entries):
        tokens |= ws.call("privacy.deposit", entries=page)
    made = pl.Series([tokens[each] for each in lookups], dtype=pl.String)
    joined = pairs.join(
        different.with_columns(token=made), on=["who", "text"], how="left", maintain_order="left"
    )
    return joined.get_column("token").alias(values.name)


def reveal(ws: Surface, tokens: list[str], reason: str) -> dict[str, str]:
    """Token → value, for tokens that are in the vault; `[erased]` where the value is gone.

    Raises:
        Denied: The actor is no approver.
    """
    ring = Keyring(ws)
    found: dict[str, str] = {}
    for page in pages(tokens, 1000):
        answer = ws.call("privacy.unseal", tokens=page, reason=reason)
        wrapped = {each.subject: each for each in answer.keys if each.sealed}
        keys = {name: ring.opened(name, each.sealed, each.master) for name, each in wrapped.items()}
        for entry in answer.entries:
            gone = not entry.sealed or (entry.subject and entry.subject not in keys)
            found[entry.token] = ERASED if gone else _value(entry, ring.domain(entry.domain), keys)
    return found


def _value(entry: VaultEntry, domain: Domain, keys: Mapping[str, bytes]) -> str:
    plain = _cipher(entry.subject, keys, domain, entry.lookup).open(entry.sealed)
    return ERASED if plain is None else plain.decode("utf-8")


def _cipher(subject: str, keys: Mapping[str, bytes], domain: Domain, lookup: str) -> Cipher:
    """Under the subject's key, or under the domain's where the value belongs to nobody."""
    return Cipher(keys[subject] if subject else domain.key("vault"), f"vault:{lookup}")
