"""Make synthetic tables: from a schema alone, or learnt from a real table by a Gaussian copula.

learnt = learn(frame, k=5, target="churned")          # plain data: quantiles, shares, correlations; no row
made = sample(learnt, 10_000, seed=1)
fidelity(made, held_out, train, target="churned"), privacy(made, train, held_out)
invent(schema, 10_000, seed=1)                        # where no real row may be looked at
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.data.synthesis.inventing import invent as invent
    from fettle.data.synthesis.learning import learn as learn
    from fettle.data.synthesis.likeness import fidelity as fidelity
    from fettle.data.synthesis.nearness import privacy as privacy
    from fettle.data.synthesis.sampling import sample as sample

__all__ = ["fidelity", "invent", "learn", "privacy", "sample"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "fidelity": ".likeness",
        "invent": ".inventing",
        "learn": ".learning",
        "privacy": ".nearness",
        "sample": ".sampling",
    },
)
