"""Ciphers: AES-SIV (RFC 5297) for values and keys, HMAC-SHA-256 for everything that must be found again.

AES-SIV is deterministic by design: the same plaintext under the same key gives the same ciphertext, so a row ingested
twice has the same bytes and content addressing finds them. It gives away that two values of *one subject* are equal,
and nothing else. No nonce is made up here, so none can be used twice.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 64
"""Of an AES-256-SIV key: one half authenticates, the other encrypts."""

_BLOCK = 16


def new_key(size: int = KEY_BYTES) -> bytes:
    return secrets.token_bytes(size)


def derive(key: bytes, *labels: str) -> bytes:
    """A key for one purpose: HMAC-SHA-512 of the purpose, 64 bytes; different labels give unrelated keys."""
    return hmac.digest(
        key, b"fettle.privacy\x1f" + "\x1f".join(labels).encode("utf-8", "surrogatepass"), "sha512"
    )


def keyed_hash(key: bytes, *parts: str) -> bytes:
    """HMAC-SHA-256 over the parts; lengths go in, so that no two lists of parts meet."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    data = b"".join([len(each).to_bytes(8, "big") + each for each in encoded])
    return hmac.digest(key, data, "sha256")


class Cipher:
    """Seals and opens values under one key.

    Args:
        key: 64 bytes.
        context: What the values belong to; a value sealed in one context does not open in another.
    """

    def __init__(self, key: bytes, context: str) -> None:
        self._siv = AESSIV(key)
        self._context = [context.encode()]

    def seal(self, plain: bytes) -> str:
        """Encrypt, padded to whole blocks of 16 bytes so that short values do not differ in length."""
        padded = plain + b"\x80" + b"\0" * (-(len(plain) + 1) % _BLOCK)
        return base64.urlsafe_b64encode(self._siv.encrypt(padded, self._context)).rstrip(b"=").decode()

    def open(self, sealed: str) -> bytes | None:
        """Decrypt; None if it was sealed under another key or context, or changed."""
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            return self._siv.decrypt(raw, self._context).rstrip(b"\0")[:-1]
        except (InvalidTag, ValueError):
            return None
