"""Many processes at once: sixteen commit to one branch, and collections run beside writers; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle.data import versions
from fettle.workspace import Workspace
from tests.faults.data_crew import Crew, Ledger, Outcome, crew, files_of, write
from tests.faults.data_worker import churn, rows_of

PROCESSES = 16
EACH = 3


@pytest.fixture(scope="module")
def hands() -> Iterator[Crew]:
    with crew() as made:
        yield made


def all_done(outcomes: list[Outcome]) -> None:
    assert [each for each in outcomes if each.status] == []


def test_sixteen_processes_append_to_one_branch(hands: Crew, workspace: Workspace) -> None:
    home = str(workspace.folder.parent)
    jobs = [
        (
            "append_often",
            home,
            {"dataset": "d", "batches": [*range(each * EACH, each * EACH + EACH)], "count": 20},
        )
        for each in range(PROCESSES)
    ]
    outcomes = hands.work(*jobs)
    all_done(outcomes)
    acknowledged = {commit for each in outcomes for _, commit in each.said}
    log = workspace.data.log("d")
    assert {each.id for each in log} == acknowledged
    assert len(log) == PROCESSES * EACH
    found = versions.load(workspace, "d")
    wanted = pl.concat([rows_of(each, 20) for each in range(PROCESSES * EACH)])
    assert found.sort("id").equals(wanted)
    assert [each.rows for each in log] == [20 * (place + 1) for place in range(len(log))][::-1]
    assert workspace.data.fsck(full=True).faults == []


def test_sixteen_working_copies_of_one_branch(hands: Crew, workspace: Workspace, tmp_path: Path) -> None:
    home = workspace.folder.parent
    base = files_of(7, 1)
    write(home / "d", base)
    workspace.data.add([str(home / "d")])
    start = workspace.data.commit(str(home / "d")).commit
    names = [[f"{each}-{number}.txt" for number in range(2)] for each in range(PROCESSES)]
    jobs = [
        (
            "edit_often",
            str(home),
            {"dataset": "d", "folder": str(home / f"c{each}"), "start": start, "names": names[each]},
        )
        for each in range(PROCESSES)
    ]
    outcomes = hands.work(*jobs)
    all_done(outcomes)
    log = workspace.data.log("d")
    assert {each.id for each in log} == {start} | {commit for each in outcomes for _, commit in each.said}
    assert len(log) == 1 + 2 * PROCESSES
    wanted = {**base, **{name: f"by {name}".encode() for each in names for name in each}}
    ledger = Ledger(workspace, tmp_path / "caches")
    ledger.note(log[0].id, wanted)
    ledger.check()


def test_two_collections_beside_writers_take_nothing_that_lives(
    hands: Crew, workspace: Workspace, tmp_path: Path
) -> None:
    home, times = workspace.folder.parent, 24
    done = [str(home / f"done-{each}") for each in range(3)]
    long = long_folder(workspace)
    jobs = [
        ("gc_until", str(home), {"done": done}),
        ("gc_until", str(home), {"done": done}),
        ("stage_often", str(home), {"folder": str(home / "s0"), "seed": 0, "times": times, "done": done[0]}),
        ("stage_often", str(home), {"folder": str(home / "s1"), "seed": 1, "times": times, "done": done[1]}),
        ("add_long", str(home), {"folder": str(long), "done": done[2]}),
        ("append_often", str(home), {"dataset": "rows", "batches": [1, 2, 3, 4, 5], "count": 50}),
    ]
    outcomes = hands.work(*jobs)
    all_done(outcomes)
    ledger = Ledger(workspace, tmp_path / "caches")
    for seed in (0, 1):
        for number, commit in outcomes[2 + seed].said:
            ledger.note(commit, churn(seed, number))
    ledger.note(outcomes[4].done, {path.name: path.read_bytes() for path in long.iterdir()})
    ledger.check()
    assert len(ledger.versions) == 2 * (times // 3) + 1
    assert versions.load(workspace, "rows").height == 250
    for each in ("s0", "s1", "long"):
        assert workspace.data.status(str(home / each)).copies[0].modified == []
    assert sum(each.said[0][1] for each in outcomes[:2]) > 5, "packs were deleted while others wrote"
    assert workspace.data.gc(grace="0s").collected.waiting_packs == 0
    ledger.check()


def long_folder(ws: Workspace) -> Path:
    """A folder that takes long to add, whose bytes are in part in packs that nothing needs any more."""
    folder = ws.folder.parent / "long"
    first = {f"{each}.bin": data for each, data in enumerate(files_of(3, 5).values())}
    first |= {f"large-{each}.bin": bytes([each]) + churn(9, each)["large"] * 5 for each in range(4)}
    write(folder, first)
    ws.data.add([str(folder)])
    write(folder, {"other": b"other"})
    ws.data.add([str(folder)])  # what was staged before is dead now
    fresh = {f"fresh-{each}.bin": bytes([each]) + churn(10, each)["large"] * 8 for each in range(4)}
    write(folder, {**first, **fresh})
    return folder


def test_a_merge_keeps_what_it_wrote_from_a_collection(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collection comes at the worst moment: the merged tree is stored, and no branch has it yet."""
    frame = pl.DataFrame({"id": [1, 2, 3], "x": [1, 2, 3]})
    versions.commit_frame(workspace, "d", frame, key=["id"])
    workspace.data.branch("d", "trial")
    versions.commit_frame(workspace, "d", frame.with_columns(x=pl.Series([9, 2, 3])), key=["id"])
    versions.commit_frame(
        workspace, "d", frame.with_columns(x=pl.Series([1, 2, 9])), key=["id"], branch="trial"
    )
    collected_before(workspace, monkeypatch, "data.record")
    assert workspace.data.merge("d", "trial").how == "merged"
    assert versions.load(workspace, "d")["x"].to_list() == [9, 2, 9]
    versions.commit_frame(workspace, "d", frame, key=["id"])
    assert workspace.data.revert("d", "main").how == "merged"
    assert workspace.data.fsck(full=True).faults == []


def test_a_pull_keeps_what_it_fetched_from_a_collection(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3]})
    versions.commit_frame(workspace, "d", frame)
    workspace.data.push("d", to=str(tmp_path / "there"))
    with Workspace.create(tmp_path / "other") as other:
        collected_before(other, monkeypatch, "data.advance")
        other.data.pull("d", source=str(tmp_path / "there"))
        assert versions.load(other, "d").equals(frame)
        assert other.data.fsck(full=True).faults == []


def collected_before(ws: Workspace, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Have another process's collection run just before an act."""
    call = ws.call

    def delayed(name: str, /, **arguments: object) -> object:
        if name == verb:
            with Workspace.create(ws.folder.parent) as other:
                other.data.gc(grace="0s")
        return call(name, **arguments)

    monkeypatch.setattr(ws, "call", delayed)
