"""Lines of versions: many at once, many ids in one question, and cached files that are not what they are named for."""

from pathlib import Path

import polars as pl
import pytest

from fettle.data import versions
from fettle.data.store import ancestry
from fettle.data.store import versions as store
from fettle.workspace import Workspace

COUNT = 30


@pytest.fixture
def line(workspace: Workspace) -> list[str]:
    """The ids of so many versions, newest first."""
    made = [
        versions.commit_frame(workspace, "rows", pl.DataFrame({"x": [each]}), profile=False).id
        for each in range(COUNT)
    ]
    return made[::-1]


def test_a_log_follows_first_parents_newest_first(workspace: Workspace, line: list[str]):
    assert [each.id for each in workspace.data.log("rows")] == line
    assert [each.id for each in workspace.data.log("rows", limit=7)] == line[:7]
    assert [each.id for each in workspace.data.log("rows", branch=line[5])] == line[5:]
    assert [each.id for each in workspace.data.log("rows", limit=1)] == line[:1]
    assert workspace.data.log("rows", limit=0) == []


def test_a_log_leaves_merged_branches_out(workspace: Workspace, line: list[str]):
    workspace.data.branch("rows", "side", at=line[3])
    side = versions.commit_frame(workspace, "rows", pl.DataFrame({"x": [1], "y": [2]}), branch="side")
    workspace.data.merge("rows", "side", into="main", take="theirs")

    log = [each.id for each in workspace.data.log("rows")]

    assert side.id not in log
    assert log[1:] == line


def test_more_ids_than_a_statement_takes(workspace: Workspace, line: list[str]):
    strangers = [f"{each:064x}" for each in range(70_000)]
    asked = [*strangers, *line]

    assert workspace.data.known(asked) == sorted(line)
    with workspace.database.read() as tx:
        assert {each.id for each in store.get_commits(tx, asked)} == set(line)
        assert ancestry.ancestors(tx, [*strangers, line[2]]) == set(line[2:])


def test_a_cached_file_that_rotted_is_fetched_again(workspace: Workspace, tmp_path: Path):
    source = tmp_path / "files"
    source.mkdir()
    (source / "rows.csv").write_text("a,b\n1,2\n")
    workspace.data.add([str(source)], dataset="tables")
    workspace.data.commit(str(source))
    assert versions.frame(workspace, "tables/rows.csv").collect().rows() == [(1, 2)]
    (kept,) = (workspace.folder / "cache" / "files").rglob("rows.csv")
    kept.chmod(0o644)
    kept.write_text("a,b\n1,3\n")

    assert versions.frame(workspace, "tables/rows.csv").collect().rows() == [(1, 2)]


def test_the_same_on_postgresql(team_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    with Workspace.open(team_url) as team:
        made = [
            versions.commit_frame(team, "rows", pl.DataFrame({"x": [each]}), profile=False).id
            for each in range(5)
        ]
        assert [each.id for each in team.data.log("rows", limit=4)] == made[::-1][:4]
        strangers = [f"{each:064x}" for each in range(70_000)]
        with team.database.read() as tx:
            assert store.known_commits(tx, [*strangers, *made]) == set(made)
