"""MLflow's REST protocol: its clients, unchanged, log to fettle and read from it.

`calls` reads requests and writes answers, `errors` speaks of failures, `translate` turns records into MLflow's JSON;
every other module answers for one resource and declares its endpoints in a `Book`, and `mount` gathers the books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.protocols.mlflow.mount import routes as routes

__all__ = ["routes"]

__getattr__, __dir__ = lazy_exports(__name__, {"routes": ".mount"})
