"""Keras, PyTorch Lightning, transformers and PyTorch, the real ones, where they are installed: see frameworks.md."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification

from fettle import tracking
from fettle.tracking.callbacks import auto, keras, lightning, transformers
from fettle.tracking.records.runs import Run
from fettle.workspace import Workspace

os.environ.setdefault("KERAS_BACKEND", "torch")
X, Y = make_classification(200, 6, random_state=7)
X, Y = X.astype(np.float32), Y.astype(np.float32)


@pytest.fixture
def logged(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Autolog of all that is installed, with runs in this workspace."""
    monkeypatch.chdir(tmp_path)
    auto.autolog(lambda: tracking.run(workspace, "auto"))
    yield workspace
    auto.autolog(lambda: tracking.run(workspace, "auto"), enabled=False)


def only(workspace: Workspace) -> Run:
    (run,) = workspace.tracking.runs("auto")
    return workspace.tracking.show(run.id)


def counts(run: Run) -> dict[str, int]:
    return {each.key: each.count for each in run.summaries}


# --- Keras


def dense() -> Any:
    library = pytest.importorskip("keras")
    model = library.Sequential([library.Input((6,)), library.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model


def test_keras_logs_each_epoch(workspace: Workspace) -> None:
    model = dense()
    with tracking.run(workspace, "e") as run:
        logging = keras.callback(every=2)
        fitted = model.fit(X, Y, epochs=3, verbose=0, validation_split=0.25, callbacks=[logging])
        run.log_model(model, "net")
    values = [each.value for each in workspace.tracking.series(run.id, "val_loss")]
    assert values == pytest.approx(fitted.history["val_loss"])
    shown = workspace.tracking.show(run.id)
    assert shown.params["optimizer.name"] == "adam" and shown.params["model.parameters"] == 7
    assert {"model/summary.txt", "models/net/model.keras"} <= {each.path for each in shown.artifacts}


@pytest.mark.parametrize("positional", [False, True])
def test_autolog_of_keras(logged: Workspace, positional: bool) -> None:
    model = dense()
    stop = pytest.importorskip("keras").callbacks.EarlyStopping("loss")
    if positional:
        model.fit(X, Y, 32, 2, 0, [stop])
    else:
        model.fit(X, Y, epochs=2, verbose=0)
    run = only(logged)
    assert counts(run)["loss"] == 2
    assert (run.status, run.tags["estimator"]) == ("finished", "Sequential")
    auto.autolog(lambda: tracking.run(logged, "auto"), enabled=False)
    model.fit(X, Y, verbose=0)
    assert len(logged.tracking.runs("auto")) == 1


# --- PyTorch Lightning


def line(package: str = "lightning") -> tuple[Any, Any]:
    library, torch = pytest.importorskip(package), pytest.importorskip("torch")

    class Line(library.LightningModule):
        def __init__(self, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.line = torch.nn.Linear(6, 1)

        def training_step(self, batch: Any, place: int) -> Any:
            loss = torch.nn.functional.mse_loss(self.line(batch[0])[:, 0], batch[1])
            self.log("loss", loss)
            return loss

        def test_step(self, batch: Any, place: int) -> None:
            self.log("test_loss", torch.nn.functional.mse_loss(self.line(batch[0])[:, 0], batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=self.hparams["lr"])

    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    return Line(), torch.utils.data.DataLoader(rows, batch_size=50)


def trainer(tmp_path: Path, package: str = "lightning", **given: Any) -> Any:
    return pytest.importorskip(package).Trainer(
        max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, enable_progress_bar=False,
        enable_model_summary=False, log_every_n_steps=1, **given,
    )  # fmt: skip


def test_lightning_logs_what_modules_log(workspace: Workspace, tmp_path: Path) -> None:
    module, rows = line()
    with tracking.run(workspace, "e") as run:
        trainer(tmp_path, logger=lightning.logger()).fit(module, rows)
    shown = workspace.tracking.show(run.id)
    assert (shown.params["lr"], shown.tags["lightning.status"]) == (0.1, "success")
    assert counts(shown)["loss"] == 8


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
@pytest.mark.parametrize("logger", [True, False])
def test_autolog_of_lightning(logged: Workspace, tmp_path: Path, package: str, logger: bool) -> None:
    module, rows = line(package)
    fitting = trainer(tmp_path, package, logger=logger)
    own = list(fitting.loggers)
    fitting.fit(module, rows)
    run = only(logged)
    assert counts(run)["loss"] == 8 and run.status == "finished"
    assert (run.params["lr"], run.params["optimizer.name"], run.params["model.trainable"]) == (
        0.1,
        "AdamW",
        7,
    )
    assert run.tags["checkpoint.best"] == fitting.checkpoint_callback.best_model_path
    assert fitting.loggers == own  # and checkpoints lie where they would
    place = Path(fitting.checkpoint_callback.best_model_path).relative_to(tmp_path)
    assert place.parts[0] == ("lightning_logs" if logger else "checkpoints")


def test_lightning_in_a_run_with_its_test(logged: Workspace, tmp_path: Path) -> None:
    module, rows = line()
    with tracking.run(logged, "e") as run:
        fitting = trainer(tmp_path)
        fitting.fit(module, rows)
        fitting.test(module, rows)
        run.log_model(module, "line")
    shown = logged.tracking.show(run.id)
    assert (counts(shown)["loss"], counts(shown)["test_loss"]) == (8, 1)
    assert "models/line/model.pt" in {each.path for each in shown.artifacts}
    assert logged.tracking.runs("auto") == []


def test_a_training_that_fails_fails_as_ever(logged: Workspace, tmp_path: Path) -> None:
    module, rows = line()
    module.configure_optimizers = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer(tmp_path).fit(module, rows)
    assert only(logged).status == "failed"


def test_the_logger_goes_to_other_processes(workspace: Workspace) -> None:
    pytest.importorskip("lightning")
    with tracking.run(workspace, "e") as run:
        again = pickle.loads(pickle.dumps(lightning.logger(run, prefix="x/")))
        again.log_metrics({"loss": 1.0}, step=3)
    assert workspace.tracking.show(run.id).metrics == {"x/loss": 1.0}


# --- transformers


def bert(tmp_path: Path, **given: Any) -> Any:
    library, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    config = library.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )  # fmt: skip
    model = library.BertForSequenceClassification(config)
    rows = [{"input_ids": torch.randint(0, 20, (5,)), "labels": torch.tensor(row % 2)} for row in range(16)]
    arguments = library.TrainingArguments(
        str(tmp_path / "out"), max_steps=4, logging_steps=2, report_to="none", use_cpu=True, disable_tqdm=True
    )
    return library.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows, **given)


def test_transformers_logs_what_the_trainer_logs(workspace: Workspace, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with tracking.run(workspace, "e") as run:
        fitting = bert(tmp_path, callbacks=[transformers.callback()])
        fitting.train()
        run.log_model(fitting.model, "bert")
    shown = workspace.tracking.show(run.id)
    assert shown.params["model.hidden_size"] == 8
    assert counts(shown)["loss"] == 2
    assert "models/bert/model.safetensors" in {each.path for each in shown.artifacts}


def test_autolog_of_transformers(logged: Workspace, tmp_path: Path) -> None:
    fitting = bert(tmp_path)
    before = len(fitting.callback_handler.callbacks)
    fitting.train()
    run = only(logged)
    assert counts(run)["loss"] == 2 and run.params["model.hidden_size"] == 8
    assert run.params["model.trainable"] == run.params["model.parameters"] > 0
    assert len(fitting.callback_handler.callbacks) == before
    fitting.evaluate()
    newest = logged.tracking.show(logged.tracking.runs("auto")[0].id)
    assert newest.id != run.id and "eval_loss" in newest.metrics


# --- PyTorch


def test_autolog_of_a_summary_writer(logged: Workspace, tmp_path: Path) -> None:
    torch, writers = pytest.importorskip("torch"), pytest.importorskip("torch.utils.tensorboard")
    with tracking.run(logged, "e") as run:
        writer = writers.SummaryWriter(str(tmp_path / "board"))
        for step in range(5):
            writer.add_scalar("loss/train", torch.tensor(1 / (step + 1)), step)
        writer.add_scalars("both", {"a": 1, "b": 2}, 3)
        writer.add_hparams({"lr": 0.1}, {"accuracy": 0.9})
        writer.add_text("note", "x")
        writer.close()
    shown = logged.tracking.show(run.id)
    assert counts(shown) == {"loss/train": 5, "both/a": 1, "both/b": 1, "accuracy": 1}
    assert shown.params == {"lr": 0.1}
