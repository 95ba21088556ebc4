"""`fettle.toml`: written, read back, and never overwritten by surprise."""

from __future__ import annotations

from pathlib import Path

import pytest

from fettle.core.errors import Conflict, Invalid, Unavailable
from fettle.projects.declare import read_project, read_values, render, write_project

VALUES = {
    "project.name": 'Größe "2"',
    "data.source": "a file.csv",
    "data.target": "class",
    "data.ignore": ["id", "näme"],
    "train.trials": 5,
    "gates.tolerance": 0.05,
    "retrain.enabled": False,
    "monitor.window": "14d",
}


def test_what_is_written_is_read_back(tmp_path: Path):
    write_project(tmp_path, VALUES)
    project = read_project(tmp_path)
    assert (project.name, project.dataset) == (VALUES["project.name"], VALUES["project.name"])
    assert (project.target, project.ignore, project.trials, project.tolerance) == (
        "class",
        ("id", "näme"),
        5,
        0.05,
    )
    assert project.retrains is False
    assert project.window_s == project.stride_s == 14 * 86_400


def test_a_flag_wins_over_the_file(tmp_path: Path):
    write_project(tmp_path, VALUES)
    assert read_project(tmp_path, {"train.trials": 9}).trials == 9


def test_another_declaration_is_not_overwritten(tmp_path: Path):
    write_project(tmp_path, VALUES)
    write_project(tmp_path, VALUES)
    with pytest.raises(Conflict, match="exists already"):
        write_project(tmp_path, VALUES | {"train.trials": 6})
    assert read_project(tmp_path).trials == 5


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"project.name": "x"}, "what to predict"),
        (VALUES | {"train.trials": 0}, "1 or more"),
        (VALUES | {"data.task": "magic"}, "one of"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(tmp_path: Path, values: dict, told: str):
    write_project(tmp_path, values)
    with pytest.raises(Invalid, match=told):
        read_project(tmp_path)


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable, match="cannot be written"):
        write_project(tmp_path / "file" / "below", VALUES)


def test_tables_of_one_name_stand_last_and_are_read_again(tmp_path):
    clean = [{"do": "impute", "columns": ["age"]}, {"do": "merge", "mapping": {"a b": "c"}}]
    values = {"project.name": "p", "clean": clean, "train.trials": 3}

    write_project(tmp_path, values)

    assert read_values(tmp_path) == values
    assert render(values).endswith('[[clean]]\ndo = "merge"\nmapping = {"a b" = "c"}\n')
