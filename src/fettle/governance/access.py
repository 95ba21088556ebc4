"""Tokens: secrets that let an actor in with a role. Only their hashes are kept."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from fettle.core import ids
from fettle.core.errors import Invalid
from fettle.governance.records.oversight import Token
from fettle.governance.store import oversight as store

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

MOST_ACTOR = 250
_PREFIX = "fettle_"


def check_actor(actor: str) -> str:
    """Return `actor` if it may name somebody: printable text that cannot be taken for another name at first sight.

    Raises:
        Invalid: It is empty, too long, or has spaces, unseen characters, or letters of another width.
    """
    plain = unicodedata.normalize("NFKC", actor)
    unseen = any(unicodedata.category(each)[0] in "CZ" for each in actor)
    if not actor or len(actor) > MOST_ACTOR or plain != actor or unseen:
        raise Invalid(
            f"{actor[:60]!r} cannot name an actor.",
            found="no characters, too many, spaces, or ones that are unseen or stand for others",
            hint="Write user:NAME or service:NAME, for example user:ada",
        )
    return actor


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
