"""Raise alerts from judged windows: once per endpoint, window and kind, however often a window is judged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from fettle.core import ids
from fettle.data.bins import ReferenceProfile
from fettle.monitoring.absorb import decode
from fettle.monitoring.records import SEVERITIES, Alert, Baseline, Watch, Window
from fettle.monitoring.slots import Slot, slots_a_window
from fettle.monitoring.store import alerts as alert_store
from fettle.monitoring.store import windows as window_store
from fettle.monitoring.store.tables import SlotKey
from fettle.monitoring.store.windows import WindowRow
from fettle.monitoring.verdicts import NOT_ENOUGH, QUALITY_SIGNALS, Finding, findings, window_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fettle.storage.ports import Transaction

Identity = tuple[str, int]
SYSTEM = "service:monitoring"


class Judge:
    """Judges the windows of one endpoint in one transaction.

    Args:
        tx: The transaction of the act.
        watch: How the endpoint is watched.
        baselines: What each served version is held against.
        profiles: The reference profile of each version that has one.
        now: The act's instant.
    """

    def __init__(
        self,
        tx: Transaction,
        watch: Watch,
        baselines: Mapping[Identity, Baseline],
        profiles: Mapping[Identity, ReferenceProfile],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._watch = watch
        self._baselines = baselines
        self._profiles = profiles
        self._now = now

    def due(self) -> tuple[int, list[Alert]]:
        """Judge every window that is due; return how many they were and the alerts that are new."""
        rows = window_store.find_windows(self._tx, self._watch.endpoint, due_at=self._now)
        raised: list[Alert] = []
        for row in rows:
            raised += self._judge(row)
        return len(rows), raised

    def look(self, row: WindowRow) -> tuple[Window, Identity]:
        """Work out a window from its slots, and which version answered last in it."""
        last = row.slot + slots_a_window(self._watch) - 1
        kept = window_store.find_slots(self._tx, self._watch.endpoint, row.slot, last)
        own = [decode(data) for key, (data, _) in kept.items() if key[:2] == (row.model, row.version)]
        newest = max(kept, key=lambda key: kept[key][1], default=SlotKey(row.model, row.version, row.slot))
        identity = (row.model, row.version)
        window = window_of(
            self._watch,
            row.model,
            row.version,
            (row.start_at, row.end_at),
            sum(own, Slot()),
            self._baselines.get(identity),
            self._profiles.get(identity),
            self._now,
        )
        return window, (newest.model, newest.version)

    def _judge(self, row: WindowRow) -> list[Alert]:
        window, newest = self.look(row)
        due_at = (
            row.end_at + timedelta(seconds=self._watch.label_delay_s) if window.status == "waiting" else None
        )
        window_store.put_window(
            self._tx, self._watch.endpoint, SlotKey(row.model, row.version, row.slot), window, due_at
        )
        if newest != (row.model, row.version):
            return []
        if window.verdict != NOT_ENOUGH:
            self._close_mended(window)
        found = findings(self._watch, window, self._earlier(row))
        return [alert for alert in (self._raise(window, each) for each in found) if alert is not None]

    def _earlier(self, row: WindowRow) -> list[Window]:
        length = slots_a_window(self._watch)
        before = window_store.find_windows(
            self._tx, self._watch.endpoint, slots_in=[row.slot - length, row.slot - 2 * length]
        )
        same = [each for each in before if (each.model, each.version) == (row.model, row.version)]
        return [each.window for each in same if each.window is not None]

    def _raise(self, window: Window, finding: Finding) -> Alert | None:
        """Keep a new alert, or make a known one worse; None if nothing new was found."""
        kind, severity, message, evidence = finding
        known = alert_store.alert_of(self._tx, window.endpoint, window.start_at, kind)
        if known is not None:
            if SEVERITIES.index(severity) > SEVERITIES.index(known.severity):
                worse = msgspec.structs.replace(known, severity=severity, message=message, evidence=evidence)
                alert_store.put_alert(self._tx, worse)
            return None
        alert = Alert(
            id=ids.event_id(self._now),
            endpoint=window.endpoint,
            kind=kind,
            severity=severity,
            status="open",
            model=window.model,
            version=window.version,
            start_at=window.start_at,
            end_at=window.end_at,
            at=self._now,
            message=message,
            evidence=evidence,
        )
        alert_store.put_alert(self._tx, alert)
        return alert

    def _close_mended(self, window: Window) -> None:
        """Close the data-quality alerts of earlier windows once a window comes in clean: retraining may go on."""
        if not window.drift or any(QUALITY_SIGNALS & set(each.signals) for each in window.drift.values()):
            return
        for alert in alert_store.list_alerts(self._tx, endpoint=window.endpoint, kind="quality"):
            if alert.status != "closed" and alert.start_at < window.start_at:
                note = f"the window from {window.start_at:%Y-%m-%d %H:%M} is clean"
                alert_store.put_alert(
                    self._tx, msgspec.structs.replace(alert, status="closed", by=SYSTEM, note=note)
                )
