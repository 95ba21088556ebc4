"""Who carries notices: a thread beside the server and the keeper; any number of them, on any number of machines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fettle.core.errors import FettleError
from fettle.governance.channels import carry
from fettle.governance.records.notices import Carried, Parcel

if TYPE_CHECKING:
    from fettle.acts import Surface

AT_ONCE = 8
IDLE_S = 1.0


def step(ws: Surface) -> Carried:
    """Carry what is due now, some of it at the same time; a kill in between costs nothing but a repetition.

    A notice is taken, sent and settled. Killed before it was settled, it is due again after two minutes, under the same
    id: receivers see it at least once, and know it again.
    """
    if not ws.call("governance.due"):
        return Carried()
    parcels: list[Parcel] = ws.call("governance.take", most=AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="carrier") as pool:
        arrived = list(pool.map(lambda parcel: deliver(ws, parcel), parcels))
    return Carried(delivered=sum(arrived), postponed=len(arrived) - sum(arrived))


def deliver(ws: Surface, parcel: Parcel) -> bool:
    """Send one notice and note how it went."""
    good, code, said = carry(parcel)
    ws.call(
        "governance.settle", delivery=parcel.delivery, attempt=parcel.attempt, good=good, code=code, said=said
    )
    return good


def deliver_all(ws: Surface) -> Carried:
    """Carry until nothing is due any more."""
    delivered = postponed = 0
    while ws.call("governance.due"):
        done = step(ws)
        delivered, postponed = delivered + done.delivered, postponed + done.postponed
    return Carried(delivered, postponed)


class Carrier:
    """A thread that carries notices until it is stopped. Acts never wait for it.

    Args:
        ws: The workspace.
        tell: Told of trouble (a database that is not there), which is tried again.
    """

    def __init__(self, ws: Surface, *, tell: Callable[[str], None] | None = None) -> None:
        self._ws = ws
        self._tell = tell or (lambda _: None)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="carrier", daemon=True)

    def start(self) -> Carrier:
        """Begin."""
        self._thread.start()
        return self

    def stop(self, patience_s: float = 5.0) -> None:
        """End, after what is on its way; what is left is carried by the next one."""
        self._over.set()
        self._thread.join(patience_s)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                done = step(self._ws)
            except FettleError as error:
                self._tell(str(error))
                self._over.wait(10 * IDLE_S)
                continue
            if done == Carried():
                self._over.wait(IDLE_S)
