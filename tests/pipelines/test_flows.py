from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.execution.ports import WorkTimedOut
from fettle.pipelines import Flow, step
from fettle.workspace import Workspace


@step
def numbers(count: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(count)})


@step
def halves(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    middle = frame.height // 2
    return frame.head(middle), frame.tail(frame.height - middle)


@step
def total(frame: pl.DataFrame, weight: float = 1.0) -> float:
    return float(frame["n"].sum()) * weight


@step
def report(results: dict[str, float], title: str) -> str:
    return f"{title}: {results}"


def pipeline(workspace: Workspace, count: int = 10, weight: float = 1.0, run_id: str | None = None) -> Flow:
    with Flow(workspace, "numbers", run_id=run_id) as flow:
        low, high = flow.run(halves, flow.run(numbers, count))
        results = {"low": flow.run(total, low), "high": flow.run(total, high, weight=weight)}
        assert flow.run(report, results, title="sums") == f"sums: {{'low': 10.0, 'high': {35.0 * weight}}}"
    return flow


def statuses(workspace: Workspace, flow: Flow) -> list[str]:
    return [each.status for each in workspace.pipelines.show(flow.id).steps]


def test_an_unchanged_pipeline_runs_nothing(workspace: Workspace) -> None:
    assert statuses(workspace, pipeline(workspace)) == ["finished"] * 5
    again = pipeline(workspace)
    assert statuses(workspace, again) == ["reused"] * 5
    (newest, oldest) = workspace.pipelines.runs("numbers")
    assert (newest.id, newest.status, newest.counts) == (again.id, "finished", {"reused": 5})
    assert oldest.counts == {"finished": 5}
    assert workspace.pipelines.show(again.id).steps[0].made_by == oldest.id


def test_a_changed_parameter_runs_what_depends_on_it(workspace: Workspace) -> None:
    pipeline(workspace)
    assert statuses(workspace, pipeline(workspace, weight=2.0)) == [
        "reused",
        "reused",
        "reused",
        "finished",
        "finished",
    ]
    assert statuses(workspace, pipeline(workspace, weight=1.0)) == ["reused"] * 5


def test_the_graph_knows_which_step_took_what_from_which(workspace: Workspace) -> None:
    for _ in range(2):
        steps = workspace.pipelines.show(pipeline(workspace).id).steps
        assert [(each.name, each.after) for each in steps] == [
            ("numbers", []),
            ("halves", [0]),
            ("total", [1]),
            ("total", [1]),
            ("report", [2, 3]),
        ]


def test_why_names_what_changed(workspace: Workspace) -> None:
    first = pipeline(workspace)
    assert "no earlier result" in str(first.why(total))
    assert first.why(total).since is None
    assert "nothing it depends on changed" in str(pipeline(workspace).why("report"))
    third = pipeline(workspace, weight=2.0)
    assert "parameter:weight: 1.0 → 2.0" in str(third.why(total))
    assert [each.what for each in third.why(report).changes] == ["parameter:results"]
    assert [each.status for each in workspace.pipelines.why(third.id, "total")] == ["reused", "finished"]
    with pytest.raises(NotFound, match="step"):
        third.why("nothing")
    with pytest.raises(NotFound):
        workspace.pipelines.why(third.id, "tota")


def test_results_are_shared_between_pipelines(workspace: Workspace) -> None:
    pipeline(workspace)
    with Flow(workspace, "other") as flow:
        flow.run(numbers, 10)
        assert flow.why(numbers).status == "reused"


def test_a_failing_step_fails_the_run_and_can_be_resumed(workspace: Workspace, tmp_path: Path) -> None:
    @step
    def fragile(value: int, path: Path) -> int:
        if not path.exists():
            raise ValueError("no file yet")
        return value + 1

    @step
    def first() -> int:
        return 1

    path = tmp_path / "outside"
    with pytest.raises(ValueError, match="no file yet"), Flow(workspace, "fragile", run_id="run-1") as flow:
        flow.run(fragile, flow.run(first), path)
    failed = workspace.pipelines.show("run-1")
    assert failed.status == "failed"
    assert [each.status for each in failed.steps] == ["finished", "failed"]
    assert failed.steps[1].error == "ValueError: no file yet"
    path.write_text("here")
    with Flow(workspace, "fragile", run_id="run-1") as flow:
        assert flow.run(fragile, flow.run(first), path) == 2
    resumed = workspace.pipelines.show("run-1")
    assert resumed.status == "finished"
    assert [each.status for each in resumed.steps] == ["finished", "finished"]
    with pytest.raises(Conflict, match="another pipeline"):
        Flow(workspace, "other", run_id="run-1")


def test_a_frame_that_was_changed_in_between_is_noticed(workspace: Workspace) -> None:
    def go(change: bool) -> tuple[float, str]:
        with Flow(workspace, "changed") as flow:
            frame = flow.run(numbers, 4)
            if change:
                frame[0, "n"] = 100
            return flow.run(total, frame), flow.why(total).status

    assert go(False) == (6.0, "finished")
    assert go(True) == (106.0, "finished")
    assert go(False) == (6.0, "reused")
    assert go(True) == (106.0, "reused")


class Weights:
    def __init__(self, values: list[int]) -> None:
        self.values = values

    def heavier(self) -> int:
        return sum(self.values)


@step
def weights() -> Weights:
    return Weights([1, 2])


@step
def weigh(found: Weights) -> int:
    return found.heavier()


def test_a_pickled_value_passes_on_its_identity_unless_it_was_changed(workspace: Workspace) -> None:
    def go(change: bool) -> tuple[int, str]:
        with Flow(workspace, "pickled") as flow:
            found = flow.run(weights)
            if change:
                found.values.append(10)
            return flow.run(weigh, found), flow.why(weigh).status

    assert go(False) == (3, "finished")
    assert go(False) == (3, "reused")
    assert go(True) == (13, "finished")
    assert go(False) == (3, "reused")
    assert workspace.pipelines.runs("pickled")[0].counts == {"reused": 2}
    newest = workspace.pipelines.runs("pickled")[-1]
    assert workspace.pipelines.show(newest.id).steps[0].pickled


def test_a_step_is_given_the_workspace_and_it_is_no_part_of_the_key(
    workspace: Workspace, tmp_path: Path
) -> None:
    @step
    def look(ws: Any, name: str) -> int:
        return len(ws.tracking.runs(name))

    with Flow(workspace, "injected") as flow:
        assert flow.run(look, name="churn") == 0
    with Flow(workspace, "injected") as flow:
        flow.run(look, name="churn")
        assert flow.why(look).status == "reused"


def test_a_step_that_asks_for_it_runs_every_time(workspace: Workspace, tmp_path: Path) -> None:
    path = str(tmp_path / "count")

    @step(cache=False)
    def act(place: str) -> int:
        with open(place, "a") as file:
            file.write("x")
        return os.path.getsize(place)

    for expected in (1, 2):
        with Flow(workspace, "always") as flow:
            assert flow.run(act, path) == expected


def test_retries(workspace: Workspace, tmp_path: Path) -> None:
    path = str(tmp_path / "tries")

    @step(retries=2)
    def unsteady(place: str) -> int:
        with open(place, "a") as file:
            file.write("x")
        if os.path.getsize(place) < 3:
            raise OSError("not yet")
        return os.path.getsize(place)

    with Flow(workspace, "retried") as flow:
        assert flow.run(unsteady, path) == 3


def test_a_spared_value_is_read_only_when_it_is_asked_for(workspace: Workspace) -> None:
    pipeline(workspace)
    with Flow(workspace, "numbers") as flow:
        frame = flow.submit(numbers, 10)
        low_and_high = flow.submit(halves, frame)
        assert frame.reused
        assert not frame._loaded
        assert low_and_high.value[0]["n"].to_list() == [0, 1, 2, 3, 4]
        assert flow.run(total, low_and_high.value[0]) == 10.0
    assert workspace.pipelines.show(flow.id).steps[2].after == [1]


def test_outputs_may_be_passed_inside_containers(workspace: Workspace) -> None:
    @step
    def heights(frames: list[pl.DataFrame], named: dict[str, pl.DataFrame]) -> list[int]:
        return [each.height for each in [*frames, *named.values()]]

    for status in ("finished", "reused"):
        with Flow(workspace, "nested") as flow:
            frame = flow.submit(numbers, 3)
            assert flow.run(heights, [frame], {"other": flow.submit(numbers, 4)}) == [3, 4]
            assert flow.why(heights).status == status
    assert workspace.pipelines.show(flow.id).steps[2].after == [0, 1]


def test_a_result_whose_bytes_are_gone_is_made_anew(workspace: Workspace) -> None:
    @step
    def large() -> bytes:
        return b"x" * 10_000

    for _ in range(2):
        with Flow(workspace, "lost") as flow:
            flow.run(large)
            assert flow.why(large).status == "finished"
        for blob in list(workspace.blobs.list("objects/")):
            workspace.blobs.delete(blob.key)


def test_a_written_file_comes_back_and_an_input_may_be_a_path(workspace: Workspace, tmp_path: Path) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("hello")

    @step
    def shout(given: Path, place: str) -> Path:
        made = Path(place)
        made.write_text(given.read_text().upper())
        return made

    with Flow(workspace, "files") as flow:
        assert flow.run(shout, source, str(target)).read_text() == "HELLO"
    target.unlink()
    with Flow(workspace, "files") as flow:
        assert flow.run(shout, source, str(target)).read_text() == "HELLO"
        assert flow.why(shout).status == "reused"
    source.write_text("bye")
    with Flow(workspace, "files") as flow:
        assert flow.run(shout, source, str(target)).read_text() == "BYE"


def test_declared_reads_are_looked_at_again(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    folder = os.sep.join(str(tmp_path).split(os.sep))
    place = "".join(["a", ".", "csv"])

    @step(reads=[f"{tmp_path}/*.csv"])
    def read() -> int:
        return pl.read_csv(f"{folder}/{place}").height

    for content, expected in (("x\n1\n", "finished"), ("x\n1\n", "reused"), ("x\n1\n2\n", "finished")):
        (tmp_path / "a.csv").write_text(content)
        with Flow(workspace, "declared") as flow:
            flow.run(read)
            assert flow.why(read).status == expected


@step(process=True)
def elsewhere(path: str) -> tuple[int, np.ndarray]:
    with open(path) as file:
        return os.getpid(), np.full(3, len(file.read()))


@step(process=True, timeout="1s")
def endless() -> None:
    time.sleep(600)


def test_a_step_in_a_process_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "read.txt"
    path.write_text("four")
    with Flow(workspace, "child") as flow:
        pid, array = flow.run(elsewhere, str(path))
        assert pid != os.getpid()
        assert array.tolist() == [4, 4, 4]
        with pytest.raises(WorkTimedOut):
            flow.run(endless)
    path.write_text("seven..")
    with Flow(workspace, "child") as flow:
        assert flow.run(elsewhere, str(path))[1].tolist() == [7, 7, 7]
    with pytest.raises(ValueError, match="another process"):

        @step(process=True)
        def impossible(ws: Any) -> None: ...


def test_a_long_step_is_shown_while_it_runs(workspace: Workspace) -> None:
    def look(flow_id: str) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            shown = workspace.pipelines.show(flow_id).steps
            if shown:
                return shown[-1].status
            time.sleep(0.05)
        return "never shown"

    with Flow(workspace, "long") as flow:
        assert flow.run(look, flow.id) == "running"
    assert workspace.pipelines.show(flow.id).steps[0].status == "finished"


def test_arguments_that_do_not_fit_and_runs_that_have_ended(workspace: Workspace) -> None:
    with Flow(workspace, "wrong") as flow:
        with pytest.raises(Invalid, match="cannot be run with these arguments"):
            flow.run(total)  # type: ignore[call-arg] - that is the test
        with pytest.raises(Invalid, match="cannot be kept"):
            flow.run(lambda: (each for each in range(3)))
    with pytest.raises(Invalid, match="has ended"):
        flow.run(numbers, 1)


def test_a_run_whose_process_was_killed_is_told_so(workspace: Workspace, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, sys\n"
        "from fettle.pipelines import Flow\n"
        "from fettle.workspace import Workspace\n"
        "flow = Flow(Workspace.create(sys.argv[1]), 'killed', run_id='victim')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=False)
    assert workspace.pipelines.show("victim").status == "running"
    Flow(workspace, "next").finish()
    assert workspace.pipelines.show("victim").status == "killed"


def test_a_step_called_directly_is_just_the_function() -> None:
    assert numbers(3).height == 3
    assert total.name == "total"
