from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest

from fettle import tracking
from fettle.core.errors import Invalid
from fettle.storage.objects import get_object
from fettle.workspace import Workspace


def test_a_run_in_a_with_block(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("converged")
    with tracking.run(
        workspace, "churn", params={"lr": np.float64(0.1), "kind": object, "bad": math.nan}, tags={"n": "1"}
    ) as run:
        for epoch in range(5):
            run.log({"valid/loss": np.float32(0.5)}, loss=1 / (epoch + 1), step=epoch)
        run.log(accuracy=1)
        kept = run.artifact("notes.txt", tmp_path / "notes.txt")
        run.set(tags={"done": "yes"})
        run.flush()
        assert workspace.tracking.show(run.id).status == "running"
    shown = workspace.tracking.show(run.id)
    assert shown.status == "finished"
    assert shown.metrics == {"accuracy": 1.0, "loss": 0.2, "valid/loss": 0.5}
    assert shown.params["lr"] == 0.1
    assert shown.params["bad"] == "nan"
    assert shown.tags == {"n": "1", "done": "yes"}
    assert [each.step for each in workspace.tracking.series(run.id, "accuracy")] == [5]
    assert get_object(workspace.blobs, kept.digest) == b"converged"
    assert not list(workspace.folder.glob("tracking/*"))


def test_an_exception_fails_the_run(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), tracking.run(workspace, "churn") as run:
        run.log(loss=math.inf)
        raise ZeroDivisionError
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.not_finite) == ("failed", {"loss": "Infinity"})


def test_what_is_no_number_and_what_comes_too_late_is_refused(workspace: Workspace) -> None:
    run = tracking.run(workspace, "churn")
    with pytest.raises(Invalid, match="takes numbers"):
        run.log(loss="high")
    with pytest.raises(Invalid, match="no such file"):
        run.artifact("nowhere.txt")
    run.finish()
    run.finish("failed")
    assert workspace.tracking.show(run.id).status == "finished"
    with pytest.raises(Invalid, match="has ended"):
        run.log(loss=1.0)


def test_many_threads_may_log_to_one_run(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:

        def work(name: str) -> None:
            for step in range(500):
                run.log({name: step}, step=step)

        threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {each.key: each.count for each in workspace.tracking.show(run.id).summaries} == {
        f"t{number}": 500 for number in range(4)
    }


def test_a_run_is_taken_up_again_by_its_id(workspace: Workspace) -> None:
    for _ in range(2):
        with tracking.run(workspace, "churn", run_id="one") as run:
            run.log(loss=1.0)
    assert workspace.tracking.show("one").summaries[0].count == 2
