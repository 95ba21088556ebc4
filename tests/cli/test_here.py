"""`fettle.run` and `fettle.load` work on the workspace of the current folder."""

from pathlib import Path

import pytest

import fettle
from fettle.workspace import Workspace


def test_a_run_of_this_folder(home: Path):
    with fettle.run("churn", params={"lr": 0.1}) as run:
        run.log(loss=0.25)
    with Workspace.open(str(home)) as ws:
        (kept,) = ws.call("tracking.runs", experiment="churn")
    assert kept.status == "finished"
    assert kept.params == {"lr": 0.1}


@pytest.mark.parametrize("ref", ["nobody", "nobody@champion", "nobody@3"])
def test_an_unknown_model_is_not_found(home: Path, ref: str):
    with pytest.raises(fettle.NotFound, match="nobody"):
        fettle.load(ref)


def test_a_folder_without_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fettle.NotFound, match="no workspace"):
        fettle.run("churn")
