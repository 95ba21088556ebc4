"""Times as other tools write them."""

from __future__ import annotations

import math

_LAST_S = 253_402_300_799
"""The end of the year 9999, the last that a date can say."""


def microseconds_of(seconds: float) -> int:
    """Seconds since 1970 as whole microseconds; 0 for what is no time.

    Example:
        >>> microseconds_of(1.5), microseconds_of(float("nan")), microseconds_of(1e300)
        (1500000, 0, 0)
    """
    return round(seconds * 1e6) if math.isfinite(seconds) and 0 <= seconds <= _LAST_S else 0
