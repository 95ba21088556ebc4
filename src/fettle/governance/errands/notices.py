"""Notices delivered by hand."""

from __future__ import annotations

from fettle.acts import Surface, errand
from fettle.governance.records.notices import Carried, Delivery


@errand("governance.deliver")
def deliver(ws: Surface) -> Carried:
    """Deliver the notices that are due now, from this machine; the server and the keeper do so by themselves."""
    from fettle.governance.carrier import deliver_all

    return deliver_all(ws)


@errand("governance.test")
def test(ws: Surface, subscription: str) -> Delivery:
    """Send a test notice from this machine, at once, and show how it went; also to a subscription that is not active.

    Args:
        subscription: Its id.
    """
    from fettle.governance.carrier import deliver as carried

    parcel = ws.call("governance.take_test", subscription=subscription)
    carried(ws, parcel)
    return ws.call("governance.delivery", delivery=parcel.delivery)
