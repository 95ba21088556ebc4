from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.objects import get_object, put_object
from fettle.tracking import run as tracked
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
