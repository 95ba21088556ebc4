"""When a notice that did not arrive is tried again."""

from __future__ import annotations

import random
from datetime import timedelta

RETRIES_S = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400)
"""Waits after the first, second, … failed attempt, in seconds; after the last one it is given up, about 32 hours on."""

MOST_ATTEMPTS = len(RETRIES_S) + 1
LEASE = timedelta(seconds=120)
"""So long a notice belongs to whoever took it; if nothing is heard by then (a kill), it is due again."""


def wait(attempts: int, chance: random.Random) -> timedelta | None:
    """How long to wait after `attempts` failed ones, with up to a tenth of chance; None to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return timedelta(seconds=RETRIES_S[max(0, attempts - 1)] * (1 + chance.random() / 10))
