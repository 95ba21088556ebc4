"""Keys and vault entries on their way in and out, always wrapped.

These acts serve the errands of privacy and the ingest of data. What they carry must not outlive an erasure, so it is
written neither into the audit nor into kept answers: a wrapped key in the audit chain could never be destroyed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from fettle.acts import Context, Role, act
from fettle.core.errors import Conflict
from fettle.privacy.records import DomainKey, Enrolled, Sealed, VaultEntry, Wrapped

Page = msgspec.Meta(max_length=5000)


@act("privacy.keep_domain", audited=False, keeps_answer=False)
def keep_domain(ctx: Context, key: DomainKey) -> DomainKey:
    """Keep the wrapped key of a domain unless it has one, and give back the one that holds.

    Args:
        key: The key to keep if there is none.
    """
    from fettle.privacy import store

    known = store.find_domain_key(ctx.tx, key.domain)
    if known is None:
        _check_master(ctx, {key.master})
        store.add_domain_key(ctx.tx, key, ctx.now)
        ctx.emit("privacy.domain_made", f"domain:{key.domain}", master=key.master)
    return known or key


@act("privacy.domains", reads=True, needs=Role.EDITOR)
def domains(ctx: Context) -> list[DomainKey]:
    """List the key domains, with their keys as the master key wraps them."""
    from fettle.privacy import store

    return store.list_domain_keys(ctx.tx)


@act("privacy.enrol", audited=False, keeps_answer=False)
def enrol(ctx: Context, subjects: Annotated[list[Sealed], Page]) -> list[Enrolled]:
    """Make subjects known, unless they are, and lend their keys to whoever knows the identifiers.

    Args:
        subjects: Proposals; at most 5,000.
    """
    from fettle.privacy import store

    _check_master(ctx, {each.master for each in subjects})
    store.add_subjects(ctx.tx, subjects, ctx.now)
    return store.find_subjects(ctx.tx, [each.lookup for each in subjects])


@act("privacy.known", reads=True, needs=Role.EDITOR)
def known(ctx: Context, lookups: Annotated[list[str], Page]) -> list[Enrolled]:
    """Show which subjects are known, by the keyed hashes of their identifiers.

    Args:
        lookups: The hashes; at most 5,000.
    """
    from fettle.privacy import store

    return store.find_subjects(ctx.tx, lookups)


@act("privacy.sight", audited=False)
def sight(ctx: Context, dataset: str, column: str, rows: dict[str, int]) -> int:
    """Note that rows of subjects came into a dataset.

    Args:
        dataset: Which.
        column: The column that names the subject.
        rows: Subject → rows.
    """
    from fettle.privacy import store

    store.add_sightings(ctx.tx, dataset, column, rows, ctx.now)
    return len(rows)


@act("privacy.deposit", audited=False, keeps_answer=False)
def deposit(ctx: Context, entries: Annotated[list[VaultEntry], Page]) -> dict[str, str]:
    """Put sealed values into the vault unless they are there; lookup → token that holds.

    Args:
        entries: The sealed values; at most 5,000.
    """
    from fettle.privacy import store

    store.add_entries(ctx.tx, entries, ctx.now)
    return store.tokens_of(ctx.tx, [each.lookup for each in entries])


@act("privacy.wrapped", reads=True, needs=Role.ADMIN)
def wrapped(ctx: Context, master: str, *, limit: int = 1000) -> Wrapped:
    """List living keys that another master key wraps.

    Args:
        master: The master key's id.
        limit: At most so many keys of subjects.
    """
    from fettle.privacy import store

    domains = [each for each in store.list_domain_keys(ctx.tx) if each.master != master]
    return Wrapped(domains, store.list_subject_keys(ctx.tx, not_under=master, limit=max(0, limit)))


@act("privacy.rewrap", needs=Role.ADMIN, audited=False, keeps_answer=False)
def rewrap(ctx: Context, keys: Wrapped) -> int:
    """Put newly wrapped keys in the place of the old; how many.

    Args:
        keys: The same keys, wrapped anew.
    """
    from fettle.privacy import store

    store.rewrap_domains(ctx.tx, keys.domains)
    store.rewrap_subjects(ctx.tx, keys.subjects)
    return len(keys.domains) + len(keys.subjects)


@act("privacy.settle", needs=Role.ADMIN)
def settle(ctx: Context, master: str) -> str:
    """Write down that a master key wraps all keys from now on.

    Args:
        master: Its id.
    """
    from fettle.privacy import store

    left = store.count_wrapped(ctx.tx, not_under=master)
    if left:
        raise Conflict(
            f"{left} keys are still wrapped under another master key.",
            hint="Run `fettle privacy rotate` again.",
        )
    ctx.emit("privacy.rotated", "privacy", master=master)
    return master


def _check_master(ctx: Context, masters: set[str]) -> None:
    """Refuse keys wrapped by a master key that was replaced meanwhile: nobody could open them soon."""
    from fettle.privacy import store

    present = {each.master for each in store.list_domain_keys(ctx.tx)}
    if present and not masters <= present:
        raise Conflict(
            "The master key was replaced meanwhile.",
            found=f"keys wrapped by {', '.join(sorted(masters - present))}; in use: {', '.join(sorted(present))}",
            hint="Start again with the new key.",
        )
