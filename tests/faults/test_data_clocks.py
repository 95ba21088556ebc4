"""Clocks that step: versions keep their order, moments mean something, and no collection takes what is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fettle.core.clock import FrozenClock
from fettle.core.errors import NotFound
from fettle.data import versions
from fettle.data.engine import gc, trees
from fettle.data.engine.repository import Repository
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository
from fettle.storage import open_blobs
from fettle.workspace import Workspace
from tests.conftest import new_workspace

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


@pytest.fixture
def ws(tmp_path: Path, clock: FrozenClock):
    with new_workspace(tmp_path / "here", clock=clock) as opened:
        yield opened


def commit(ws: Workspace, number: int, branch: str = "main") -> Commit:
    return versions.commit_frame(
        ws, "d", pl.DataFrame({"id": [number], "x": [number * 2]}), branch=branch, profile=False
    )


def number_of(ws: Workspace, ref: str) -> int:
    return versions.load(ws, ref)["id"].item()


def test_a_clock_stepped_back_between_commits_changes_no_order(
    ws: Workspace, clock: FrozenClock, tmp_path: Path
):
    made = []
    for number, minutes in enumerate((0, 60, -90, 10, 200)):
        clock.advance(minutes * 60)
        made.append(commit(ws, number).id)
    assert [each.id for each in ws.data.log("d")] == made[::-1]
    assert number_of(ws, "d") == 4
    assert number_of(ws, "d@main~3") == 1
    ws.data.push("d", to=str(tmp_path / "there"))
    with new_workspace(tmp_path / "other", clock=clock) as other:
        other.data.pull("d", source=str(tmp_path / "there"))
        assert [each.id for each in other.data.log("d")] == made[::-1]
        assert [number_of(other, f"d@{each}") for each in made] == [0, 1, 2, 3, 4]


def test_a_moment_is_what_was_newest_by_the_clock_of_then(ws: Workspace, clock: FrozenClock):
    commit(ws, 0)  # 12:00
    clock.advance(3600)
    commit(ws, 1)  # 13:00
    clock.advance(-5400)
    commit(ws, 2)  # 11:30: the clock was put back
    assert number_of(ws, "d@{2024-06-01T12:30}") == 2, "the last of those with that time or an earlier one"
    assert number_of(ws, "d@{2024-06-01T11:30}") == 2
    assert number_of(ws, "d@{2024-06-01T14:00}") == 2
    with pytest.raises(NotFound, match="had no version"):
        ws.data.show("d@{2024-06-01T11:00}")


@pytest.mark.parametrize("step_days", [-400, -1, 0, 1, 400])
def test_a_collection_by_a_wrong_clock_takes_nothing_that_lives(
    ws: Workspace, clock: FrozenClock, step_days: int
):
    first, second = commit(ws, 1), commit(ws, 2)
    ws.data.branch("d", "trial", at=first.id)
    third = commit(ws, 3, "trial")
    ws.data.tag("d", "v1", at=first.id)
    for grace in ("14d", "0s"):
        clock.advance(step_days * 86_400)
        ws.data.gc(grace=grace)
        clock.advance(-step_days * 86_400)
        ws.data.gc(grace=grace)
    assert [number_of(ws, f"d@{each.id}") for each in (first, second, third)] == [1, 2, 3]
    assert ws.data.fsck(full=True).faults == []


def test_a_writer_at_work_is_respected_whatever_the_collectors_clock_says(tmp_path: Path):
    blobs = open_blobs(tmp_path / "blobs")
    store = Repository(blobs, tmp_path / "cache")
    other = Repository(blobs, tmp_path / "other")
    with store.writer() as writer:
        dead = writer.put_bytes(b"dead, and wanted again" * 1000)
    for step in (timedelta(days=-40), timedelta(hours=-1), timedelta(hours=23)):
        with store.writer() as writer:
            kept = writer.put_bytes(dead_bytes(store, dead.digest))
            root = trees.build([trees.Entry("a", kept.digest, kept.size_bytes, 0o644)], writer.put_node)
            writer.flush()
            gc.collect(other, [], grace_s=0, now=datetime.now(UTC) + step)
            assert store.read(kept.digest) == dead_bytes(store, dead.digest)
        gc.collect(other, [root], grace_s=0, now=datetime.now(UTC) - step)
        assert Repository(blobs, tmp_path / f"new{step}").read(kept.digest)


def dead_bytes(store: Repository, digest: str) -> bytes:
    return store.read(digest)


def test_a_removed_branch_comes_back_with_all_that_was_before_it(ws: Workspace, clock: FrozenClock):
    commit(ws, 0)
    ws.data.branch("d", "trial")
    for number in (1, 2, 3):
        clock.advance(86_400)
        commit(ws, number, "trial")
    clock.advance(60 * 86_400)
    head = ws.data.delete_branch("d", "trial").commit
    ws.data.gc(grace="0s")
    ws.data.branch("d", "trial", at=head)
    assert [number_of(ws, f"d@trial~{back}") for back in range(3)] == [3, 2, 1]
    assert ws.data.fsck(full=True).faults == []
    assert ws.data.gc(grace="0s").collected.doomed_packs == 0
    ws.data.delete_branch("d", "trial")
    clock.advance(31 * 86_400)
    ws.data.gc(grace="0s")
    assert number_of(ws, "d") == 0
    with pytest.raises(NotFound):
        repository(ws).node(ws.data.show(f"d@{head}").tree)
