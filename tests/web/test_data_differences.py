"""What changed between two versions, drawings of columns, and the lanes of the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.data.records.profiles import Histogram
from fettle.data.records.versions import Commit, Source
from fettle.web import differences, history
from fettle.web.columns import rebin
from fettle.web.remembered import Remembered
from tests.web.holdings import FILES, TABLE, Holdings


def test_rows_and_cells_are_those_that_the_command_tells(data_http: httpx.Client, holdings: Holdings):
    told = holdings.ws.data.diff(f"{TABLE}@v1", f"{TABLE}@v2").tables["table"]
    twin = data_http.get(f"/data/{TABLE}/diff/v1/v2.json").json()["difference"]
    (table,) = twin["tables"]
    assert (table["summary"]["added"], table["summary"]["removed"]) == (told.summary.added, 1)
    assert table["summary"]["cells"] == told.summary.cells > 0
    cells = {
        (row["key"][0], cell["column"]): (cell["old"], cell["new"])
        for row in table["changed"]
        for cell in row["cells"]
    }
    known = {
        (str(row["id"]), row["column"]): (row["old"], row["new"])
        for row in told.frame.iter_rows(named=True)
        if row["op"] == "changed"
    }
    assert cells.items() <= known.items()
    assert len(table["changed"]) == min(differences.SHOWN_ROWS, told.summary.changed)
    page = data_http.get(f"/data/{TABLE}/diff/v1/v2").text
    assert "<del>" in page
    assert "Added rows" in page


def test_columns_that_came_and_went(data_http: httpx.Client):
    twin = data_http.get(f"/data/{TABLE}/diff.json").json()
    kinds = {(each["kind"], each["column"]) for each in twin["difference"]["schema"]["table"]}
    assert kinds == {("added", "channel"), ("removed", "note")}
    names = [each["name"] for each in twin["comparison"]["columns"]]
    assert set(names[:2]) == {"channel", "note"}
    assert "a new column of type string" in data_http.get(f"/data/{TABLE}/diff").text


def test_files_that_came_and_went(data_http: httpx.Client):
    twin = data_http.get(f"/data/{FILES}/diff.json").json()["difference"]
    assert {(each["op"], each["path"]) for each in twin["files"]} == {
        ("added", "dogs/001.png"),
        ("removed", "empty.txt"),
    }
    assert [each["path"] for each in twin["tables"]] == ["labels.csv"]
    assert twin["tables"][0]["summary"]["added"] == 1


def test_equal_versions_have_no_difference(data_http: httpx.Client):
    assert "No difference" in data_http.get(f"/data/{TABLE}/diff/main/main").text


def test_the_first_version_is_compared_with_nothing(data_http: httpx.Client):
    twin = data_http.get(f"/data/{TABLE}/diff.json?b=v1").json()
    assert twin["old"] is None
    assert twin["difference"]["counts"]["added"] == 1


def test_large_tables_are_left_to_the_command(data_http: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(differences, "ROW_CELLS", 100)
    monkeypatch.setattr(differences, "_tables", Remembered(4))
    twin = data_http.get(f"/data/{TABLE}/diff/v1/v2.json").json()
    assert twin["difference"]["tables"] == []
    assert "not compared here" in twin["difference"]["notes"][0]
    page = data_http.get(f"/data/{TABLE}/diff/v1/v2").text
    assert twin["command"] in page
    assert "Distributions" in page
    assert "No difference" not in page


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12), st.integers(2, 30))
def test_other_bins_hold_as_many_values(counts: list[int], bins: int):
    found = Histogram([float(each) for each in range(len(counts) + 1)], counts)
    edges = [len(counts) * place / bins for place in range(bins + 1)]
    assert sum(rebin(found, edges)) == pytest.approx(sum(counts))
    assert rebin(found, found.edges) == pytest.approx(counts)


@st.composite
def graphs(draw: st.DrawFn) -> list[Commit]:
    """Versions in any order; each continues up to two of those before it."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    made: list[Commit] = []
    for number in range(draw(st.integers(1, 14))):
        parents = (
            draw(st.lists(st.sampled_from([each.id for each in made]), max_size=2, unique=True))
            if made
            else []
        )
        at = start + timedelta(hours=draw(st.integers(0, 5)))
        made.append(Commit(f"c{number}", "d", parents, "", 0, 0, [], Source("s"), "", "a", at))
    return draw(st.permutations(made))


@given(graphs())
def test_versions_stand_above_what_they_continue(commits: list[Commit]):
    ordered = history.newest_first(commits)
    place = {each.id: row for row, each in enumerate(ordered)}
    assert len(place) == len(commits)
    assert all(place[each.id] < place[parent] for each in ordered for parent in each.parents)


@given(graphs())
def test_every_line_ends_where_its_parent_stands(commits: list[Commit]):
    ordered = history.newest_first(commits)
    found = history.lay_out(ordered)
    place = {each.id: row for row, each in enumerate(ordered)}
    wanted = sorted((place[each.id], place[parent]) for each in ordered for parent in each.parents)
    assert sorted((each.row, each.to[0]) for each in found.edges if each.to) == wanted
    for each in found.edges:
        assert each.lane == found.lanes[each.row]
        assert each.to is not None
        assert each.to[1] == found.lanes[each.to[0]]
        between = found.lanes[each.row + 1 : each.to[0]]
        if max(found.lanes) < history.LANES_MOST - 1:
            assert each.via not in between, "a line runs through another version's dot"
    assert str(history.draw(ordered)).count("<circle") == len(commits)


def test_what_is_remembered_is_not_worked_out_again():
    kept, worked = Remembered(2), []
    for name in ("a", "a", "b", "c", "a"):
        kept.get(name, lambda name=name: worked.append(name))
    assert worked == ["a", "b", "c", "a"]
