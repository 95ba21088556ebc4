"""The nouns of the registry, a module a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.evaluation.records import GateResult as GateResult
    from fettle.registry.records.aliases import AliasChange as AliasChange
    from fettle.registry.records.aliases import AliasUse as AliasUse
    from fettle.registry.records.aliases import Move as Move
    from fettle.registry.records.approvals import Approval as Approval
    from fettle.registry.records.approvals import ApprovalRequest as ApprovalRequest
    from fettle.registry.records.approvals import Protection as Protection
    from fettle.registry.records.holds import ModelHold as ModelHold
    from fettle.registry.records.models import Edit as Edit
    from fettle.registry.records.models import Model as Model
    from fettle.registry.records.models import ModelPage as ModelPage
    from fettle.registry.records.models import VersionPage as VersionPage
    from fettle.registry.records.search import Condition as Condition
    from fettle.registry.records.versions import ModelVersion as ModelVersion
    from fettle.registry.records.versions import RemovedVersion as RemovedVersion

_HOMES = {
    "AliasChange": ".aliases",
    "AliasUse": ".aliases",
    "Approval": ".approvals",
    "ApprovalRequest": ".approvals",
    "Condition": ".search",
    "Edit": ".models",
    "Model": ".models",
    "ModelHold": ".holds",
    "ModelPage": ".models",
    "ModelVersion": ".versions",
    "Move": ".aliases",
    "Protection": ".approvals",
    "RemovedVersion": ".versions",
    "VersionPage": ".models",
}

__all__ = [
    "AliasChange",
    "AliasUse",
    "Approval",
    "ApprovalRequest",
    "Condition",
    "Edit",
    "GateResult",
    "Model",
    "ModelHold",
    "ModelPage",
    "ModelVersion",
    "Move",
    "Protection",
    "RemovedVersion",
    "VersionPage",
]

__getattr__, __dir__ = lazy_exports(__name__, {**_HOMES, "GateResult": "fettle.evaluation.records"})
