"""The language in which runs are searched: text in, tree out; `store.search` finds what the tree describes.

    metrics.loss.min < 0.3 and (params.model in ("tree", "forest") or tags.owner like "a%")
        and started > "2026-01-01" and dataset = "churn@v3" and not archived

`syntax` holds the grammar, `fields` what can be looked at, `values` what it may be compared with; `mlflow` reads
MLflow's filters exactly as MLflow does, of which this language is a superset; `names` knows what other tools call it.

    from fettle.tracking import search
    search.parse("metrics.loss < 0.3")
    search.parse("attributes.start_time > 1664067852747", dialect="mlflow")
    search.parse_order(["-metrics.loss", "name"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.tracking.search.names import has_other_names as has_other_names
    from fettle.tracking.search.reading import Dialect as Dialect
    from fettle.tracking.search.reading import mentions as mentions
    from fettle.tracking.search.reading import parse as parse
    from fettle.tracking.search.reading import parse_fields as parse_fields
    from fettle.tracking.search.reading import parse_order as parse_order
    from fettle.tracking.search.reading import spelled as spelled

__all__ = ["Dialect", "has_other_names", "mentions", "parse", "parse_fields", "parse_order", "spelled"]

__getattr__, __dir__ = lazy_exports(
    __name__, {**dict.fromkeys(__all__, ".reading"), "has_other_names": ".names"}
)
