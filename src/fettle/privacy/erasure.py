"""Erasure: a subject's key is destroyed, and with it everything in all history that only it opens.

No commit, file or hash changes: the address of encrypted rows is the hash of their ciphertext.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fettle.privacy.records import Certificate
from fettle.privacy.subjects import PREFIX, Keyring

if TYPE_CHECKING:
    from fettle.acts import Surface


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did, and what it could not reach.

    Attributes:
        certificates: One for each subject that the identifier stood for, usually one.
        notes: What was done in other rooms, and what is left to do outside.
    """

    certificates: list[Certificate]
    notes: list[str]

    def lines(self) -> list[str]:
        """The erasure as lines for a terminal."""
        lines = []
        for each in self.certificates:
            where = ", ".join(f"{seen.dataset} ({seen.rows:,} rows)" for seen in each.seen) or "no dataset"
            lines.append(f"erased {each.subject} at {each.at:%Y-%m-%d %H:%M:%S} UTC, certificate {each.id}")
            lines.append(f"  unreadable now: {where}; {each.vaulted} vault entries")
        return lines + [f"  note: {each}" for each in self.notes]

    def as_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


def erase(
    ws: Surface, identifier: str, *, reason: str = "", domain: str = "", remember: bool = True
) -> Erased:
    """Erase a person by an identifier, which stays on this side: only the random name goes into the audit.

    Args:
        ws: The workspace.
        identifier: As it stands in the subject's column, or the subject's random name.
        reason: Why; no personal data, for the audit keeps it.
        domain: Only the subject of this key domain; empty: of all, for it is the same person.
        remember: Keep the keyed hash of the identifier, so that the person is not ingested again by mistake.

    Raises:
        NotFound: No subject has the identifier.
        Denied: The actor is no administrator.
    """
    names = Keyring(ws).find(identifier, domain)
    made = [ws.call("privacy.destroy", subject=each, reason=reason, remember=remember) for each in names]
    plain = "" if identifier.startswith(PREFIX) else identifier
    return Erased(made, [*_copies(ws, names, plain), *_left(ws)])


def _copies(ws: Surface, names: list[str], identifier: str) -> list[str]:
    """Have every room that keeps copies of rows drop the person's: those with an errand `forget`."""
    told: list[str] = []
    for room in ws.catalog.rooms:
        found = ws.catalog.find_errand(f"{room}.forget")
        if found is not None:
            told += found.function(ws, names, identifier=identifier)
    return told


def _left(ws: Surface) -> list[str]:
    """What may hold the destroyed key, wrapped: copies of the database."""
    notes = [
        "copies of the database made before still hold the key, wrapped: `fettle privacy rotate` makes them useless"
    ]
    folder = ws.folder / "backups"
    kept = sorted(folder.glob("*.db")) if "://" not in ws.url and folder.is_dir() else []
    if kept:
        notes.append(f"such copies are in {folder}: {', '.join(each.name for each in kept)}")
    return notes
