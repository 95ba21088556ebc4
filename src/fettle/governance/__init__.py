"""Who may do what, who did what, and where everything came from.

Lifecycle: every room writes an audit entry with each change; **governance reads them all**: the chain is verified, a
model version is followed back to its rows and forward to its endpoints, and a card is written from the records.

    ws.governance.audit(limit=20)
    ws.governance.verify()                       # is the chain whole?
    ws.governance.lineage("model:fraud@3")
    print(ws.governance.card("fraud", 3).text)
    ws.governance.grant("user:ada", "approver").secret
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.governance.records import Card as Card
    from fettle.governance.records import Lineage as Lineage
    from fettle.governance.records import NewToken as NewToken
    from fettle.governance.records import Token as Token
    from fettle.governance.records import Verdict as Verdict

__all__ = ["Card", "Lineage", "NewToken", "Token", "Verdict"]

__getattr__, __dir__ = lazy_exports(__name__, {name: ".records" for name in __all__})
