"""The nouns of governance, a module a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.governance.records.notices import Carried as Carried
    from fettle.governance.records.notices import Delivery as Delivery
    from fettle.governance.records.notices import NewSubscription as NewSubscription
    from fettle.governance.records.notices import Parcel as Parcel
    from fettle.governance.records.notices import Subscription as Subscription
    from fettle.governance.records.oversight import Card as Card
    from fettle.governance.records.oversight import Lineage as Lineage
    from fettle.governance.records.oversight import Link as Link
    from fettle.governance.records.oversight import NewToken as NewToken
    from fettle.governance.records.oversight import NumberedEvent as NumberedEvent
    from fettle.governance.records.oversight import RoleName as RoleName
    from fettle.governance.records.oversight import Thing as Thing
    from fettle.governance.records.oversight import Token as Token
    from fettle.governance.records.oversight import Verdict as Verdict

_OVERSIGHT = ["Card", "Lineage", "Link", "NewToken", "NumberedEvent", "RoleName", "Thing", "Token", "Verdict"]
_NOTICES = ["Carried", "Delivery", "NewSubscription", "Parcel", "Subscription"]

__all__ = [
    "Card",
    "Carried",
    "Delivery",
    "Lineage",
    "Link",
    "NewSubscription",
    "NewToken",
    "NumberedEvent",
    "Parcel",
    "RoleName",
    "Subscription",
    "Thing",
    "Token",
    "Verdict",
]

__getattr__, __dir__ = lazy_exports(
    __name__, {**dict.fromkeys(_OVERSIGHT, ".oversight"), **dict.fromkeys(_NOTICES, ".notices")}
)
