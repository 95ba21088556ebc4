"""What retention and gc removed stays known as removed: nothing names it again, and nothing breaks because of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from fettle.acts import Role
from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, Denied, NotFound
from fettle.data import versions
from fettle.data.records.versions import Commit
from fettle.workspace import Workspace
from tests.conftest import new_workspace

DAY = 86_400
GONE = "outlived its retention on 2026-02-14 and was removed by gc"


class Aged(NamedTuple):
    """A workspace in which a rule and gc removed the second and third of four versions."""

    ws: Workspace
    clock: FrozenClock
    commits: list[Commit]

    @property
    def gone(self) -> str:
        return self.commits[1].id

    def sound(self) -> None:
        """gc and fsck find nothing amiss, and what is kept can be read."""
        for _ in range(2):
            self.ws.data.gc(grace="0s")
        checked = self.ws.data.fsck(full=True)
        assert checked.faults == [], checked.lines()
        for number in (0, 3):
            assert fresh(self.ws, f"d@{self.commits[number].id}").equals(frame(number))


def frame(number: int) -> pl.DataFrame:
    return pl.DataFrame({"id": range(500), "x": [(each * 7919 * (number + 1)) % 9973 for each in range(500)]})


def fresh(ws: Workspace, ref: str) -> pl.DataFrame:
    """The rows as they are in the store: the local cache is emptied first."""
    for each in (ws.folder / "cache" / "parts").rglob("*.parquet"):
        each.unlink()
    return versions.load(ws, ref)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def aged(tmp_path: Path, clock: FrozenClock):
    with new_workspace(tmp_path / "here", clock=clock) as ws:
        commits: list[Commit] = []
        for number in range(4):
            commits.append(versions.commit_frame(ws, "d", frame(number), key=["id"], profile=False))
            clock.advance(DAY)
        ws.data.hold(f"d@{commits[0].id}", "case 7")
        clock.advance(40 * DAY)
        ws.data.retain("d", 1)
        assert ws.data.gc(grace="0s").expired == 2
        yield Aged(ws, clock, commits)


def test_nothing_can_name_a_removed_version(aged: Aged):
    data = aged.ws.data
    for refused in (
        lambda: data.branch("d", "again", at=aged.gone),
        lambda: data.reset("d", aged.gone),
        lambda: data.reset("d", "main~1", branch="old"),
        lambda: data.tag("d", "v1", at=aged.gone),
        lambda: data.hold(f"d@{aged.gone}", "case 8"),
        lambda: data.advance("d", aged.gone, branch="again"),
    ):
        with pytest.raises(Conflict, match=GONE):
            refused()
    assert [each.name for each in data.refs("d")] == ["main"]
    assert len(data.holds()) == 1
    aged.sound()


@pytest.mark.parametrize("change", ["longer", "no rule", "hold on everything"])
def test_later_rules_and_holds_do_not_ask_for_what_is_gone(aged: Aged, change: str):
    if change == "longer":
        aged.ws.data.retain("d", 1000)
    elif change == "no rule":
        aged.ws.data.retain("d", 0)
    else:
        aged.ws.data.hold("d", "case 8")
    aged.sound()
    kept = aged.ws.data.roots()
    assert kept.expired == []
    assert set(kept.commits) == {aged.commits[0].id, aged.commits[3].id}


def test_what_a_removed_branch_alone_had_is_gone_too(aged: Aged):
    data = aged.ws.data
    versions.commit_frame(aged.ws, "e", frame(0), profile=False)
    data.branch("e", "trial")
    side = versions.commit_frame(aged.ws, "e", frame(8), branch="trial", profile=False)
    data.delete_branch("e", "trial")
    data.gc(grace="0s")
    data.reset("e", side.id, branch="trial")  # for 30 days it can be had again
    data.delete_branch("e", "trial")
    aged.clock.advance(31 * DAY)
    data.gc(grace="0s")
    with pytest.raises(Conflict, match="removed by gc"):
        data.reset("e", side.id, branch="trial")
    aged.sound()


def test_who_reads_a_removed_version_is_told_what_happened(aged: Aged, tmp_path: Path):
    ws, ref = aged.ws, f"d@{aged.gone}"
    copy = tmp_path / "d"
    copy.mkdir()
    assert ws.data.show(ref).id == aged.gone
    assert len(ws.data.log("d")) == 4
    for read in (
        lambda: fresh(ws, ref),
        lambda: versions.frame(ws, f"{ref}/table/00000.parquet"),
        lambda: ws.data.get(ref, tmp_path / "got"),
        lambda: ws.data.diff(ref, "d"),
        lambda: ws.data.checkout(str(copy), aged.gone),
        lambda: ws.data.revert("d", aged.gone),
    ):
        with pytest.raises(NotFound, match=GONE):
            read()


def test_a_dry_gc_notes_nothing_and_only_approvers_let_versions_go(tmp_path: Path, clock: FrozenClock):
    with new_workspace(tmp_path, clock=clock) as ws:
        old = versions.commit_frame(ws, "d", frame(0), profile=False)
        versions.commit_frame(ws, "d", frame(1), profile=False)
        clock.advance(40 * DAY)
        ws.data.retain("d", 1)
        assert ws.data.gc(dry=True, grace="0s").expired == 1
        with pytest.raises(Denied):
            ws.perform("data.let_go", {}, actor="user:eve", role=Role.EDITOR)
        ws.data.tag("d", "v1", at=old.id)
        assert ws.data.gc(grace="0s").expired == 0
        assert fresh(ws, "d@v1").equals(frame(0))


@pytest.mark.parametrize("kind", ["store", "workspace"])
def test_a_dataset_under_retention_is_pushed_and_pulled_without_what_is_gone(
    aged: Aged, tmp_path: Path, kind: str
):
    place = tmp_path / "there"
    if kind == "workspace":
        new_workspace(place, clock=aged.clock).close()
    sent = aged.ws.data.push("d", to=str(place))
    assert (sent.how, sent.commits) == ("new", 4)
    assert aged.ws.data.push("d", to=str(place)).how == "up to date"
    with new_workspace(tmp_path / "other", clock=aged.clock) as other:
        assert other.data.pull("d", source=str(place)).commits == 4
        assert fresh(other, "d").equals(frame(3))
        assert [each.id for each in other.data.log("d")] == [each.id for each in aged.ws.data.log("d")]
        with pytest.raises(NotFound, match="removed by gc"):
            fresh(other, f"d@{aged.gone}")
        with pytest.raises(Conflict, match="removed by gc"):
            other.data.tag("d", "v1", at=aged.gone)
        Aged(other, aged.clock, aged.commits).sound()
        new = versions.commit_frame(other, "d", frame(9), profile=False)
        assert other.data.push("d", to=str(place)).how == "advanced"
    assert aged.ws.data.pull("d", source=str(place)).commit == new.id
    assert fresh(aged.ws, "d").equals(frame(9))


@pytest.mark.parametrize("kind", ["store", "workspace"])
def test_what_was_removed_there_is_sent_anew_where_a_new_version_needs_it(
    aged: Aged, tmp_path: Path, kind: str
):
    """A version that brings a removed one's rows back relies on nothing that went with it."""
    place = tmp_path / "there"
    if kind == "workspace":
        new_workspace(place, clock=aged.clock).close()
    aged.ws.data.push("d", to=str(place))
    versions.commit_frame(aged.ws, "d", frame(1), profile=False)
    assert aged.ws.data.push("d", to=str(place)).how == "advanced"
    with new_workspace(tmp_path / "other", clock=aged.clock) as other:
        other.data.pull("d", source=str(place))
        assert fresh(other, "d").equals(frame(1))
        assert other.data.fsck(full=True).faults == []


def test_who_has_removed_a_version_can_pull_what_continues_it(aged: Aged, tmp_path: Path):
    """The place keeps everything; here the older versions go after the push."""
    place = str(tmp_path / "there")
    with new_workspace(tmp_path / "all", clock=aged.clock) as ws:
        made = [versions.commit_frame(ws, "e", frame(number), profile=False) for number in range(3)]
        ws.data.tag("e", "first", at=made[0].id)
        ws.data.push("e", to=place)
        with new_workspace(tmp_path / "short", clock=aged.clock) as short:
            short.data.pull("e", source=place)
            short.data.delete_tag("e", "first")
            aged.clock.advance(40 * DAY)
            short.data.retain("e", 1)
            assert short.data.gc(grace="0s").expired == 2
            back = versions.commit_frame(ws, "e", frame(0), profile=False)
            ws.data.push("e", to=place)
            assert short.data.pull("e", source=place).commit == back.id
            assert fresh(short, "e").equals(frame(0))
            assert short.data.fsck(full=True).faults == []
            assert short.data.push("e", to=place).how == "up to date"
        assert fresh(ws, "e@first").equals(frame(0))


def test_a_team_s_database_knows_what_was_removed_too(team_url: str, tmp_path: Path, clock: FrozenClock):
    with Workspace.open(team_url, clock=clock) as ws:
        old = versions.commit_frame(ws, "d", frame(0), profile=False)
        versions.commit_frame(ws, "d", frame(1), profile=False)
        clock.advance(44 * DAY)
        ws.data.retain("d", 1)
        assert ws.data.gc(grace="0s").expired == 1
        with pytest.raises(Conflict, match=GONE):
            ws.data.tag("d", "v1", at=old.id)
        with pytest.raises(NotFound, match=GONE):
            fresh(ws, f"d@{old.id}")
        assert ws.data.fsck(full=True).faults == []
