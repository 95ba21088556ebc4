"""How a notice proves where it comes from: the scheme of Standard Webhooks (standardwebhooks.com, version 1).

Signed are the delivery's id, the time and the body, joined by dots, with HMAC-SHA256. A receiver calls `verify`, or
does the same in a few lines of any language.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from fettle.core.errors import Denied

REPLAY_WINDOW_S = 300
"""A request whose time is further away than this should be refused: it may be one that somebody recorded."""

_PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of 256 random bits in the form that libraries for Standard Webhooks take."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, delivery: str, at_s: int, body: str) -> dict[str, str]:
    """The headers of a signed notice.

    Args:
        secret: The subscription's.
        delivery: The delivery's id, the same for every attempt.
        at_s: Seconds since 1970.
        body: What is sent.
    """
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{signature(secret, f'{delivery}.{at_s}.{body}')}",
    }


def signature(secret: str, signed: str) -> str:
    """The HMAC-SHA256 of a text in base64."""
    return base64.b64encode(hmac.digest(_key(secret), signed.encode(), hashlib.sha256)).decode()


def verify(secret: str, headers: Mapping[str, str], body: str, *, now_s: float) -> str:
    """Check a request that came in, on the receiver's side; the delivery's id, by which it knows a repetition.

    Args:
        secret: The subscription's.
        headers: The request's, in any letter case.
        body: Exactly as it came.
        now_s: The receiver's time, in seconds since 1970.

    Raises:
        Denied: It was not signed with the secret, or is older or newer than five minutes.
    """
    given = {key.lower(): value for key, value in headers.items()}
    delivery, at, signed = (given.get(f"webhook-{each}", "") for each in ("id", "timestamp", "signature"))
    expected = signature(secret, f"{delivery}.{at}.{body}")
    told = [each.partition(",")[2] for each in signed.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(each.encode(), expected.encode()) for each in told):
        raise Denied("The request was not signed with this secret.")
    if not at.isdecimal() or abs(now_s - int(at)) > REPLAY_WINDOW_S:
        raise Denied("The request is too old, or from the future.", found=f"webhook-timestamp {at[:20]}")
    return delivery


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass  # somebody's own text that only begins so
    return secret.encode()
