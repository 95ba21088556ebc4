"""One story on three workspaces: embedded, PostgreSQL with S3, and behind a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle.acts import Surface
from fettle.core.errors import Conflict, GateFailed, NotFound
from fettle.data import versions
from fettle.registry.records import GateResult
from fettle.tracking import run as tracked
from fettle.workspace import Workspace
from tests.bundles import kept

KINDS = ("embedded", "postgres", "server")


@pytest.fixture(params=KINDS)
def ws(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surface]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    if request.param == "embedded":
        opened: Surface = Workspace.create(tmp_path / "project")
    elif request.param == "postgres":
        database, blobs = (
            request.getfixturevalue("fresh_postgres_url"),
            request.getfixturevalue("fresh_s3_url"),
        )
        opened = Workspace.open(with_blobs(database, blobs))
    else:
        opened = Workspace.open(request.getfixturevalue("served")[1])
    with opened:
        yield opened


def with_blobs(database: str, blobs: str) -> str:
    from urllib.parse import quote

    return f"{database}{'&' if '?' in database else '?'}blobs={quote(blobs, safe='')}"


def test_from_rows_to_a_rollback(ws: Surface):
    # Data: two commits, each readable for ever.
    first = versions.commit_frame(
        ws, "churn", pl.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]}), message="first"
    )
    second = versions.commit_frame(
        ws, "churn", pl.DataFrame({"x": [3.0], "y": ["b"]}), append=True, message="more"
    )
    assert [each.id for each in ws.data.log("churn")] == [second.id, first.id]
    assert versions.load(ws, first.ref)["x"].to_list() == [1.0, 2.0]
    assert versions.load(ws, "churn@main")["x"].to_list() == [1.0, 2.0, 3.0]

    # Tracking: a run with parameters and a curve.
    with tracked(ws, "churn", params={"lr": 0.1}, inputs=[second.ref]) as run:
        for step in range(20):
            run.log(loss=1 / (step + 1), step=step)
    assert ws.tracking.show(run.id).status == "finished"
    assert [point.value for point in ws.tracking.series(run.id, "loss")][-1] == pytest.approx(0.05)

    # Registry: two versions through their gates, a refusal, a rollback.
    bundles = [kept(ws.blobs, number) for number in range(3)]
    passed, failed = GateResult("accuracy", True, 0.9, 0.8), GateResult("accuracy", False, 0.5, 0.8)
    one = ws.registry.register(
        "churn", bundles[0], gates=[passed], run_id=run.id, dataset="churn", dataset_commit=second.id
    )
    two = ws.registry.register("churn", bundles[1], gates=[passed])
    bad = ws.registry.register("churn", bundles[2], gates=[failed])
    assert (
        ws.registry.register("churn", bundles[1], gates=[passed], idempotency_key="again").version
        == two.version
    )
    ws.registry.promote("churn", one.version)
    ws.registry.promote("churn", two.version, reason="better")
    with pytest.raises(GateFailed):
        ws.registry.promote("churn", bad.version)
    assert ws.registry.alias("churn").version == two.version
    assert ws.registry.rollback("churn", reason="worse in the evening").version == one.version
    assert ws.registry.alias("churn").bundle == bundles[0] and ws.registry.verify("churn").whole

    # What is wrong stays wrong everywhere.
    with pytest.raises(NotFound):
        ws.registry.show("churn", 99)
    with pytest.raises(Conflict):
        ws.data.branch("churn", "main")

    # Every change left its mark.
    verdict = ws.governance.verify()
    assert verdict.whole
    acts = [entry.act for entry in ws.governance.audit(limit=100)]
    assert {"data.record", "registry.register", "registry.promote", "registry.rollback"} <= set(acts)


def test_a_repeated_request_is_done_once(ws: Surface):
    runs = [ws.call("tracking.start", idempotency_key="k", experiment="e") for _ in range(3)]
    assert len({each.id for each in runs}) == 1
    assert len(ws.tracking.runs(experiment="e")) == 1
