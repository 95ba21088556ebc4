from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fettle.workspace import Workspace
from tests.bundles import kept


def change(workspace: Workspace, statement: str) -> None:
    """Tamper with the database behind fettle's back."""
    with sqlite3.connect(Path(workspace.folder) / "workspace.db") as database:
        database.execute(statement)


@pytest.fixture
def busy(workspace: Workspace) -> Workspace:
    for number in range(5):
        workspace.tracking.start("churn", params={"n": number, "text": "é", "ratio": 0.1})
    return workspace


def test_an_untouched_chain_is_whole(workspace: Workspace, busy: Workspace) -> None:
    verdict = busy.governance.verify()
    assert verdict.whole
    assert verdict.entries == 5
    assert "5 entries" in str(verdict)


def test_an_empty_chain_is_whole(workspace: Workspace) -> None:
    assert workspace.governance.verify().whole


@pytest.mark.parametrize(
    ("statement", "broken_at", "problem"),
    [
        ("UPDATE acts_audit SET actor = 'user:mallory' WHERE seq = 3", 3, "does not match its hash"),
        (
            """UPDATE acts_audit SET arguments = replace(arguments, '"n":1', '"n":9') WHERE seq = 2""",
            2,
            "hash",
        ),
        ("DELETE FROM acts_audit WHERE seq = 2", 2, "missing"),
        ("DELETE FROM acts_audit WHERE seq = 5", 5, "ends with entry 4"),
        ("UPDATE acts_audit SET previous = hash WHERE seq = 4", 4, "does not follow"),
    ],
)
def test_tampering_is_found_where_it_happened(
    busy: Workspace, statement: str, broken_at: int, problem: str
) -> None:
    change(busy, statement)
    verdict = busy.governance.verify()
    assert not verdict.whole
    assert verdict.broken_at == broken_at
    assert problem in verdict.problem
    assert f"broken at entry {broken_at}" in str(verdict)


def test_the_audit_is_listed_newest_first_and_by_act_and_actor(busy: Workspace) -> None:
    busy.registry.register("m", kept(busy.blobs, 1))
    newest, second, *_ = busy.governance.audit()
    assert (newest.act, newest.arguments["model"], newest.actor) == ("registry.register", "m", busy.actor)
    assert second.seq == newest.seq - 1
    assert [each.act for each in busy.governance.audit(act="registry.register")] == ["registry.register"]
    assert busy.governance.audit(actor="user:nobody") == []
    assert [each.seq for each in busy.governance.audit(before=3)] == [2, 1]
    kinds = [each.kind for each in busy.governance.events(kind="registry.registered")]
    assert kinds == ["registry.registered"]
