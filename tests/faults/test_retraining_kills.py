"""A reconciler killed with SIGKILL at any point: the next one goes on, and nothing is promoted twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fettle.retraining.reconciler import Reconciler
from fettle.retraining.records import Candidate, Intent, Verdict
from fettle.workspace import Workspace
from tests.bundles import kept

POINTS = ("solving", "registered", "trained", "judging", "judged", "concluded")
FINAL = ("promoted", "rejected", "failed", "coalesced")


class Doomed(Workspace):
    """A workspace whose process dies right after an act was committed."""

    dies_after = ""

    def call(self, name: str, /, *, idempotency_key: str | None = None, **arguments: Any) -> Any:
        result = super().call(name, idempotency_key=idempotency_key, **arguments)
        if name == self.dies_after:
            die()
        return result


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(folder: Path, point: str) -> None:
    """Make passes for ever, dying at `point`; slow enough to be killed in the middle when there is none."""
    with Workspace.create(folder) as made:
        place = made.folder
    ws = Doomed(
        str(folder),
        f"sqlite:///{place / 'workspace.db'}",
        str(place / "blobs"),
        place,
        None,
        "service:keeper",
    )
    ws.dies_after = {"trained": "retraining.trained", "concluded": "retraining.conclude"}.get(point, "")

    def solve(intent: Intent) -> Candidate:
        if point == "solving":
            die()
        time.sleep(0.05)
        made = ws.call("registry.register", model="shop", bundle=kept(ws.blobs, intent.id))
        if point == "registered":
            die()
        time.sleep(0.05)
        return Candidate("shop", made.version)

    def judge(intent: Intent, candidate: Candidate) -> Verdict:
        if point == "judging":
            die()
        time.sleep(0.05)
        if point == "judged":
            die()
        return Verdict(True, "better")

    reconciler = Reconciler(ws, "shop", solve=solve, judge=judge, holder="keeper", ttl_s=5)
    print("ready", flush=True)
    while True:
        reconciler.step()
        time.sleep(0.01)


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    ws = Workspace.create(tmp_path)
    ws.call("registry.register", model="shop", bundle=kept(ws.blobs, "first"))
    ws.call("registry.promote", model="shop", version=1)
    ws.call("retraining.policy", project="shop", cooldown="0s")
    return ws


def start(folder: Path, point: str = "") -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.test_retraining_kills", str(folder), point],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    return worker


def finished(ws: Workspace, intent: str, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if ws.call("retraining.show", intent=intent).state in FINAL:
            return True
        time.sleep(0.02)
    return False


def kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def check(ws: Workspace, promoted: list[str]) -> None:
    """Each intent was promoted once, by one version of its own, and each of its transitions happened once."""
    moves = ws.call("registry.history", model="shop", alias="champion")
    assert len(moves) == 1 + len(promoted)
    assert ws.call("registry.alias", model="shop").version == 1 + len(promoted)
    assert len(ws.call("registry.versions", model="shop")) == 1 + len(promoted)
    for each in promoted:
        shown = ws.call("retraining.show", intent=each)
        assert [move.after for move in shown.history] == [
            "observed",
            "decided",
            "training",
            "evaluating",
            "promoted",
        ]
        assert f"(intent {each})" in "".join(move.reason for move in moves)


def test_one_intent_survives_a_death_at_every_point_of_its_way(shop: Workspace, tmp_path: Path):
    intent = shop.call("retraining.request", project="shop").id
    seen = []
    for point in POINTS:
        doomed = start(tmp_path, point)
        assert doomed.wait(timeout=60) == -signal.SIGKILL
        assert doomed.stdout is not None
        doomed.stdout.close()
        seen.append(shop.call("retraining.show", intent=intent).state)
    assert seen == ["training", "training", "evaluating", "evaluating", "evaluating", "promoted"]
    check(shop, [intent])
    shop.close()


def test_death_at_random_instants(shop: Workspace, tmp_path: Path):
    chance = random.Random(8)
    intents = []
    for number in range(2):
        intents.append(shop.call("retraining.request", project="shop", key=str(number)).id)
        done = False
        for _ in range(2):
            worker = start(tmp_path)
            done = finished(shop, intents[-1], chance.uniform(0.0, 0.25))
            kill(worker)
        if not done:
            worker = start(tmp_path)
            assert finished(shop, intents[-1], 60)
            kill(worker)
    check(shop, intents)
    shop.close()


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2])
