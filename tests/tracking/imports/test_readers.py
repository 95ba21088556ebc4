from __future__ import annotations

import math
import shutil
import sqlite3
from pathlib import Path

import pytest

from fettle.core.errors import Invalid, MissingExtra, NotFound
from fettle.tracking.imports import aim, mlflow_files, mlflow_sql, tables, tensorboard, wandb
from fettle.tracking.imports.choose import kind_of
from fettle.tracking.imports.foreign import ForeignRun, Unreadable

GOLDEN = Path(__file__).parent / "golden"


def curve(run: ForeignRun, key: str) -> list[tuple[int, float]]:
    return [
        (int(step), float(value))
        for name, points in run.curves()
        if name == key
        for step, value in zip(points.steps, points.values, strict=True)
    ]


# --- TensorBoard; the files were written by tensorboardX


def test_tensorboard_scalars_texts_images_and_hyper_parameters() -> None:
    first, second = tensorboard.read(GOLDEN, experiment="tb")
    assert (first.name, second.name) == ("run-a", "run-b")
    assert curve(first, "loss")[:3] == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3, rel=1e-7))]
    assert len(curve(first, "loss")) == 40
    assert first.tags["text.note"] == "hello"
    assert [name for name, _ in first.files()][1:] == ["images/img/00000003.png"]
    assert first.left == ["1 of the kind histograms"]
    assert second.params == {"lr": 0.1, "act": "relu", "on": True}
    assert curve(second, "hm") == [(2, 0.5)]
    assert first.started_at is not None and first.started_at.year == 2023


def test_a_log_that_is_still_written_ends_with_its_last_whole_record(tmp_path: Path) -> None:
    source = next((GOLDEN / "run-a").iterdir())
    data = source.read_bytes()
    for cut in (len(data) - 1, len(data) - 9, 700, 30):
        (tmp_path / "events.out.tfevents.1").write_bytes(data[:cut])
        (run,) = tensorboard.read(tmp_path)
        assert len(curve(run, "loss")) <= 40


def test_a_damaged_event_file_is_named(tmp_path: Path) -> None:
    data = bytearray(next((GOLDEN / "run-a").iterdir()).read_bytes())
    data[60] ^= 1
    (tmp_path / "events.out.tfevents.1").write_bytes(data)
    (found,) = tensorboard.read(tmp_path)
    assert isinstance(found, Unreadable) and "tfevents.1" in found.why


# --- Weights & Biases; the file was written by wandb 0.31, and its machine's name taken out


def test_wandb_offline_run() -> None:
    (run,) = wandb.read(GOLDEN)
    assert (run.id, run.name, run.experiment, run.status) == ("wandb-yb18qk65", "first", "churn", "finished")
    assert run.params == {"lr": 0.1, "net.layers": [3, 4], "net.act": "relu"}
    assert run.notes == "hello **md**"
    assert run.tags["group"] == "g1" and run.tags["summary.text"] == "a string"
    assert curve(run, "loss")[:2] == [(0, 1.0), (1, 0.5)]
    assert curve(run, "nested.x")[-1] == (49, 49.0)
    assert curve(run, "big") == [(50, math.inf)]
    assert math.isnan(curve(run, "nanny")[0][1])
    assert curve(run, "best") == [(50, 0.9)]
    assert run.left == ["1 values of text, which is no number"]


def test_a_wandb_log_that_was_cut_off_is_a_killed_run(tmp_path: Path) -> None:
    data = (GOLDEN / "run-yb18qk65.wandb").read_bytes()
    (tmp_path / "run-x.wandb").write_bytes(data[: len(data) // 2])
    (run,) = wandb.read(tmp_path)
    assert run.status == "killed"
    assert 0 < len(curve(run, "loss")) < 50


def test_a_damaged_wandb_log_is_named(tmp_path: Path) -> None:
    data = bytearray((GOLDEN / "run-yb18qk65.wandb").read_bytes())
    data[300] ^= 1
    (tmp_path / "run-x.wandb").write_bytes(data)
    (found,) = wandb.read(tmp_path)
    assert isinstance(found, Unreadable) and "damaged" in found.why


# --- MLflow


def file_store(folder: Path) -> Path:
    run = folder / "7" / "abc123"
    for part in ("params/a", "metrics/val", "tags", "artifacts/notes"):
        (run / part).mkdir(parents=True)
    (folder / "7" / "meta.yaml").write_text("experiment_id: '7'\nname: churn\n")
    (run / "meta.yaml").write_text(
        "run_id: abc123\nrun_name: first\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000005000\n"
    )
    (run / "params" / "a" / "lr").write_text("0.1")
    (run / "metrics" / "val" / "loss").write_text(
        "1700000000000 0.5 0\n1700000001000 nan 1\n1700000002000 0.25 2\n"
    )
    (run / "tags" / "mlflow.parentRunId").write_text("other")
    (run / "tags" / "mlflow.note.content").write_text("*notes*")
    (run / "artifacts" / "notes" / "a.txt").write_text("hello")
    return folder


def test_mlflow_file_store(tmp_path: Path) -> None:
    (run,) = mlflow_files.read(file_store(tmp_path / "mlruns"))
    assert (run.id, run.name, run.experiment, run.status) == ("abc123", "first", "churn", "finished")
    assert run.params == {"a/lr": "0.1"}
    assert (run.parent, run.notes) == ("other", "*notes*")
    assert [step for step, _ in curve(run, "val/loss")] == [0, 1, 2]
    assert [name for name, _ in run.files()] == ["notes/a.txt"]


def sql_store(path: Path) -> str:
    """The tables as MLflow 3.17 makes them, as far as they are read."""
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
            CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
                artifact_uri TEXT, experiment_id INTEGER, lifecycle_stage TEXT);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE metrics (key TEXT, value REAL, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
            CREATE TABLE inputs (source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
            CREATE TABLE datasets (dataset_uuid TEXT, name TEXT, digest TEXT);
            INSERT INTO experiments VALUES (7, 'churn');
            INSERT INTO runs VALUES ('r1', 'first', 'FAILED', 1700000000000, 1700000005000, 'mlruns/7/r1', 7, 'active');
            INSERT INTO runs VALUES ('r2', 'gone', 'FINISHED', 1700000000001, NULL, '', 7, 'deleted');
            INSERT INTO params VALUES ('lr', '0.1', 'r1');
            INSERT INTO tags VALUES ('team', 'risk', 'r1');
            INSERT INTO metrics VALUES ('loss', 0.5, 1700000000000, 'r1', 0, 0);
            INSERT INTO metrics VALUES ('loss', 0.0, 1700000001000, 'r1', 1, 1);
            INSERT INTO metrics VALUES ('acc', 1.7976931348623157e308, 1700000001000, 'r1', 1, 0);
            INSERT INTO inputs VALUES ('DATASET', 'd1', 'RUN', 'r1');
            INSERT INTO datasets VALUES ('d1', 'churn', '9f');
            """
        )
    place = path.parent / "mlruns" / "7" / "r1" / "model"
    place.mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}")
    return f"sqlite:///{path}"


def test_mlflow_sql_store(tmp_path: Path) -> None:
    (run,) = mlflow_sql.read(sql_store(tmp_path / "mlflow.db"))
    assert (run.id, run.name, run.experiment, run.status) == ("r1", "first", "churn", "failed")
    assert (run.params, run.tags, run.inputs) == ({"lr": "0.1"}, {"team": "risk"}, ["churn@9f"])
    assert curve(run, "loss")[0] == (0, 0.5) and math.isnan(curve(run, "loss")[1][1])
    assert curve(run, "acc") == [(1, math.inf)]
    assert [name for name, _ in run.files()] == ["model/MLmodel"]


def test_another_database_is_no_mlflow_store(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE runs (a)")
    with pytest.raises(NotFound, match="no MLflow store"):
        list(mlflow_sql.read(f"sqlite:///{tmp_path / 'other.db'}"))


# --- CSV and Aim


def test_csv_with_a_row_a_run(tmp_path: Path) -> None:
    path = tmp_path / "exported.csv"
    path.write_text(
        "Name,State,Created,lr,optimizer,metrics.acc\n"
        "run a,finished,2024-01-02T03:04:05Z,0.1,adam,0.9\nrun b,crashed,,0.2,sgd,\n"
    )
    first, second = tables.read(path)
    assert (first.name, first.experiment, first.status) == ("run a", "exported", "finished")
    assert first.params == {"optimizer": "adam"}
    assert curve(first, "acc") == [(0, 0.9)] and curve(first, "lr") == [(0, 0.1)]
    assert second.status == "failed" and curve(second, "acc") == []


def test_csv_with_a_row_a_point(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("run,step,loss,params.lr\na,0,1.0,0.1\na,1,0.5,0.1\nb,0,2.0,0.3\n")
    first, second = tables.read(path, experiment="x")
    assert curve(first, "loss") == [(0, 1.0), (1, 0.5)]
    assert (first.params, second.params) == ({"lr": 0.1}, {"lr": 0.3})


def test_csv_without_the_column_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,loss\na,1\n")
    with pytest.raises(NotFound, match="stepp"):
        list(tables.read(tmp_path / "a.csv", step="stepp"))


def test_aim_is_read_where_it_is_installed(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match="Aim"):
        list(aim.read(tmp_path))


# --- who wrote it


def test_the_tool_is_found_out(tmp_path: Path) -> None:
    sql_store(tmp_path / "mlflow.db")
    (tmp_path / "a.csv").write_text("run,loss\n")
    shutil.copytree(GOLDEN, tmp_path / "tb", ignore=shutil.ignore_patterns("*.wandb"))
    (tmp_path / "repo" / ".aim").mkdir(parents=True)
    assert kind_of(tmp_path / "mlflow.db") == "mlflow"
    assert kind_of(file_store(tmp_path / "mlruns")) == "mlflow"
    assert kind_of(tmp_path / "a.csv") == "csv"
    assert kind_of(tmp_path / "tb") == "tensorboard"
    assert kind_of(GOLDEN / "run-yb18qk65.wandb") == "wandb"
    assert kind_of(tmp_path / "repo") == "aim"
    (tmp_path / "empty").mkdir()
    with pytest.raises(Invalid, match="No tool"):
        kind_of(tmp_path / "empty")


# --- what was made to mislead


def test_a_store_is_not_believed_that_its_files_lie_anywhere(tmp_path: Path) -> None:
    secret = tmp_path / "home" / ".ssh"
    secret.mkdir(parents=True)
    (secret / "id_rsa").write_text("secret")
    run = file_store(tmp_path / "mlruns") / "7" / "abc123"
    shutil.rmtree(run / "artifacts")
    with (run / "meta.yaml").open("a") as meta:
        meta.write(f"artifact_uri: file://{secret}\n")
    (found,) = mlflow_files.read(tmp_path / "mlruns")
    assert isinstance(found, ForeignRun)
    assert list(found.files()) == [] and "id_rsa" not in str(found.left) and found.left
    (named,) = mlflow_files.read(tmp_path / "mlruns", [secret.parent])
    assert isinstance(named, ForeignRun)
    assert [name for name, _ in named.files()] == ["id_rsa"]
    url = sql_store(tmp_path / "mlflow.db")
    for uri in (f"file://{secret}", str(secret), "mlruns/../home/.ssh", "mlflow-artifacts:/../home/.ssh"):
        with sqlite3.connect(tmp_path / "mlflow.db") as db:
            db.execute("UPDATE runs SET artifact_uri = ?", (uri,))
        (found,) = mlflow_sql.read(url)
        assert isinstance(found, ForeignRun)
        assert list(found.files()) == []


def test_links_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    run = file_store(tmp_path / "mlruns") / "7" / "abc123"
    (run / "artifacts" / "b.txt").symlink_to(tmp_path / "secret.txt")
    (run / "params" / "stolen").symlink_to(tmp_path / "secret.txt")
    (run / "artifacts" / "folder").symlink_to(tmp_path)
    (found,) = mlflow_files.read(tmp_path / "mlruns")
    assert isinstance(found, ForeignRun)
    assert [name for name, _ in found.files()] == ["notes/a.txt"]
    assert "stolen" not in found.params
    assert len(found.left) == 2


def test_damage_costs_what_is_damaged(tmp_path: Path) -> None:
    run = file_store(tmp_path / "mlruns") / "7" / "abc123"
    lines = ["abc def 1", "1700000000000 0.5 0", "1 x 2", f"1 1 {10**30}", "1 1 1.5"]
    (run / "metrics" / "val" / "loss").write_text("\n".join(lines))
    shutil.copytree(run, run.parent / "bad")
    (run.parent / "bad" / "meta.yaml").write_text("run_id: bad\nstart_time: abc\nstatus: [1]\n")
    shutil.copytree(run, run.parent / "gone")
    (run.parent / "gone" / "meta.yaml").write_text("run_id: gone\nlifecycle_stage: deleted\n")
    good, bad = mlflow_files.read(tmp_path / "mlruns")
    assert isinstance(good, ForeignRun) and isinstance(bad, Unreadable)
    assert curve(good, "val/loss") == [(0, 0.5)] and len(good.left) == 4


@pytest.mark.parametrize("cell", ["x", "", "1e400", "nan"])
def test_a_step_that_is_none_costs_its_point(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f"run,step,loss\na,0,1.0\na,{cell},2.0\n")
    (run,) = tables.read(tmp_path / "a.csv")
    assert isinstance(run, ForeignRun)
    assert curve(run, "loss") == [(0, 1.0)] and len(run.left) == 1


def test_numbers_that_are_not_finite_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,step,loss\na,0,inf\na,1,nan\na,2,0.5\n")
    (run,) = tables.read(tmp_path / "a.csv")
    assert [value for _, value in curve(run, "loss")] == [math.inf, pytest.approx(math.nan, nan_ok=True), 0.5]
