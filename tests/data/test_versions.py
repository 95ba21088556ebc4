"""Versions: what was committed comes back, nothing is lost when two commit at once, and errors help."""

import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
import numpy as np
import polars as pl
import pytest

from fettle.core import ids
from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.data import ingest, profiles, schemas, versions
from fettle.data.records import Column, Part, Source, Table
from fettle.data.repositories import read_commit
from fettle.data.tables import cuts
from fettle.storage.objects import put_object
from fettle.workspace import Workspace

START = datetime(2024, 1, 1, tzinfo=UTC)


def table(rows: int, start: int = 0) -> pl.DataFrame:
    numbers = range(start, start + rows)
    return pl.DataFrame(
        {
            "at": pl.Series(
                [START + timedelta(hours=number) for number in numbers], dtype=pl.Datetime("us", "UTC")
            ),
            "größe in m": [number / 10 for number in numbers],
            "n": list(numbers),
            "s": [f"v{number % 5}" if number % 7 else None for number in numbers],
            "b": [number % 2 == 0 for number in numbers],
        }
    )


def test_a_version_is_loaded_as_it_was_committed(workspace):
    frame = table(100)

    commit = versions.commit_frame(
        workspace, "sensor", frame, source="by hand", message="first", time_column="at"
    )

    assert versions.load(workspace, "sensor").equals(frame)
    assert versions.load(workspace, commit.ref).equals(frame)
    assert versions.scan(workspace, commit).collect().equals(frame)
    assert versions.load(workspace, "sensor@main", ["n", "at"]).equals(frame.select("n", "at"))
    assert (commit.rows, commit.parent, commit.message, commit.time_column) == (100, None, "first", "at")
    assert commit.source == Source("by hand")
    assert commit == workspace.data.show(f"sensor@{commit.id[:8]}")


def test_appending_adds_a_part_and_keeps_the_others(workspace):
    first = versions.commit_frame(workspace, "sensor", table(60), time_column="at")
    second = versions.commit_frame(workspace, "sensor", table(40, 60), append=True)

    assert second.parts[: len(first.parts)] == first.parts
    assert len(second.parts) == len(first.parts) + 1
    assert (second.parent, second.rows, second.time_column) == (first.id, 100, "at")
    assert versions.load(workspace, "sensor").equals(table(100))
    assert versions.load(workspace, first).equals(table(60))
    assert workspace.data.log("sensor") == [second, first]


def test_the_same_table_makes_no_new_version(workspace):
    first = versions.commit_frame(workspace, "sensor", table(60))

    assert versions.commit_frame(workspace, "sensor", table(60), message="again") == first
    assert len(workspace.data.log("sensor")) == 1


def test_a_new_table_replaces_the_rows_and_keeps_the_old_version(workspace):
    first = versions.commit_frame(workspace, "sensor", table(60))
    second = versions.commit_frame(workspace, "sensor", table(5).select("n"))

    assert versions.load(workspace, "sensor").columns == ["n"]
    assert versions.load(workspace, first).height == 60
    assert second.parent == first.id


def test_a_large_table_is_cut_into_parts(workspace, monkeypatch):
    monkeypatch.setattr(cuts, "PIECE_ROWS", 512)
    frame = table(5000)

    commit = versions.commit_frame(workspace, "sensor", frame)

    assert len(commit.parts) > 2
    assert sum(part.rows for part in commit.parts) == 5000
    assert all(sum(group.rows for group in part.groups) == part.rows for part in commit.parts)
    assert versions.load(workspace, "sensor").equals(frame)


def test_the_same_rows_again_cost_nothing_and_a_few_more_cost_little(workspace):
    frame = table(100_000).with_columns(pl.Series("x", np.random.default_rng(7).normal(size=100_000)))
    first = versions.commit_frame(workspace, "sensor", frame, profile=False)
    stored = _stored(workspace)
    assert versions.commit_frame(workspace, "sensor", frame, profile=False).id == first.id
    assert _stored(workspace) == stored
    versions.commit_frame(workspace, "sensor", pl.concat([frame[:10], frame]), profile=False)
    assert _stored(workspace) - stored < stored / 2


def _stored(workspace) -> int:
    return sum(each.size_bytes for each in workspace.blobs.list("data/packs/"))


def test_the_profile_is_of_the_whole_version(workspace):
    versions.commit_frame(workspace, "sensor", table(60))
    versions.commit_frame(workspace, "sensor", table(40, 60), append=True)

    assert workspace.data.profile_of("sensor") == profiles.profile(table(100))


def test_a_profile_that_was_not_made_is_made_when_asked(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(60), profile=False)

    with pytest.raises(NotFound, match="No profile"):
        workspace.data.profile_of("sensor")
    assert versions.profile_of(workspace, commit) == workspace.data.profile_of("sensor")


def test_a_schema_is_kept_with_the_version(workspace):
    schema = schemas.infer(table(60), "b", time="at")

    commit = versions.commit_frame(workspace, "sensor", table(60), schema=schema)

    assert workspace.data.schema_of(commit.ref) == schema
    other = versions.set_schema(workspace, commit, schemas.infer(table(60), "s"))
    assert workspace.data.schema_of("sensor").target == "s"
    assert other.id == commit.id


def test_integers_may_become_numbers_when_appending(workspace):
    versions.commit_frame(workspace, "x", pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    versions.commit_frame(workspace, "x", pl.DataFrame({"b": ["y"], "a": [2.5]}), append=True)
    commit = versions.commit_frame(workspace, "x", pl.DataFrame({"a": [4], "b": [None]}), append=True)

    assert commit.columns == [Column("a", "number"), Column("b", "string")]
    assert versions.load(workspace, "x").rows() == [(1.0, "x"), (2.0, None), (2.5, "y"), (4.0, None)]
    assert versions.scan(workspace, "x", ["a"]).collect()["a"].sum() == 9.5


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (pl.DataFrame({"a": [1]}), "missing: b"),
        (pl.DataFrame({"a": [1], "b": ["x"], "c": [1]}), "new: c"),
        (pl.DataFrame({"a": ["one"], "b": ["x"]}), "string here, integer in the newest version"),
        (pl.DataFrame({"a": [], "b": []}), "0 rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused(workspace, frame, found):
    before = versions.commit_frame(workspace, "x", pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}))

    with pytest.raises(Invalid) as caught:
        versions.commit_frame(workspace, "x", frame, append=True)

    assert found in caught.value.found
    assert workspace.data.show("x") == before


@pytest.mark.parametrize(("column", "kind"), [("att", NotFound), ("n", Invalid)])
def test_the_time_of_a_row_is_a_column_of_times(workspace, column, kind):
    with pytest.raises(kind):
        versions.commit_frame(workspace, "sensor", table(5), time_column=column)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("senser", "'sensor'"),
        ("sensor@mian", "'main'"),
        ("sensor@ffffff", "version of sensor 'ffffff'"),
        ("a b@c@d", "a b"),
    ],
)
def test_an_unknown_version_offers_the_nearest(workspace, ref, said):
    versions.commit_frame(workspace, "sensor", table(5))

    with pytest.raises(NotFound) as caught:
        versions.load(workspace, ref)

    assert said in str(caught.value)


def test_an_unknown_column_offers_the_nearest(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(5))

    with pytest.raises(NotFound, match="'groesse in m'") as caught:
        versions.load(workspace, commit, ["groesse in m"])

    assert "'größe in m'" in caught.value.hint


def test_a_damaged_part_is_never_loaded(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(500), profile=False)
    for pack in (workspace.folder / "blobs" / "data" / "packs").rglob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[24] ^= 1  # in the first frame
        pack.chmod(0o644)
        pack.write_bytes(bytes(data))

    with pytest.raises(Unavailable, match="damaged"):
        versions.load(workspace, commit)


def test_source_of_a_file_is_recorded(workspace, tmp_path):
    path = tmp_path / "churn.csv"
    path.write_text("a,b\n1,2\n")
    found = ingest.read(path)

    commit = versions.commit_frame(workspace, "churn", found.frame, source=found.source)

    assert commit.source.digest == ids.digest(b"a,b\n1,2\n")
    assert commit.source.modified_at is not None
    assert versions.commit_frame(workspace, "churn-2", found.frame, source=path).source == commit.source


def test_a_commit_is_its_content(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(5))

    stored = workspace.blobs.get(f"data/commits/{commit.id[:2]}/{commit.id}")
    assert ids.digest(stored) == commit.id
    assert read_commit(stored) == msgspec.structs.replace(commit, profile_digest="", schema_digest="")


def one_table(**changes) -> Table:
    given = {"path": "table", "columns": [Column("n", "integer")], "rows": 3, "parts": [Part("0" * 64, 3, 9)]}
    return Table(**given | changes)


def test_a_commit_that_expects_another_head_is_refused(workspace):
    head = versions.commit_frame(workspace, "sensor", table(5))
    for expected in ("", "0" * 64):
        with pytest.raises(Conflict, match="moved meanwhile"):
            versions.commit_frame(workspace, "sensor", table(6), expected_head=expected)
    assert workspace.data.show("sensor") == head
    assert versions.commit_frame(workspace, "sensor", table(6), expected_head=head.id).parent == head.id


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"dataset": "a/b"}, Invalid),
        ({"branch": "a@b"}, Invalid),
        ({"tables": [one_table(parts=[])]}, Invalid),
        ({"tree": "0" * 64}, NotFound),
        ({"tree": "../../etc"}, Invalid),
        ({"tables": [one_table(columns=[])]}, Invalid),
        ({"tables": [one_table(columns=[Column("n", "integer"), Column("n", "string")])]}, Invalid),
        ({"tables": [one_table(time_column="when")]}, NotFound),
        ({"tables": [one_table(key=["id"])]}, NotFound),
        ({"profile": "0" * 64}, NotFound),
        ({"parents": ["0" * 64]}, Conflict),
    ],
)
def test_a_wrong_commit_changes_nothing(workspace, changes, kind):
    arguments = {"dataset": "sensor", "tree": "", "source": Source("x")}

    with pytest.raises(kind):
        workspace.call("data.record", **arguments | changes)

    assert workspace.data.datasets() == []


def test_a_profile_must_be_one(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(5))

    with pytest.raises(Invalid, match="no profile"):
        workspace.data.set_profile(commit.ref, put_object(workspace.blobs, b'{"rows": "many"}'))


def test_branches_go_their_own_way(workspace):
    start = versions.commit_frame(workspace, "sensor", table(5))
    workspace.data.branch("sensor", "trial")
    other = versions.commit_frame(workspace, "sensor", table(5, 5), append=True, branch="trial")

    assert workspace.data.show("sensor") == start
    assert workspace.data.show("sensor@trial") == other
    assert workspace.data.log("sensor", branch="trial") == [other, start]
    with pytest.raises(Conflict, match="has a branch 'trial' already"):
        workspace.data.branch("sensor", "trial")
    [dataset] = workspace.data.datasets()
    assert dataset.branches == {"main": start.id, "trial": other.id}
    assert (dataset.rows, dataset.commits) == (5, 2)


def test_the_same_on_postgresql_and_s3(fresh_postgres_url, fresh_s3_url, tmp_path, monkeypatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    join = "&" if "?" in fresh_postgres_url else "?"
    with Workspace.open(f"{fresh_postgres_url}{join}blobs={quote(fresh_s3_url, safe='')}") as team:
        first = versions.commit_frame(team, "sensor", table(60), time_column="at")
        second = versions.commit_frame(team, "sensor", table(40, 60), append=True)

        assert versions.load(team, "sensor").equals(table(100))
        assert versions.scan(team, first.ref).collect().equals(table(60))
        assert team.data.log("sensor") == [second, first]
        assert team.data.profile_of("sensor") == profiles.profile(table(100))
        assert team.data.datasets()[0].branches == {"main": second.id}
        with pytest.raises(NotFound):
            versions.load(team, "senser")


APPENDER = """
    import sys
    import polars as pl
    from fettle.data import versions
    from fettle.workspace import Workspace

    folder, who = sys.argv[1:]
    ws = Workspace.open(folder)
    for number in range(8):
        versions.commit_frame(ws, "shared", pl.DataFrame({"who": [who], "number": [number]}), append=True)
"""


def test_processes_that_append_at_once_lose_nothing(workspace, tmp_path):
    script = tmp_path / "appender.py"
    script.write_text(textwrap.dedent(APPENDER))

    running = [subprocess.Popen([sys.executable, str(script), str(tmp_path), who]) for who in ("a", "b", "c")]

    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    rows = versions.load(workspace, "shared").rows()
    assert sorted(rows) == sorted((who, number) for who in "abc" for number in range(8))
    for who in "abc":
        assert [number for owner, number in rows if owner == who] == list(range(8))
    assert len(workspace.data.log("shared")) == 24


def test_every_commit_leaves_an_event_and_an_audit_entry(workspace):
    commit = versions.commit_frame(workspace, "sensor", table(5))

    with workspace.database.read() as tx:
        from fettle.acts import store

        [event] = store.list_events(tx, kind="data.committed")
        acts = [entry.act for entry in store.list_audit(tx)]
    assert event[1].subject == "dataset:sensor"
    assert event[1].body["commit"] == commit.id
    assert acts == ["data.record"]
