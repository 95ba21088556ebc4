"""Subjects: where they occur, and their erasure."""

from __future__ import annotations

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import NotFound
from fettle.privacy.records import Certificate, Subject


@act("privacy.show_subject", reads=True, needs=Role.EDITOR)
def show_subject(ctx: Context, subject: str) -> Subject:
    """Show where a subject occurs, by its random name.

    Args:
        subject: Its name, `subj-…`, as it stands in encrypted values.
    """
    return _subject(ctx, subject)


@act("privacy.destroy", needs=Role.ADMIN)
def destroy(ctx: Context, subject: str, reason: str = "", *, remember: bool = True) -> Certificate:
    """Destroy the key of a subject: whatever it encrypts is unreadable from now on, in all history.

    Destroying it again gives the first certificate.

    Args:
        subject: Its random name; never an identifier, for this is written into the audit for good.
        reason: Why, such as the number of the request; no personal data.
        remember: Keep the keyed hash of the identifier, so that the person is not ingested again by mistake. Without
            it nothing knows the identifier, and the same identifier ingested later is a new subject.
    """
    from fettle.privacy import store

    found = _subject(ctx, subject)
    if found.erased_at is not None:
        return store.list_certificates(ctx.tx, subject)[0]
    certificate = Certificate(
        id=ids.event_id(ctx.now),
        subject=subject,
        at=ctx.now,
        by=ctx.actor,
        reason=reason,
        seen=found.seen,
        vaulted=found.vaulted,
        remembered=remember,
    )
    ctx.tx.scrub()
    store.destroy_subject(ctx.tx, subject, ctx.now, forget="" if remember else f"forgotten:{subject}")
    store.add_certificate(ctx.tx, certificate)
    datasets = sorted({each.dataset for each in found.seen})
    ctx.emit("privacy.erased", f"subject:{subject}", certificate=certificate.id, datasets=datasets)
    return certificate


@act("privacy.certificates", reads=True, needs=Role.EDITOR)
def certificates(ctx: Context, subject: str = "") -> list[Certificate]:
    """List erasure certificates, newest first.

    Args:
        subject: Only of this subject; empty: all.
    """
    from fettle.privacy import store

    return store.list_certificates(ctx.tx, subject)


def _subject(ctx: Context, subject: str) -> Subject:
    from fettle.privacy import store

    found = store.find_subject(ctx.tx, subject)
    if found is None:
        raise NotFound(
            f"There is no subject {subject[:40]!r}.",
            hint="A subject is named subj-…; `fettle privacy subject` finds it by its identifier.",
            subject="subject",
        )
    return found
