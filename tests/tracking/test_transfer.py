from __future__ import annotations

import math
import pkgutil
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import msgspec
import polars as pl
import pytest
import sqlalchemy as sa

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.objects import get_object, put_object
from fettle.tracking import run as tracked
from fettle.tracking import store
from fettle.tracking.store import transfer as rows
from fettle.tracking.transfer import layout
from fettle.workspace import Workspace


@pytest.fixture
def full(tmp_path: Path):
    """A workspace with a run of everything."""
    with Workspace.create(tmp_path / "from") as ws:
        ws.tracking.make_experiment("churn", notes="*why*", tags={"team": "risk"})
        with tracked(
            ws, "churn", name="first", params={"lr": 0.1, "net": {"n": [1, 2]}}, tags={"a": "ü"}
        ) as run:
            for step in range(300):
                run.log(loss=math.nan if step == 7 else 1 / (step + 1), step=step)
            run.log({"val/acc": math.inf}, step=3)
        ws.tracking.note(run.id, "# Notes")
        digest = put_object(ws.blobs, b"content")
        ws.tracking.artifact(run.id, "plots/a.txt", digest, 7)
        binned = ws.tracking.start("churn", "binned").id
        ws.tracking.delete(binned)
        yield ws


def seen(ws: Workspace) -> list[object]:
    """All that is known of all runs, so that it can be compared."""
    found: list[object] = []
    for id in ws.call("tracking.ids"):
        run = ws.tracking.show(id)
        history = {each.key: ws.tracking.history(id, each.key) for each in run.summaries}
        found += [run, {key: (each.steps, each.at_us, each.values) for key, each in history.items()}]
    return found


def test_everything_comes_back_as_it_was(full: Workspace, tmp_path: Path) -> None:
    made = full.tracking.export(tmp_path / "out")
    assert (made.runs, made.points, made.files) == (2, 301, 1)
    with Workspace.create(tmp_path / "to") as other:
        told = other.tracking.import_(str(tmp_path / "out"))
        assert (told.runs, told.known, told.points, told.files) == (2, 0, 301, 1)
        one, same = (
            full.tracking.show(full.call("tracking.ids")[0]),
            other.tracking.show(other.call("tracking.ids")[0]),
        )
        for field in (
            "id",
            "experiment",
            "name",
            "author",
            "started_at",
            "ended_at",
            "params",
            "tags",
            "notes",
            "status",
        ):
            assert getattr(one, field) == getattr(same, field)
        assert one.summaries == same.summaries
        assert seen(full)[1] == seen(other)[1]
        assert get_object(other.blobs, same.artifacts[0].digest) == b"content"
        assert other.tracking.experiment("churn").tags == {"team": "risk"}
        again = other.tracking.import_(str(tmp_path / "out"))
        assert (again.runs, again.known, again.points, again.files) == (0, 2, 0, 0)


def test_others_can_read_it(full: Workspace, tmp_path: Path) -> None:
    full.tracking.export(tmp_path / "out")
    points = pl.read_parquet(tmp_path / "out" / "points.parquet")
    assert points.columns == ["run", "key", "step", "at", "value"]
    assert points.filter(pl.col("key") == "loss").height == 300


def test_an_export_that_was_cut_off_is_no_export(full: Workspace, tmp_path: Path) -> None:
    full.tracking.export(tmp_path / "out")
    (tmp_path / "out" / "fettle-tracking.json").unlink()
    with pytest.raises(NotFound, match="cut off"):
        full.tracking.import_(str(tmp_path / "out"), tool="fettle")


def test_a_folder_that_holds_something_is_refused(full: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(Conflict, match="not empty"):
        full.tracking.export(tmp_path / "out")


def test_a_damaged_file_is_never_taken_in(full: Workspace, tmp_path: Path) -> None:
    full.tracking.export(tmp_path / "out")
    next((tmp_path / "out" / "objects").glob("*/*")).write_bytes(b"other")
    with Workspace.create(tmp_path / "to") as other, pytest.raises(Invalid, match="damaged"):
        other.tracking.import_(str(tmp_path / "out"))


TAKEN_OTHERWISE = {
    "tracking_experiments": "experiments.parquet",
    "tracking_experiment_tags": "experiments.parquet",
    "tracking_runs": "runs.parquet",
    "tracking_params": "runs.parquet",
    "tracking_tags": "runs.parquet",
    "tracking_artifacts": "artifacts.parquet",
    "tracking_metrics": "made again from points.parquet",
    "tracking_chunks": "points.parquet",
    "tracking_outlines": "made again from points.parquet",
    "tracking_cursors": "what has arrived from which journal is a matter of the workspace it arrived in",
    "tracking_reads": "made again from the inputs in runs.parquet",
    "tracking_pins": "said by the registry of the workspace where something was made from the run",
    "tracking_orphans": "a note of what gc has still to look at",
}


@pytest.mark.parametrize("name", ["runs", "points", "artifacts", "experiments", "comments"])
def test_a_damaged_table_is_said_to_be_one(full: Workspace, tmp_path: Path, name: str) -> None:
    full.tracking.export(tmp_path / "out")
    (tmp_path / "out" / f"{name}.parquet").write_bytes(b"PAR1 and no more")
    with Workspace.create(tmp_path / "to") as other, pytest.raises(Invalid, match="damaged"):
        other.tracking.import_(str(tmp_path / "out"))


def test_every_table_is_exported_or_has_a_reason() -> None:
    parts = [import_module(each.name) for each in pkgutil.iter_modules(store.__path__, f"{store.__name__}.")]
    tables = [each for part in parts if part is not rows for each in vars(part).values()]
    found = [each for each in tables if isinstance(each, sa.Table)]
    known = {each.name: each for each in found if each.name.startswith("tracking_")}
    made = {f"tracking_{name}" for name in layout.MADE}
    assert not made & set(TAKEN_OTHERWISE)
    assert set(known) == made | set(TAKEN_OTHERWISE)
    for name, table in layout.MADE.items():
        assert set(table.columns.names) == set(known[f"tracking_{name}"].columns.keys())
        assert name in rows.TABLES


def test_what_people_made_comes_back(full: Workspace, tmp_path: Path) -> None:
    run = full.call("tracking.ids")[0]
    number = full.tracking.experiment("churn").number
    digest = put_object(full.blobs, b"weights")
    comment = full.tracking.comment(f"run:{run}", "Look, @ada")
    full.tracking.pin(f"run:{run}", note="best")
    full.tracking.write_report("q3", text="# Hello")
    link = full.tracking.share("/runs?q=1")
    full.tracking.set_quota("churn", runs=7)
    full.call("tracking.save_view", experiment="churn", name="mine", where="metrics.loss < 1")
    data = {
        "name": "d",
        "digest": "1",
        "source_type": "local",
        "source": "s",
        "schema": "{}",
        "profile": "{}",
    }
    full.call("tracking.add_inputs", run=run, datasets=[data])
    model = full.call("tracking.make_model", number=number, name="net", run=run)
    full.call("tracking.file", owner=f"model:{model.id}", path="w.bin", digest=digest, size_bytes=7)
    full.call("tracking.add_outputs", run=run, models=[{"model": model.id, "step": 3}])
    full.call(
        "tracking.observe", run=run, models=[{"model": model.id, "key": "acc", "value": "NaN", "step": 1}]
    )
    full.call("tracking.make_evaluation_set", name="golden", experiments=[number])
    for scorer in ("{}", '{"judge": 1}'):
        full.call("tracking.register_scorer", experiment=number, name="polite", scorer=scorer)
    full.tracking.export(tmp_path / "out")
    with Workspace.create(tmp_path / "to") as other:
        other.tracking.make_experiment("in front")
        for _ in range(2):
            other.tracking.import_(str(tmp_path / "out"))
        assert other.tracking.comments(f"run:{run}") == [comment]
        assert other.tracking.mentions("user:ada") == [comment]
        assert other.tracking.link(link.id) == link
        assert other.tracking.report("q3") == full.tracking.report("q3")
        assert other.tracking.quota("churn").most_runs == 7
        assert get_object(other.blobs, digest) == b"weights"
        assert other.tracking.show(run).artifacts == full.tracking.show(run).artifacts
        moved = other.tracking.experiment("churn").number
        assert moved != number
        for name in layout.MADE:
            went, came = (each.call("tracking.rows", table=name).rows for each in (full, other))
            assert came == went
            assert pl.read_parquet(tmp_path / "out" / f"{name}.parquet").height == len(went)


def test_experiments_keep_their_times(full: Workspace, tmp_path: Path) -> None:
    full.tracking.make_experiment("old")
    full.tracking.change_experiment("old", to="older", tags={"a": "b"})
    full.tracking.delete_experiment("older")
    full.tracking.export(tmp_path / "out")
    with Workspace.create(tmp_path / "to") as other:
        other.tracking.make_experiment("in front")
        for _ in range(2):
            other.tracking.import_(str(tmp_path / "out"))
        for name in ("churn", "older"):
            one, same = full.tracking.experiment(name), other.tracking.experiment(name)
            assert same == msgspec.structs.replace(one, number=same.number)


def test_an_experiment_that_is_not_there_is_not_exported_in_silence(full: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="chorn"):
        full.tracking.export(tmp_path / "out", experiments=["chorn"])


@pytest.mark.parametrize("after", [["x", "y"], [1], ["x"] * 5])
def test_a_key_of_another_form_is_refused(workspace: Workspace, after: list[object]) -> None:
    with pytest.raises(Invalid, match="no key of comments"):
        workspace.call("tracking.rows", table="comments", after=after)


@pytest.mark.parametrize("table", sorted(layout.MADE))
def test_every_table_is_read_page_by_page(full: Workspace, table: str) -> None:
    many(full)
    whole = full.call("tracking.rows", table=table).rows
    found, after = [], []
    while (page := full.call("tracking.rows", table=table, after=after, limit=2)).rows:
        found += page.rows
        after = page.after
    assert found == whole and (len(whole) > 2 or table not in ("comments", "traces", "spans"))


def many(ws: Workspace) -> None:
    """Some of everything that has a key of several columns."""
    run = ws.call("tracking.ids")[0]
    number = ws.tracking.experiment("churn").number
    model = ws.call("tracking.make_model", number=number, name="net", run=run)
    for place in range(5):
        ws.tracking.comment(f"run:{run}", f"Look, @ada and @ben{place}")
        told = {"model": model.id, "key": f"acc{place % 2}", "value": 0.5, "step": place}
        ws.call("tracking.observe", run=run, models=[told])
        span = {
            "id": f"{place:016x}",
            "parent": "",
            "name": "s",
            "started_ns": 1,
            "ended_ns": 2,
            "failed": False,
            "said": {},
        }
        ws.call("tracking.put_spans", experiment=number, spans=[{"trace": f"tr-{place}", **span}])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_written_and_removed_meanwhile_doubles_and_hides_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    url = str(tmp_path / "from")
    if kind == "postgresql":
        url = f"{request.getfixturevalue('fresh_postgres_url')}&blobs={tmp_path / 'blobs'}"
    with Workspace.create(url) if kind == "sqlite" else Workspace.open(url) as ws:
        shown = ws.tracking.start("churn")
        ids = [f"r{place:04d}" for place in range(210)]
        for id in ids:
            ws.call("tracking.adopt", run=msgspec.structs.replace(shown, id=id))
        comments = [f"c{place:05d}" for place in range(1050)]
        for start in range(0, len(comments), 525):
            rows = [row_of(each) for each in comments[start : start + 525]]
            ws.call("tracking.adopt_rows", table="comments", rows=rows)
        gone = write_meanwhile(ws, ids, comments, lambda: ws.tracking.export(tmp_path / "out"))
    assert gone
    for name, known in (("runs", ids), ("comments", comments)):
        found = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")["id"].to_list()
        assert len(found) == len(set(found))
        assert set(known) - gone <= set(found)


def row_of(comment: str) -> dict[str, object]:
    said = {"subject": "experiment:churn", "text": "x", "author": "user:ada", "mentions": "[]"}
    return {"id": comment, **said, "at": 1, "edited_at": None, "answers": None}


def write_meanwhile(
    ws: Workspace, ids: list[str], comments: list[str], work: Callable[[], object]
) -> set[str]:
    """Remove from the front and add there too, in a thread, until the work is done; what was removed."""
    gone: set[str] = set()
    done = threading.Event()

    def write() -> None:
        rows = iter(zip(ids[::3], range(len(ids)), strict=False))
        while not done.is_set() and (found := next(rows, None)):
            run, place = found
            ws.tracking.delete(run)
            ws.call("tracking.purge", ids=[run])
            ws.call("tracking.adopt_rows", table="comments", rows=[row_of(f"a{place:05d}")])
            ws.call("tracking.drop_comment", comment=comments[place * 5])
            gone.update((run, comments[place * 5]))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        work()
    finally:
        done.set()
        writer.join()
    return gone


def test_an_export_of_some_experiments_has_what_belongs_to_them(full: Workspace, tmp_path: Path) -> None:
    elsewhere = full.tracking.start("other").id
    full.tracking.comment(f"run:{elsewhere}", "not this")
    mine = full.tracking.comment(f"run:{full.call('tracking.ids')[0]}", "this, @ada")
    full.tracking.export(tmp_path / "out", experiments=["churn"])
    assert pl.read_parquet(tmp_path / "out" / "comments.parquet")["id"].to_list() == [mine.id]
    assert pl.read_parquet(tmp_path / "out" / "mentions.parquet")["comment"].to_list() == [mine.id]


@pytest.mark.parametrize("row", [{}, {"actor": 1, "comment": "x"}, {"actor": "a", "comment": "b", "more": 1}])
def test_rows_of_another_form_are_refused(workspace: Workspace, row: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="no row of mentions"):
        workspace.call("tracking.adopt_rows", table="mentions", rows=[row])


def test_it_goes_to_postgresql_and_back(
    full: Workspace, fresh_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    run = full.call("tracking.ids")[0]
    full.tracking.comment(f"run:{run}", "Look, @ada")
    full.tracking.set_quota("churn", runs=7)
    full.call("tracking.save_view", experiment="churn", name="mine", where="metrics.loss < 1")
    model = full.call(
        "tracking.make_model", number=full.tracking.experiment("churn").number, name="net", run=run
    )
    told = [{"model": model.id, "key": "acc", "value": value, "step": 1} for value in ("NaN", 0.25)]
    full.call("tracking.observe", run=run, models=told)
    full.tracking.export(tmp_path / "out")
    with Workspace.open(f"{fresh_postgres_url}&blobs={tmp_path / 'blobs'}") as other:
        other.tracking.import_(str(tmp_path / "out"))
        other.tracking.export(tmp_path / "back")
    for name in (*layout.MADE, "artifacts", "runs"):
        went, came = (pl.read_parquet(tmp_path / each / f"{name}.parquet") for each in ("out", "back"))
        assert went.sort(pl.all()).equals(came.sort(pl.all()))
