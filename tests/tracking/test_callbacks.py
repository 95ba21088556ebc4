"""Callbacks of training libraries, against the real libraries where they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fettle import tracking
from fettle.core.errors import Invalid, MissingExtra
from fettle.tracking import callbacks
from fettle.tracking.callbacks import auto, keras, lightgbm, lightning, transformers, xgboost
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
    library = pytest.importorskip("xgboost")
    data = library.DMatrix(X, Y)
    record: dict[str, Any] = {}
    with tracking.run(workspace, "e") as run:
        library.train(
            {"objective": "binary:logistic", "nthread": 1}, data, 5, evals=[(data, "train")], evals_result=record,
            verbose_eval=False, callbacks=[xgboost.callback(prefix="x/")],
        )  # fmt: skip
        model = library.XGBClassifier(n_estimators=3, n_jobs=1)
        run.watch(model).fit(X, Y, eval_set=[(X, Y)], verbose=False)
        run.log_model("trees", model)
    values = [each.value for each in workspace.tracking.series(run.id, "x/train/logloss")]
    assert values == record["train"]["logloss"]
    shown = workspace.tracking.show(run.id)
    assert {each.key: each.count for each in shown.summaries}["validation_0/logloss"] == 3
    assert "models/trees/model.ubj" in {each.path for each in shown.artifacts}
    assert model.get_params()["callbacks"] is None
    clone(model)


def test_lightgbm_logs_each_round(workspace: Workspace) -> None:
    library = pytest.importorskip("lightgbm")
    record: dict[str, Any] = {}
    params = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    data = library.Dataset(X, Y)
    with tracking.run(workspace, "e") as run:
        library.train(
            params, data, 5, valid_sets=[data], valid_names=["train"],
            callbacks=[lightgbm.callback(run), library.record_evaluation(record)],
        )  # fmt: skip
        model = run.watch(library.LGBMClassifier(n_estimators=3, verbosity=-1, n_jobs=1))
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


def test_keras_logs_each_epoch(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("keras")
    model = library.Sequential([library.Input((6,)), library.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    with tracking.run(workspace, "e") as run:
        fitted = model.fit(
            X, Y, epochs=3, verbose=0, validation_split=0.25, callbacks=[keras.callback(every=2)]
        )
    values = [each.value for each in workspace.tracking.series(run.id, "val_loss")]
    assert values == pytest.approx(fitted.history["val_loss"])
    assert workspace.tracking.show(run.id).params["optimizer.name"] == "adam"


def test_lightning_logs_what_modules_log(workspace: Workspace, tmp_path: Path) -> None:
    library, torch = pytest.importorskip("lightning"), pytest.importorskip("torch")

    class Line(library.LightningModule):
        def __init__(self, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.line = torch.nn.Linear(6, 1)

        def training_step(self, batch: Any, place: int) -> Any:
            loss = torch.nn.functional.mse_loss(self.line(batch[0])[:, 0], batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    rows = torch.utils.data.TensorDataset(torch.tensor(X).float(), torch.tensor(Y).float())
    with tracking.run(workspace, "e") as run:
        trainer = library.Trainer(
            max_epochs=2, logger=lightning.logger(), accelerator="cpu", default_root_dir=tmp_path,
            enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
        )  # fmt: skip
        trainer.fit(Line(), torch.utils.data.DataLoader(rows, batch_size=50))
    shown = workspace.tracking.show(run.id)
    assert (shown.params["lr"], shown.tags["lightning.status"]) == (0.1, "success")
    assert {each.key: each.count for each in shown.summaries}["loss"] == 8


def test_transformers_logs_what_the_trainer_logs(workspace: Workspace, tmp_path: Path) -> None:
    library, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    config = library.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        num_labels=2,
    )
    model = library.BertForSequenceClassification(config)
    rows = [{"input_ids": torch.randint(0, 20, (5,)), "labels": torch.tensor(row % 2)} for row in range(16)]
    arguments = library.TrainingArguments(
        str(tmp_path), max_steps=4, logging_steps=2, report_to="none", use_cpu=True, disable_tqdm=True
    )
    with tracking.run(workspace, "e") as run:
        library.Trainer(model, arguments, train_dataset=rows, callbacks=[transformers.callback()]).train()
        run.log_model("bert", model)
    shown = workspace.tracking.show(run.id)
    assert shown.params["model.hidden_size"] == 8
    assert {each.key: each.count for each in shown.summaries}["loss"] == 2
    assert "models/bert/model.safetensors" in {each.path for each in shown.artifacts}


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


def test_the_door_sign() -> None:
    assert callbacks.watch is auto.watch and callbacks.autolog is auto.autolog
