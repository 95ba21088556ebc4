"""The models a team keeps: versions, the gates they passed, and the aliases that say which one is in use.

Lifecycle: packaging makes a bundle, **the registry gives it a version**, serving follows an alias to it. A version
never changes; what changes is which version an alias names, and every such move is kept with who, when and why.

    version = ws.registry.register("fraud", bundle=digest, metrics={"accuracy": 0.91}, gates=gates)
    ws.registry.promote("fraud", version.version, reason="beats the champion on every slice")
    ws.registry.alias("fraud", "champion")        # what endpoints serve
    ws.registry.rollback("fraud", reason="latency")
    ws.registry.history("fraud", "champion")
    ws.registry.protect("fraud", approvals=2)     # from now on two people agree first
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.registry.checks import ApprovalMissing as ApprovalMissing
    from fettle.registry.records import AliasChange as AliasChange
    from fettle.registry.records import ApprovalRequest as ApprovalRequest
    from fettle.registry.records import Condition as Condition
    from fettle.registry.records import GateResult as GateResult
    from fettle.registry.records import Model as Model
    from fettle.registry.records import ModelVersion as ModelVersion
    from fettle.registry.records import Protection as Protection

_NOUNS = ["AliasChange", "ApprovalRequest", "Condition", "GateResult", "Model", "ModelVersion", "Protection"]

__all__ = [
    "AliasChange",
    "ApprovalMissing",
    "ApprovalRequest",
    "Condition",
    "GateResult",
    "Model",
    "ModelVersion",
    "Protection",
]

__getattr__, __dir__ = lazy_exports(
    __name__, {**dict.fromkeys(_NOUNS, ".records"), "ApprovalMissing": ".checks"}
)
