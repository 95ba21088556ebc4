"""Running a project again: unchanged steps are reused, a grown source is judged on its new rows only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fettle.acts import Surface
from fettle.projects.records import Project
from fettle.projects.run import run

PROJECT = Project(
    name="shop",
    source="shop.csv",
    dataset="shop",
    target="way",
    trials=3,
    algorithms=("logistic", "extra_trees"),
)


def write(folder: Path, rows: int, noise: float = 0.1) -> None:
    chance = np.random.default_rng(rows)
    x, y = chance.normal(size=rows), chance.normal(size=rows)
    up = (x + y + chance.normal(size=rows) * noise) > 0
    pl.DataFrame({"x": x, "y": y, "way": np.where(up, "up", "down")}).write_csv(folder / "shop.csv")


def grow(folder: Path, rows: int) -> None:
    known = pl.read_csv(folder / "shop.csv")
    write(folder, rows)
    pl.concat([known, pl.read_csv(folder / "shop.csv")]).write_csv(folder / "shop.csv")


def steps(ws: Surface) -> list[tuple[str, str]]:
    """The steps of the newest pipeline run."""
    newest = ws.call("pipelines.runs", name="shop", limit=1)[0]
    return [(each.name, each.status) for each in ws.call("pipelines.show", flow=newest.id).steps]


def champion(ws: Surface) -> int:
    return ws.call("registry.alias", model="shop").version


def test_nothing_is_run_again_until_something_changes(workspace: Surface, tmp_path: Path):
    write(tmp_path, 300)
    first = run(workspace, PROJECT, tmp_path)
    assert (first.version, champion(workspace), first.refused) == (1, 1, [])
    again = run(workspace, PROJECT, tmp_path)
    assert {status for _, status in steps(workspace)} == {"reused"}
    assert again.version == 1

    grow(tmp_path, 310)
    grown = run(workspace, PROJECT, tmp_path)
    assert grown.cut.known == first.commit
    assert grown.contest is not None
    assert grown.contest.comparison is not None
    for _ in range(2):
        same = run(workspace, PROJECT, tmp_path)
        assert {status for _, status in steps(workspace)} == {"reused"}
        assert same.version == grown.version
    assert champion(workspace) == (2 if grown.contest.promote else 1)


def test_other_gates_are_no_conflict(workspace: Surface, tmp_path: Path):
    write(tmp_path, 300)
    run(workspace, PROJECT, tmp_path)
    looser = Project(
        **{name: getattr(PROJECT, name) for name in PROJECT.__struct_fields__} | {"tolerance": 0.2}
    )
    assert run(workspace, looser, tmp_path).version == 1


def test_a_champion_that_knows_its_rows_by_heart_does_not_keep_a_better_one_out(
    workspace: Surface, tmp_path: Path
):
    """With a target of pure chance, memory shines on rows it has seen; on new ones nobody is surely better."""
    chance = np.random.default_rng(5)
    noise = pl.DataFrame({"x": chance.normal(size=600), "way": chance.choice(["up", "down"], size=600)})
    noise.head(400).write_csv(tmp_path / "shop.csv")
    project = Project(
        name="shop", source="shop.csv", dataset="shop", target="way", trials=1, algorithms=("extra_trees",)
    )
    run(workspace, project, tmp_path)
    workspace.call("registry.promote", model="shop", version=1, override=True, reason="for the test")
    noise.write_csv(tmp_path / "shop.csv")
    second = run(workspace, project, tmp_path)
    assert second.contest is not None
    assert second.contest.comparison is not None
    assert second.contest.comparison.champion == pytest.approx(0.5, abs=0.15)
