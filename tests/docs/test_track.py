"""The page on tracking does what it says, block by block."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import fettle
from fettle.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "track.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FETTLE_WORKSPACE", raising=False)
    monkeypatch.setenv("FETTLE_TRACK_CAPTURE", "code")
    ws = Workspace.create(tmp_path)
    names: dict[str, Any] = {"fettle": fettle}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    runs = ws.tracking.runs("churn", order_by="started_at")
    assert {run.status for run in runs} == {"finished"}
    first, inputs, files, *_ = runs
    assert (first.name, first.params, first.tags["stage"]) == ("first try", {"lr": 0.1}, "trial")
    assert first.notes.startswith("Falls evenly") and first.metrics["loss"] == pytest.approx(0.03)
    assert inputs.params == {"depth": 3, "model": {"width": 8}} and inputs.inputs == ["s3://bucket/churn.csv"]
    assert inputs.tags["seed.random"] == "7"
    assert [each.path for each in ws.tracking.show(files.id).artifacts] == [
        "answer.md",
        "images/sample/00000003.png",
        "models/net/manifest.json",
        "models/net/weights.txt",
        "notes/last.txt",
        "tables/errors.parquet",
    ]
    folds = [run for run in runs if run.name.startswith("fold-")]
    assert len(folds) == 3 and len({run.parent for run in folds} - {None}) == 1
    assert [run.params for run in runs if run.metrics.get("score") == 0.9] == [{"lr": 0.2}]
    assert any(run.tags.get("estimator") == "LogisticRegression" for run in runs)
    ws.close()
