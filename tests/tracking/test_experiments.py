from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.storage.open import open_database
from fettle.tracking.store import MIGRATIONS, experiments
from fettle.workspace import Workspace

OLD_RUNS = sa.table(
    "tracking_runs",
    *(sa.column(name) for name in ("id", "experiment", "name", "status", "author", "started_at", "inputs")),
)


def test_a_run_makes_its_experiment(workspace: Workspace) -> None:
    workspace.tracking.start("churn")
    made = workspace.tracking.experiment("churn")
    assert (made.number, made.runs, made.notes) == (1, 1, "")
    assert workspace.tracking.experiment(number=1) == made


def test_the_default_experiment_is_number_nought(workspace: Workspace) -> None:
    workspace.tracking.start("churn")
    workspace.tracking.start("Default")
    assert workspace.tracking.experiment("Default").number == 0
    workspace.tracking.start("fraud")
    assert workspace.tracking.experiment("fraud").number == 2


def test_made_described_tagged_renamed(workspace: Workspace) -> None:
    workspace.tracking.make_experiment("a/b c", notes="Why", tags={"team": "risk"})
    run = workspace.tracking.start("a/b c")
    with pytest.raises(Conflict, match="already"):
        workspace.tracking.make_experiment("a/b c")
    changed = workspace.tracking.change_experiment("a/b c", to="größer", tags={"x": "1"}, untag=["team"])
    assert (changed.name, changed.tags, changed.notes) == ("größer", {"x": "1"}, "Why")
    assert workspace.tracking.show(run.id).experiment == "größer"
    with pytest.raises(NotFound):
        workspace.tracking.experiment("a/b c")


def test_the_bin_of_experiments_and_runs(workspace: Workspace) -> None:
    first, second = workspace.tracking.start("churn"), workspace.tracking.start("churn")
    workspace.tracking.delete(first.id)
    workspace.tracking.delete_experiment("churn")
    assert workspace.tracking.experiments() == []
    assert [each.name for each in workspace.tracking.experiments(deleted=True)] == ["churn"]
    with pytest.raises(Conflict, match="bin"):
        workspace.tracking.start("churn")
    with pytest.raises(Conflict, match="bin"):
        workspace.tracking.set(second.id, tags={"a": "b"})
    workspace.tracking.restore_experiment("churn")
    assert [each.id for each in workspace.tracking.runs("churn")] == [second.id]  # the first went before
    workspace.tracking.restore(first.id)
    assert len(workspace.tracking.runs("churn")) == 2


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "x" * 501, "a\ud800"])
def test_what_cannot_name_an_experiment(workspace: Workspace, name: str) -> None:
    with pytest.raises(Invalid):
        workspace.tracking.make_experiment(name)


def test_experiments_of_an_older_workspace_are_numbered_as_they_began(tmp_path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    db.migrate("tracking", MIGRATIONS[:1])
    at = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    with db.write() as tx:
        for place, name in enumerate(["late", "early", "late"]):
            began = at + (0 if name == "early" else 10 + place)
            row = {"id": f"r{place}", "experiment": name, "name": "n", "status": "finished", "author": "me"}
            tx.execute(OLD_RUNS.insert().values(**row, started_at=began, inputs="[]"))
    db.migrate("tracking", MIGRATIONS)
    with db.read() as tx:
        found = experiments.list_experiments(tx)
    assert {(each.name, each.number, each.runs) for each in found} == {("early", 1, 1), ("late", 2, 2)}
    db.close()
