"""Endpoints: a registered version behind an HTTP address, every request and answer on record.

In the lifecycle: after `registry` (which says what the alias names), before `monitoring` (which reads the log).

    ws.serving.deploy("fraud", model="fraud")             # follows fraud@champion
    serving.serve(ws, "fraud", port=8000)                  # a worker process; SIGTERM drains it
    # curl -d '{"rows": [{"amount": 12.5}]}' http://127.0.0.1:8000/predict
    for worker, position, record in serving.read(ws.folder / "serving" / "fraud"):
        ...                                                # Prediction and Label records, refusals too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.serving.endpoint import open_server as open_server
    from fettle.serving.endpoint import serve as serve
    from fettle.serving.log import read as read
    from fettle.serving.records import Endpoint as Endpoint
    from fettle.serving.records import Label as Label
    from fettle.serving.records import Prediction as Prediction
    from fettle.serving.records import Traffic as Traffic
    from fettle.serving.records import Worker as Worker

__all__ = ["Endpoint", "Label", "Prediction", "Traffic", "Worker", "open_server", "read", "serve"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Endpoint": ".records",
        "Label": ".records",
        "Prediction": ".records",
        "Traffic": ".records",
        "Worker": ".records",
        "open_server": ".endpoint",
        "read": ".log",
        "serve": ".endpoint",
    },
)
