"""Tokens: secrets that let an actor in with a role. Only their hashes are kept."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.governance.records.oversight import Token
from fettle.governance.store import oversight as store

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

_PREFIX = "fettle_"


def new_secret() -> str:
    """A secret of 256 random bits; its prefix lets scanners find one that was leaked."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """How a secret is kept: its BLAKE3. A slow hash is for passwords; 256 random bits cannot be guessed."""
    return ids.digest(secret.encode("utf-8", "surrogateescape"))


def identify(tx: Transaction, secret: str, *, now: datetime) -> Token | None:
    """The token a secret belongs to; None if it is unknown, revoked or expired."""
    token = store.find_secret(tx, hash_of(secret))
    if token is None or token.revoked_at is not None:
        return None
    return None if token.expires_at is not None and token.expires_at <= now else token


def any_token(tx: Transaction) -> bool:
    """Whether there is a token that was not revoked: from then on every request must carry one, expired or not."""
    return store.count_tokens(tx) > 0
