"""Clean tables by declared operations, fitted on the training rows, the same at the endpoint as offline.

    fitted = fit(operations, train)               # learns means, categories, bounds, …; plain data
    cleaned = fitted.apply(frame)                 # a frame, and a report on what was changed
    fitted.apply_row({"age": None, "city": " Bern "})

Modules a server needs import nothing heavy: `fitted`, `rows`, `cells`, `units`, `reach`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.data.clean.declare import operations_of as operations_of
    from fettle.data.clean.declare import read_operations as read_operations
    from fettle.data.clean.fitted import FittedCleaning as FittedCleaning
    from fettle.data.clean.fitting import fit as fit
    from fettle.data.clean.frames import Cleaned as Cleaned
    from fettle.data.clean.pairs import propose as propose

__all__ = ["Cleaned", "FittedCleaning", "fit", "operations_of", "propose", "read_operations"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "operations_of": ".declare",
        "read_operations": ".declare",
        "fit": ".fitting",
        "FittedCleaning": ".fitted",
        "Cleaned": ".frames",
        "propose": ".pairs",
    },
)
