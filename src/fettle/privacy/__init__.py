"""Privacy: what in a table is personal, and how it is masked, kept apart and erased.

Lifecycle: rows come in → **what is personal is masked by policy, before anything is written** → data keeps the rest.

    fettle privacy scan customers.csv --dataset customers     # what is personal? a person confirms it
    fettle privacy confirm customers email
    fettle privacy rule customers email encrypt --subject customer_id
    masking.apply(ws, "customers", frame)                     # at every ingest
    ws.privacy.erase("C-1042", reason="request 17")           # gone from all history; no commit changes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.privacy.records import Anonymity as Anonymity
    from fettle.privacy.records import Certificate as Certificate
    from fettle.privacy.records import Classified as Classified
    from fettle.privacy.records import Finding as Finding
    from fettle.privacy.records import Policy as Policy
    from fettle.privacy.records import PolicyVersion as PolicyVersion
    from fettle.privacy.records import Scan as Scan
    from fettle.privacy.records import Standing as Standing
    from fettle.privacy.records import Subject as Subject

__all__ = [
    "Anonymity",
    "Certificate",
    "Classified",
    "Finding",
    "Policy",
    "PolicyVersion",
    "Scan",
    "Standing",
    "Subject",
]

__getattr__, __dir__ = lazy_exports(__name__, {name: ".records" for name in __all__})
