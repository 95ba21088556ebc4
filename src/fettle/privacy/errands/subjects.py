"""Subjects: where a person occurs, erasure, and the master key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.acts import Surface, errand
from fettle.privacy.records import Subject

if TYPE_CHECKING:
    from fettle.privacy.erasure import Erased
    from fettle.privacy.rotation import Rotated


@errand("privacy.subject", reads=True)
def subject(ws: Surface, subject: str, *, domain: str = "") -> list[Subject]:
    """Show where a person occurs.

    Args:
        subject: The person's identifier, or the subject's name; `@-` reads it from standard input. It stays on this
            machine.
        domain: Only in this key domain; empty: in all.
    """
    from fettle.privacy.subjects import Keyring, given

    return [
        ws.call("privacy.show_subject", subject=each) for each in Keyring(ws).find(given(subject), domain)
    ]


@errand("privacy.erase")
def erase(ws: Surface, subject: str, *, reason: str = "", domain: str = "", forget: bool = False) -> Erased:
    """Erase a person: destroy the key, so that all history is unreadable without changing a commit; not undone.

    Args:
        subject: The person's identifier, or the subject's name; `@-` reads it from standard input. It stays on this
            machine.
        reason: Why, such as the number of the request; the audit keeps it, so no personal data.
        domain: Only in this key domain; empty: in all.
        forget: Forget the keyed hash of the identifier too; the same person ingested later is a new subject then.
    """
    from fettle.privacy import erasure
    from fettle.privacy.subjects import given

    return erasure.erase(ws, given(subject), reason=reason, domain=domain, remember=not forget)


@errand("privacy.rotate")
def rotate(ws: Surface) -> Rotated:
    """Wrap all keys by a new master key and destroy the old one.

    The wrapped keys in old copies of the database are useless then: this is how an erasure reaches backups.
    """
    from fettle.privacy import rotation

    return rotation.rotate(ws)
