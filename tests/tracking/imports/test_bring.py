from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.tracking.imports.bring import bring, missing
from fettle.tracking.imports.foreign import ForeignRun, Unreadable, points_of
from fettle.workspace import Workspace
from tests.tracking.imports.test_readers import sql_store

ROW = st.tuples(
    st.integers(-5, 5), st.integers(0, 3), st.sampled_from([0.0, 1.5, float("nan"), float("inf")])
)


@given(st.lists(ROW), st.lists(ROW))
def test_missing_is_a_difference_of_bags(wanted, known) -> None:
    def bag(rows):
        return sorted((step, at, np.float64(value).tobytes()) for step, at, value in rows)

    found = missing(points_of(wanted), points_of(known))
    rows = zip(found.steps.tolist(), found.at_us.tolist(), found.values.tolist(), strict=True)
    left = bag(wanted)
    for each in bag(known):
        if each in left:
            left.remove(each)
    assert bag(rows) == left


def test_a_point_with_an_earlier_time_comes_at_the_next_import(workspace: Workspace, tmp_path: Path) -> None:
    url = sql_store(tmp_path / "mlflow.db")
    assert workspace.tracking.import_(url).points == 3
    with sqlite3.connect(tmp_path / "mlflow.db") as db:
        db.execute("INSERT INTO metrics VALUES ('loss', 9.0, 1600000000000, 'r1', 5, 0)")
    assert workspace.tracking.import_(url).points == 1
    assert workspace.tracking.import_(url).points == 0
    steps = [each.step for each in workspace.tracking.series("r1", "loss", most=0)]
    assert sorted(steps) == [0, 1, 5]


def test_what_fails_in_one_run_leaves_the_others(workspace: Workspace) -> None:
    def broken():
        yield "fine", points_of([(0, 0, 1.0)])
        raise ValueError("the file ends here")

    def odd():
        yield "a\x00b", points_of([(0, 0, 1.0)])
        yield "good", points_of([(0, 0, 2.0)])

    runs = [
        Unreadable("first", "no such thing"),
        ForeignRun("r-1", "x", curves=broken, files=lambda: iter([("../up", Path(__file__))])),
        ForeignRun("r-2", "x", curves=odd),
    ]
    told = bring(workspace, runs)
    assert (told.runs, told.points, told.files) == (2, 2, 0)
    assert len(told.left) == 4


def test_a_source_of_which_nothing_can_be_read_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Invalid, match="Nothing could be imported"):
        bring(workspace, [Unreadable("first", "no such thing")])
