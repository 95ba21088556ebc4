"""What is known of the operations of journals: the answers that were kept under their idempotency keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fettle.acts.store import answers
from fettle.core.canonical import encode
from fettle.tracking.store.gathered import among

if TYPE_CHECKING:
    from datetime import datetime

    from fettle.storage.ports import Transaction


_KNOWN = sa.select(answers.c.key).where(among(answers.c.key, sa.bindparam("some", type_=sa.Text)))


def known_keys(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of the idempotency keys that were used."""
    return set(tx.execute(_KNOWN, {"some": encode(keys).decode()}).scalars())


def claim_keys(tx: Transaction, keys: Sequence[str], request: str, at: datetime) -> None:
    """Use idempotency keys that are not used yet; nothing is answered under them."""
    rows = [{"key": each, "request": request, "answer": "null", "at": at} for each in keys]
    if rows:
        tx.execute(answers.insert(), rows)
