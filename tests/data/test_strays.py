"""Commits that were written and never recorded go; whatever the database knows stays."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest

from fettle.core.clock import FrozenClock
from fettle.data import strays, versions
from fettle.data.engine.format import commit_key
from fettle.data.repositories import keep_commit
from fettle.workspace import Workspace
from tests.conftest import new_workspace


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime.now(UTC))


@pytest.fixture
def ws(tmp_path: Path, clock: FrozenClock):
    with new_workspace(tmp_path, clock=clock) as opened:
        yield opened


def stray(ws: Workspace) -> str:
    """A commit as it is written before it is recorded; its key."""
    known = versions.commit_frame(ws, "d", pl.DataFrame({"x": [1]}), profile=False)
    made = keep_commit(ws.blobs, msgspec.structs.replace(known, message="killed before it was recorded"))
    return commit_key(made.id, "data/")


def test_what_was_never_recorded_goes_after_the_grace_and_what_is_known_stays(ws, clock):
    key = stray(ws)
    ws.data.branch("d", "trial")
    dropped = versions.commit_frame(ws, "d", pl.DataFrame({"x": [2]}), branch="trial", profile=False)
    ws.data.delete_branch("d", "trial")
    assert ws.data.gc(grace="0s").strays == 0, "it may be on its way"
    clock.advance(2 * 3600)
    assert ws.data.gc(grace="14d").strays == 0
    dry = ws.data.gc(grace="0s", dry=True)
    assert dry.strays == 1
    assert "1 commits that nothing knows would be removed." in dry.lines()
    assert ws.blobs.info(key) is not None
    assert ws.data.gc(grace="0s").strays == 1
    assert ws.blobs.info(key) is None
    clock.advance(40 * 86_400)
    ws.data.gc(grace="0s")
    assert ws.data.show(f"d@{dropped.id}").message == dropped.message
    assert ws.blobs.info(commit_key(dropped.id, "data/")) is not None
    assert ws.data.fsck(full=True).faults == []


def test_a_commit_that_is_recorded_while_it_goes_is_put_back(ws, clock, monkeypatch):
    key = stray(ws)
    commit = key.rpartition("/")[2]
    clock.advance(2 * 3600)
    real = strays._known
    asked: list[int] = []

    def known(surface, commits):
        asked.append(1)
        return real(surface, commits) | ({commit} if len(asked) > 1 else set())

    monkeypatch.setattr(strays, "_known", known)
    strays.collect(ws, grace_s=0)
    assert ws.blobs.info(key) is not None


def test_two_at_once_do_not_stumble(ws, clock, monkeypatch):
    key = stray(ws)
    clock.advance(2 * 3600)
    found = list(strays._old(ws, 0))
    ws.blobs.delete(key)
    monkeypatch.setattr(strays, "_old", lambda surface, age: iter(found))
    assert strays.collect(ws, grace_s=0) == 1
