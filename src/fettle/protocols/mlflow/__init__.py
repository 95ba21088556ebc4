"""MLflow's REST protocol: its clients, unchanged, log to fettle and read from it.

`calls` reads requests and writes answers, `errors` speaks of failures, `translate` turns records into MLflow's JSON;
every other module answers for one resource and declares its endpoints in a `Book`, `table` gathers the books, `front`
answers what is a JSON call and `mount` what is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.protocols.mlflow.front import Front as Front
    from fettle.protocols.mlflow.mount import routes as routes
    from fettle.protocols.mlflow.table import BOOKS as BOOKS
    from fettle.protocols.mlflow.table import Table as Table

__all__ = ["BOOKS", "Front", "Table", "routes"]

__getattr__, __dir__ = lazy_exports(
    __name__, {"BOOKS": ".table", "Front": ".front", "Table": ".table", "routes": ".mount"}
)
