"""A project with a policy, a champion in the registry, and alerts as monitoring would raise them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fettle.core import ids
from fettle.core.clock import FrozenClock
from fettle.monitoring.records import Alert, AlertKind, Severity
from fettle.monitoring.store import alerts as alert_store
from fettle.registry.records import GateResult
from fettle.retraining.reconciler import Reconciler
from fettle.retraining.records import Candidate, Intent, Verdict
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.conftest import new_workspace

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Project:
    """The project `shop`: version 1 is champion; training registers the next version, judging says `verdict`."""

    def __init__(self, ws: Workspace, clock: FrozenClock) -> None:
        self.ws = ws
        self.clock = clock
        self.trained: list[str] = []
        self.judged: list[str] = []
        self.verdict = Verdict(True, "better by 0.04", {"difference": 0.04})
        self.gates: list[GateResult] = []
        ws.call("monitoring.watch", endpoint="shop")
        ws.call("registry.register", model="shop", bundle=kept(ws.blobs, "first"))
        ws.call("registry.promote", model="shop", version=1)
        self.policy()

    def policy(self, **settings: Any) -> None:
        self.ws.call("retraining.policy", project="shop", **settings)

    def solve(self, intent: Intent) -> Candidate:
        self.trained.append(intent.id)
        made = self.ws.call(
            "registry.register", model="shop", bundle=kept(self.ws.blobs, intent.id), gates=self.gates
        )
        return Candidate("shop", made.version, {"rows": 100})

    def judge(self, intent: Intent, candidate: Candidate) -> Verdict:
        self.judged.append(intent.id)
        return self.verdict

    def reconciler(self, holder: str = "keeper", **work: Any) -> Reconciler:
        return Reconciler(
            self.ws, "shop", **({"solve": self.solve, "judge": self.judge} | work), holder=holder
        )

    def alert(
        self, kind: AlertKind = "performance", severity: Severity = "warning", *, version: int = 1
    ) -> Alert:
        """Raise an alert about the day before now."""
        now = self.clock.now()
        raised = Alert(
            id=ids.event_id(now),
            endpoint="shop",
            kind=kind,
            severity=severity,
            status="open",
            model="shop",
            version=version,
            start_at=now - DAY,
            end_at=now,
            at=now,
            message=f"{kind} is {severity}",
            evidence={"shown": 0.7},
        )
        with self.ws.database.write() as tx:
            alert_store.put_alert(tx, raised)
        return raised

    def states(self) -> list[str]:
        """The states of all intents, oldest first."""
        return [each.state for each in self.ws.call("retraining.intents", project="shop")][::-1]

    def champion(self) -> int:
        return self.ws.call("registry.alias", model="shop").version

    def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span).total_seconds())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    clock = FrozenClock(START)
    with new_workspace(tmp_path, clock=clock) as ws:
        yield Project(ws, clock)
