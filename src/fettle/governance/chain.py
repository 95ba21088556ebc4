"""Verify the audit chain: has anything been changed, removed or slipped in?"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fettle.acts import AuditEntry
from fettle.acts.store import GENESIS, hash_of
from fettle.governance.records import Verdict


def check(entries: Iterable[AuditEntry], head: tuple[int, str]) -> Verdict:
    """Walk a chain from its beginning.

    Each entry's hash covers all its fields and the hash before it, so a change anywhere shows there; the recorded head
    shows that nothing was cut off at the end. Who can rewrite the whole database could rewrite the whole chain: keep
    the head's hash somewhere else to notice even that.

    Args:
        entries: In order, from number 1.
        head: The number and hash that the chain must end in.
    """
    seq, previous = 0, GENESIS
    for entry in entries:
        problem = _problem(entry, seq, previous)
        if problem:
            return Verdict(whole=False, entries=seq, head=previous, broken_at=seq + 1, problem=problem)
        seq, previous = entry.seq, entry.hash
    if (seq, previous) != head:
        problem = f"the chain ends with entry {seq}, but {head[0]} entries were written"
        return Verdict(whole=False, entries=seq, head=previous, broken_at=seq + 1, problem=problem)
    return Verdict(whole=True, entries=seq, head=previous)


def _problem(entry: AuditEntry, seq: int, previous: str) -> str:
    if entry.seq != seq + 1:
        return f"entry {seq + 1} is missing; {entry.seq} follows"
    if entry.previous != previous:
        return "it does not follow the entry before it"
    if entry.hash != hash_of(msgspec.structs.asdict(entry)):
        return "its content does not match its hash"
    return ""
