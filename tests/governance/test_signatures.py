from __future__ import annotations

import pytest

from fettle.core.errors import Denied
from fettle.governance import signatures


def test_the_published_example_of_standard_webhooks() -> None:
    """The example in the documentation of the Standard Webhooks libraries."""
    signed = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    assert (
        signatures.signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed)
        == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_what_was_signed_is_verified_and_nothing_else() -> None:
    secret, body = signatures.new_secret(), '{"kind":"registry.promoted"}'
    headers = signatures.headers(secret, "d-1", 1_700_000_000, body)
    upper = {key.title(): value for key, value in headers.items()}
    assert signatures.verify(secret, upper, body, now_s=1_700_000_100) == "d-1"
    for now_s in (1_700_000_000 + 301, 1_700_000_000 - 301):
        with pytest.raises(Denied, match="too old"):
            signatures.verify(secret, headers, body, now_s=now_s)
    for changed, text in (
        ({**headers, "webhook-id": "d-2"}, body),
        ({**headers, "webhook-timestamp": "1700000001"}, body),
        ({**headers, "webhook-timestamp": "soon"}, body),
        ({**headers, "webhook-signature": ""}, body),
        (headers, body + " "),
        ({}, body),
    ):
        with pytest.raises(Denied):
            signatures.verify(secret, changed, text, now_s=1_700_000_000)
    with pytest.raises(Denied):
        signatures.verify(signatures.new_secret(), headers, body, now_s=1_700_000_000)


def test_a_secret_of_ones_own_need_not_have_the_form() -> None:
    for secret in ("plain words", "whsec_not base64!", "ключ"):
        headers = signatures.headers(secret, "d", 1, "{}")
        assert signatures.verify(secret, headers, "{}", now_s=1) == "d"
