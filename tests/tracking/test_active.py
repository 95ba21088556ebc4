from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

import fettle
from fettle import tracking
from fettle.core.errors import Conflict, Invalid
from fettle.data import commit_frame
from fettle.storage.objects import get_object
from fettle.tracking import deferred, values
from fettle.tracking.outbox import runs_folder
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


def test_parts_of_a_run_know_what_they_are_part_of(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn", name="search") as search:
        assert tracking.active_run() is search
        with search.child("fold-1", params={"fold": 1}) as fold:
            assert tracking.active_run() is fold
        with tracking.run(workspace, "other") as inner:
            pass
        with tracking.run(workspace, "churn", parent="") as alone:
            pass
        assert tracking.active_run() is search
    parents = {run.id: run.parent for run in workspace.tracking.runs()}
    assert parents == {search.id: None, fold.id: search.id, inner.id: search.id, alone.id: None}


def test_each_thread_has_its_own_blocks_and_finds_the_open_run(workspace: Workspace) -> None:
    found: list[tracking.ActiveRun | None] = []

    def work() -> None:
        found.append(tracking.active_run())
        with tracking.run(workspace, "thread") as own:
            found.extend([own, tracking.active_run()])

    with tracking.run(workspace, "churn") as run:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert tracking.active_run() is run
    assert found[0] is run and found[1] is found[2]
    assert {each.parent for each in workspace.tracking.runs("thread")} == {None}


def test_a_run_of_a_notebook_cell_is_found_until_it_ends(workspace: Workspace) -> None:
    run = tracking.run(workspace, "churn")
    assert tracking.active_run() is run
    run.finish()
    assert tracking.active_run() is not run


def test_parameters_as_a_dictionary(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn", params={"lr": 0.1}) as run:
        run.config.depth = 3
        run.config.update({"a": {"b": [1, 2]}, "lr": 0.1})
        assert (run.config["lr"], run.config.depth, run.config["a"]) == (0.1, 3, {"b": [1, 2]})
        with pytest.raises(Conflict, match="is set already"):
            run.log_param("lr", 0.2)
        with pytest.raises(Conflict, match="cannot be taken back"):
            del run.config["lr"]
        assert not hasattr(run.config, "nothing")
    assert workspace.tracking.show(run.id).params == {"lr": 0.1, "depth": 3, "a": {"b": [1, 2]}}


@given(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
        | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_becomes_one_that_json_can_write(value: Any) -> None:
    plained = values.plain(value)
    assert values.plain(plained) == plained
    json.dumps(plained, allow_nan=False)
    deferred._encode(deferred.Operation("tracking.set", {"value": plained}))


def test_a_parameter_nested_without_end_is_kept_as_a_text() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert "nested too deeply" in str(values.plain(nested))


def test_bad_names_and_values_are_refused_where_they_are_given(workspace: Workspace, tmp_path: Path) -> None:
    with tracking.run(workspace, "churn") as run:
        for path in ("../up.txt", "/etc/passwd", "a//b", "C:\\x", "", "a\x00b"):
            with pytest.raises(Invalid):
                run.log_text("x", path)
        with pytest.raises(Invalid, match="too long"):
            run.log_param("big", "x" * (10 << 20))
        with pytest.raises(Invalid, match="too many"):
            run.tag({f"k{number}": 1 for number in range(100_000)})
        with pytest.raises(Invalid):
            run.tag({"": 1})
        with pytest.raises(Invalid, match="no such file"):
            run.log_artifact(tmp_path / "nowhere")
        with pytest.raises(Invalid, match="a folder"):
            run.log_artifact(tmp_path)
    with pytest.raises(Invalid, match="has ended"):
        run.tag(late=1)
    shown = workspace.tracking.show(run.id)
    assert (shown.params, shown.tags, shown.artifacts) == ({}, {}, [])


def test_notes_and_inputs(workspace: Workspace) -> None:
    commit = commit_frame(workspace, "rows", pl.DataFrame({"a": [1]}))
    with tracking.run(workspace, "churn") as run:
        run.note("It **works**.")
        assert run.data("rows@main") == commit.ref
        assert run.data("s3://elsewhere/rows.csv", "rows") == "s3://elsewhere/rows.csv"
    shown = workspace.tracking.show(run.id)
    assert shown.notes == "It **works**."
    assert shown.inputs == [commit.ref, "s3://elsewhere/rows.csv"]


def forked(run: tracking.ActiveRun, number: int) -> None:
    for step in range(50):
        run.log({f"worker{number}": step}, step=step)
    run.tag({f"worker{number}": os.getpid()})
    run.log_text(str(number), f"worker{number}.txt")


def spawned(run: tracking.ActiveRun) -> int:
    with run:
        run.log({"spawned": 1.0}, step=1)
        run.tag(spawned="yes")
    return os.getpid()


def test_forked_workers_log_to_the_run_of_their_parent(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:
        run.log(loss=1.0, step=0)
        forking = multiprocessing.get_context("fork")
        workers = [forking.Process(target=forked, args=(run, number)) for number in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        run.log(loss=2.0, step=1)
    tracking.recover(workspace)
    shown = workspace.tracking.show(run.id)
    assert shown.status == "finished"
    counts = {each.key: each.count for each in shown.summaries}
    assert counts == {"loss": 2, "worker0": 50, "worker1": 50, "worker2": 50}
    assert set(shown.tags) == {"worker0", "worker1", "worker2"}
    assert [each.path for each in shown.artifacts] == ["worker0.txt", "worker1.txt", "worker2.txt"]
    assert not list(runs_folder(workspace).glob("*/*"))


def test_a_run_can_be_given_to_other_processes(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:
        run.log(loss=1.0)
        assert pickle.loads(pickle.dumps(run)) is run
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            assert pool.submit(spawned, run).result() != os.getpid()
        assert workspace.tracking.show(run.id).status == "running"
        run.log(loss=2.0)
    tracking.recover(workspace)
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.tags) == ("finished", {"spawned": "yes"})
    assert {each.key: each.count for each in shown.summaries} == {"loss": 2, "spawned": 1}


def of_a_pool(run: tracking.ActiveRun, number: int) -> int:
    run.log({f"worker{number}": 1.0}, step=0)
    run.log_params({f"param{number}": number})
    return os.getpid()


def test_what_living_workers_logged_is_there_when_the_run_ends(workspace: Workspace) -> None:
    work = Parallel(n_jobs=2)  # its workers are kept for the next task
    with tracking.run(workspace, "churn") as run:
        pids = work(delayed(of_a_pool)(run, number) for number in range(4))
    assert os.getpid() not in pids
    shown = workspace.tracking.show(run.id)
    assert set(shown.metrics) == {f"worker{number}" for number in range(4)}
    assert set(shown.params) == {f"param{number}" for number in range(4)}
    get_reusable_executor().shutdown(wait=True)
    tracking.recover(workspace)
    assert {each.count for each in workspace.tracking.show(run.id).summaries} == {1}
    assert not list(runs_folder(workspace).glob("*/*"))


def test_a_child_that_leaves_the_block_or_dies_ends_nothing(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:
        for ending in (lambda: run.__exit__(None, None, None), lambda: None):
            child = os.fork()
            if not child:
                run.log(child=1.0)
                ending()
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(child, 0)
        assert not run.ended
        run.log(parent=1.0)
    shown = workspace.tracking.show(run.id)
    assert shown.status == "finished"
    assert {each.key: each.count for each in shown.summaries} == {"child": 2, "parent": 1}


ENDINGS = """
import os, signal, sys
from fettle import tracking
from fettle.workspace import Workspace
with tracking.run(Workspace.create(sys.argv[1]), "e", run_id="one") as run:
    run.log(loss=1)
    {ending}
"""


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGINT)", "failed", -2),
        ("sys.exit(0)", "finished", 0),
        ("sys.exit(3)", "failed", 3),
        ("sys.exit('no')", "failed", 1),
        ("os._exit(0)", "killed", 0),
    ],
)
def test_how_a_block_ends(workspace: Workspace, tmp_path: Path, ending: str, status: str, code: int) -> None:
    command = [sys.executable, "-c", ENDINGS.format(ending=ending), str(tmp_path)]
    done = subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    tracking.recover(workspace)
    assert (workspace.tracking.show("one").status, done.returncode) == (status, code)
    assert workspace.tracking.show("one").metrics == {"loss": 1}


def test_attaching_does_not_end_a_run(workspace: Workspace) -> None:
    run = tracking.run(workspace, "churn")
    with tracking.attach(workspace, run.id) as guest:
        guest.log(loss=1.0)
        guest.tag(guest="yes")
    assert workspace.tracking.show(run.id).status == "running"
    run.finish()
    assert workspace.tracking.show(run.id).tags == {"guest": "yes"}


@pytest.mark.parametrize(
    ("ending", "status"),
    [("", "finished"), ("raise ValueError('no')", "failed"), ("raise SystemExit(0)", "finished")],
)
def test_a_run_without_a_block_ends_with_its_program(
    workspace: Workspace, tmp_path: Path, ending: str, status: str
) -> None:
    code = (
        "import sys; from fettle import tracking; from fettle.workspace import Workspace\n"
        "run = tracking.run(Workspace.create(sys.argv[1]), 'e', run_id='one'); run.log(loss=1)\n" + ending
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, stderr=subprocess.DEVNULL)
    assert workspace.tracking.show("one").status == status


def test_a_run_shows_itself_and_no_text_becomes_markup(workspace: Workspace) -> None:
    with tracking.run(workspace, "<b>e</b>", params={"<i>": "<script>"}) as run:
        run.log(loss=0.25)
        shown = run._repr_html_()
    assert "<script>" not in shown and "<b>e</b>" not in shown
    assert "0.25" in shown and "&lt;script&gt;" in shown


def test_a_decorated_function_is_a_run_each_time(workspace: Workspace) -> None:
    @fettle.tracked("trials", tags={"kind": "toy"}, workspace=workspace, capture=False)
    def train(rows: Any, lr: float = 0.1, *, run: Any = None) -> dict[str, Any]:
        run.log(loss=lr)
        return {"score": np.float64(0.5), "name": "x", "ok": True}

    assert train(np.zeros((3, 2)))["score"] == 0.5
    with pytest.raises(Invalid), tracking.run(workspace, "outer") as outer:
        train(1, lr="high")
    first, second = sorted(workspace.tracking.runs("trials"), key=lambda each: each.id)
    assert first.params == {"rows": "ndarray 3×2", "lr": 0.1} and first.tags == {"kind": "toy"}
    assert first.metrics == {"loss": 0.1, "score": 0.5}
    assert (second.status, second.parent) == ("failed", outer.id)


def test_an_async_function_is_a_run_too(workspace: Workspace) -> None:
    @fettle.tracked(workspace=workspace, capture=False)
    async def slow(x: int) -> float:
        await asyncio.sleep(0)
        return x / 2

    async def both() -> list[float]:
        return await asyncio.gather(slow(1), slow(2))

    assert asyncio.run(both()) == [0.5, 1.0]
    assert {run.metrics["result"]: run.parent for run in workspace.tracking.runs("slow")} == {
        0.5: None,
        1.0: None,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc says is open")
def test_runs_that_ended_leave_nothing_open(workspace: Workspace) -> None:
    def some() -> None:
        with tracking.run(workspace, "many") as run:
            run.log(loss=1.0)

    some()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(8):
        some()
    assert len(os.listdir("/proc/self/fd")) == before
