"""Callbacks of training libraries, against the real libraries where they are installed."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fettle import tracking
from fettle.core.errors import Invalid, MissingExtra, Unavailable
from fettle.tracking import callbacks
from fettle.tracking.callbacks import (
    around,
    auto,
    keras,
    lightgbm,
    lightning,
    patches,
    torch,
    transformers,
    xgboost,
)
from fettle.tracking.callbacks.target import library
from fettle.workspace import Workspace

X, Y = make_classification(200, 6, random_state=7)


@pytest.fixture
def logged(workspace: Workspace) -> Iterator[Workspace]:
    """Autolog is switched on for the test, with runs in this workspace."""
    yield workspace
    auto.autolog(lambda: tracking.run(workspace, "auto"), enabled=False)


def on(workspace: Workspace, *libraries: str) -> None:
    auto.autolog(lambda: tracking.run(workspace, "auto"), libraries)


def test_a_watched_estimator_says_what_it_was_and_what_came_of_it(workspace: Workspace) -> None:
    with tracking.run(workspace, "e") as run:
        model = run.watch(LogisticRegression(C=0.5))
        assert run.watch(model) is model
        model.fit(X, Y)
        model.fit(X, Y)
    assert "fit" not in vars(model)
    shown = workspace.tracking.show(run.id)
    assert shown.params["C"] == 0.5 and shown.params["fit.rows"] == 200
    assert shown.tags["estimator"] == "LogisticRegression"
    assert shown.metrics["training/score"] == pytest.approx(model.score(X, Y))
    with pytest.raises(Invalid, match="cannot be watched"):
        run.watch(object())


def test_curves_of_models_that_keep_them(workspace: Workspace) -> None:
    model = MLPClassifier((4,), max_iter=5, random_state=7)
    with tracking.run(workspace, "e") as run, np.errstate(all="ignore"), pytest.warns(UserWarning):
        run.watch(model).fit(X, Y)
    curve = workspace.tracking.series(run.id, "loss")
    assert [each.value for each in curve] == model.loss_curve_


def test_a_search_is_one_run_with_a_table(logged: Workspace) -> None:
    on(logged, "sklearn")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}
    )
    search.fit(X, Y)
    (run,) = logged.tracking.runs("auto")
    shown = logged.tracking.show(run.id)
    assert shown.metrics["best/score"] == pytest.approx(search.best_score_)
    assert shown.params["best.logisticregression__C"] == search.best_params_["logisticregression__C"]
    assert [each.path for each in shown.artifacts] == ["tables/cv_results.parquet"]
    assert shown.tags["estimator"] == "GridSearchCV"


def test_autolog_logs_to_the_run_around_and_can_be_switched_off(logged: Workspace) -> None:
    before = vars(GradientBoostingClassifier).get("fit"), vars(LogisticRegression)["fit"]
    on(logged, "sklearn")
    on(logged, "sklearn")
    with tracking.run(logged, "mine") as run:
        LogisticRegression(C=2).fit(X, Y)
        LogisticRegression(C=3).fit(X, Y)  # other parameters than before stop nothing
    assert logged.tracking.runs("auto") == []
    shown = logged.tracking.show(run.id)
    assert (shown.params["C"], shown.tags["again.C"]) == (2, "3")
    auto.autolog(lambda: run, enabled=False)
    assert (vars(GradientBoostingClassifier).get("fit"), vars(LogisticRegression)["fit"]) == before
    LogisticRegression().fit(X, Y)
    assert logged.tracking.runs("auto") == []


def test_an_error_of_fit_stays_the_same_and_fails_the_run(logged: Workspace) -> None:
    on(logged, "sklearn")
    with pytest.raises(ValueError, match="Unknown label type"):
        LogisticRegression().fit(X, X[:, 0])
    assert [run.status for run in logged.tracking.runs("auto")] == ["failed"]
    with pytest.raises(Invalid, match="cannot be logged by itself"):
        on(logged, "fortran")


def test_xgboost_logs_each_round(workspace: Workspace) -> None:
    peer = pytest.importorskip("xgboost")
    data = peer.DMatrix(X, Y)
    record: dict[str, Any] = {}
    with tracking.run(workspace, "e") as run:
        peer.train(
            {"objective": "binary:logistic", "nthread": 1}, data, 5, evals=[(data, "train")], evals_result=record,
            verbose_eval=False, callbacks=[xgboost.callback(prefix="x/")],
        )  # fmt: skip
        model = peer.XGBClassifier(n_estimators=3, n_jobs=1)
        run.watch(model).fit(X, Y, eval_set=[(X, Y)], verbose=False)
        run.log_model(model, "trees")
    values = [each.value for each in workspace.tracking.series(run.id, "x/train/logloss")]
    assert values == record["train"]["logloss"]
    shown = workspace.tracking.show(run.id)
    assert {each.key: each.count for each in shown.summaries}["validation_0/logloss"] == 3
    assert "models/trees/model.ubj" in {each.path for each in shown.artifacts}
    assert model.get_params()["callbacks"] is None
    clone(model)


def test_lightgbm_logs_each_round(workspace: Workspace) -> None:
    peer = pytest.importorskip("lightgbm")
    record: dict[str, Any] = {}
    params = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    data = peer.Dataset(X, Y)
    with tracking.run(workspace, "e") as run:
        peer.train(
            params, data, 5, valid_sets=[data], valid_names=["train"],
            callbacks=[lightgbm.callback(run), peer.record_evaluation(record)],
        )  # fmt: skip
        model = run.watch(peer.LGBMClassifier(n_estimators=3, verbosity=-1, n_jobs=1))
        model.fit(X, Y, eval_X=X[:50], eval_y=Y[:50])
    values = [each.value for each in workspace.tracking.series(run.id, "train/binary_logloss")]
    assert values == record["train"]["binary_logloss"]
    counts = {each.key: each.count for each in workspace.tracking.show(run.id).summaries}
    assert counts["valid_0/binary_logloss"] == 3


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_autolog_of_boosting(logged: Workspace, library: str) -> None:
    module = pytest.importorskip(library)
    on(logged, "sklearn", library)
    data = module.DMatrix(X, Y) if library == "xgboost" else module.Dataset(X, Y)
    given = (
        {"evals": [(data, "train")], "verbose_eval": False}
        if library == "xgboost"
        else {"valid_sets": [data]}
    )
    params = (
        {"objective": "binary:logistic"} if library == "xgboost" else {"objective": "binary", "verbosity": -1}
    )
    module.train(params, data, 4, **given)
    (run,) = logged.tracking.runs("auto")
    assert run.tags["estimator"] == library and run.params["objective"] == params["objective"]
    assert [each.count for each in logged.tracking.show(run.id).summaries] == [4]
    model = (
        module.XGBClassifier(n_estimators=3)
        if library == "xgboost"
        else module.LGBMClassifier(n_estimators=3)
    )
    rows = {"eval_set": [(X, Y)]} if library == "xgboost" else {"eval_X": X[:50], "eval_y": Y[:50]}
    model.fit(X, Y, **rows)
    newest = logged.tracking.runs("auto")[0]
    counts = {each.key: each.count for each in logged.tracking.show(newest.id).summaries}
    assert newest.id != run.id and newest.params["n_estimators"] == 3
    assert 3 in counts.values() and "training/score" in counts


def test_a_callback_without_a_run_says_so() -> None:
    pytest.importorskip("lightgbm")
    with pytest.raises(Invalid, match="no run to log to"):
        lightgbm.callback()(None)


@pytest.mark.parametrize("module", [keras, lightning, transformers], ids=lambda module: module.__name__)
def test_a_library_that_is_not_there_is_named(module: Any, workspace: Workspace) -> None:
    name = module.__name__.rpartition(".")[2]
    try:
        __import__(name)
    except ImportError:
        make = module.logger if name == "lightning" else module.callback
        with pytest.raises(MissingExtra, match=name):
            make()
    else:
        pytest.skip("it is installed")


def test_a_library_that_is_named_must_be_there(logged: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="'keras'") as error:
        on(logged, "keras")
    assert "fettle-ml[keras]" in error.value.hint
    assert auto.autolog(lambda: tracking.run(logged, "auto")) == []
    with pytest.raises(Invalid, match="cannot be logged by itself") as close:
        on(logged, "kers")
    assert "'keras'" in close.value.hint


def test_a_library_with_something_missing_names_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match="half_there cannot be imported") as error:
        library("half_there")
    assert error.value.hint == "pip install not_there_at_all"


def test_classes_that_come_later_are_logged_too(logged: Workspace) -> None:
    on(logged, "sklearn")

    class Late(BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Late:
            return self

    Late().fit(X)
    assert [run.tags["estimator"] for run in logged.tracking.runs("auto")] == ["Late"]
    auto.autolog(lambda: tracking.run(logged, "auto"), enabled=False)
    assert "__init_subclass__" not in vars(BaseEstimator)
    Late().fit(X)
    assert len(logged.tracking.runs("auto")) == 1


def test_a_failure_of_logging_is_a_warning(logged: Workspace) -> None:
    def start() -> Any:
        raise Unavailable("The workspace is away.")

    auto.autolog(start, ["sklearn"])
    with pytest.warns(UserWarning, match="was not logged: The workspace is away"):
        model = LogisticRegression().fit(X, Y)
    assert model.score(X, Y) > 0.5
    on(logged, "sklearn")
    with tracking.run(logged, "mine") as run:
        run.finish()
        with tracking.run(logged, "mine") as run, pytest.warns(UserWarning, match="was not logged"):
            run.log = None  # type: ignore[method-assign] - what breaks inside stays inside
            LogisticRegression().fit(X, Y)


LATE = """
class Model:
    def fit(self):
        return "fitted"
"""


def test_a_module_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_library.py").write_text(LATE)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)

    def patch() -> None:
        model = sys.modules["late_library"].Model
        patches.replace(model, "fit", lambda fit, *args: f"{fit(*args)} and logged")
        patches.replace(model, "fit", lambda fit, *args: "twice")

    patches.when_imported("late_library", patch)
    patches.when_imported("late_library.nothing", lambda: None)
    module = importlib.import_module("late_library")
    assert module.Model().fit() == "fitted and logged"
    assert type(module.__loader__) is SourceFileLoader and module.__spec__.loader is module.__loader__
    assert inspect.getsource(module) == LATE
    kept = module.Model.fit
    patches.undo()
    assert module.Model().fit() == "fitted" and sys.meta_path == before
    assert kept(module.Model()) == "fitted"  # as in a process that it was pickled to
    monkeypatch.delitem(sys.modules, "late_library")


def test_what_is_done_on_an_import_never_breaks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_library.py").write_text("Model = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    patches.when_imported("other_library", lambda: patches.replace(1, "fit", print))
    with pytest.warns(UserWarning, match="What other_library does was not logged"):
        assert importlib.import_module("other_library").Model == 1
    patches.undo()
    monkeypatch.delitem(sys.modules, "other_library")


class Writer:
    """What `torch.utils.tensorboard.SummaryWriter` is, as far as it is asked."""

    def __init__(self) -> None:
        self.written: list[Any] = []

    def add_scalar(self, tag: str, scalar_value: Any, global_step: Any = None, walltime: Any = None) -> None:
        self.written.append(tag)

    def add_scalars(self, main_tag: str, tag_scalar_dict: Any, global_step: Any = None) -> None:
        self.written.append(main_tag)

    def add_hparams(self, hparam_dict: Any, metric_dict: Any) -> None:
        self.written.append("hparams")


def test_what_is_written_for_tensorboard_goes_to_the_active_run(
    logged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX.writer", SimpleNamespace(SummaryWriter=Writer))
    torch.patch("tensorboardX.writer", lambda: tracking.run(logged, "auto"))
    writer = Writer()
    writer.add_scalar("before", 1.0, 1)
    with tracking.run(logged, "e") as run:
        writer.add_scalar("loss", np.float32(0.5), 3)
        writer.add_scalar("text", "x", 3)
        writer.add_scalars("both", {"a": 1, "b": 2}, global_step=4)
        writer.add_hparams({"lr": 0.1}, {"accuracy": 0.9})
        with around.inside(run, "a training of a library, whose own logger writes"):
            writer.add_scalar("twice", 1.0, 1)
    patches.undo()
    assert writer.written == ["before", "loss", "text", "both", "hparams", "twice"]
    shown = logged.tracking.show(run.id)
    assert shown.metrics == {"loss": 0.5, "both/a": 1, "both/b": 2} and shown.params == {"lr": 0.1}
    assert [each.step for each in logged.tracking.series(run.id, "both/a")] == [4]
    assert logged.tracking.runs("auto") == []


def test_the_door_sign() -> None:
    assert callbacks.watch is auto.watch and callbacks.autolog is auto.autolog
