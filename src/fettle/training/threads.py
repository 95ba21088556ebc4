"""Keep numeric libraries to one thread while we fit and predict.

OpenMP's threads wait for each other by spinning. Where other work wants the cores too, as an endpoint does while its
next model is being trained, a fit on two threads was measured to take ten times as long as on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit OpenMP and BLAS to one thread inside the block."""
    with _controller().limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
