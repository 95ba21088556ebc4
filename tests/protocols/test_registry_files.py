"""Models go in and come out: what clients log and register, and fettle's own bundles as models of MLflow."""

from __future__ import annotations

import importlib
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fettle.core.errors import FettleError
from fettle.registry import loading
from fettle.storage.objects import put_object
from fettle.workspace import Workspace
from tests.protocols.conftest import API, PROXY
from tests.serving.models import register_version

ROW = {"price": 1.0, "demand (MW)": -1.0, "région": "nord", "holiday": False}


@pytest.fixture(scope="module")
def market(team: tuple[Workspace, str]) -> Workspace:
    """A real bundle of fettle, champion of its model."""
    ws = team[0]
    register_version(ws, 1)
    ws.registry.promote("market", 1)
    return ws


def test_a_bundle_is_a_model_for_pyfunc(fluent, market: Workspace) -> None:
    pd = pytest.importorskip("pandas")
    model = fluent.pyfunc.load_model("models:/market@champion")
    rows = pd.DataFrame([ROW, {**ROW, "price": float("nan")}], index=[7, 9])
    got = model.predict(rows)
    (first, second) = loading.load(market, "market@champion").predict([ROW, {**ROW, "price": None}])
    assert list(got.index) == [7, 9]
    assert got["prediction"].tolist() == [first["prediction"], second["prediction"]]
    assert got["UP"].tolist() == pytest.approx([first["probabilities"]["UP"], second["probabilities"]["UP"]])


def test_a_bundle_is_a_graph_for_onnx(fluent, market: Workspace) -> None:
    pytest.importorskip("onnx")
    graph = fluent.onnx.load_model("models:/market/1")
    assert {each.name for each in graph.graph.input} == set(ROW)


def test_a_bundle_is_downloaded_whole(
    fluent, client, market: Workspace, http: httpx.Client, tmp_path: Path
) -> None:
    folder = Path(fluent.artifacts.download_artifacts("models:/market/1", dst_path=str(tmp_path)))
    names = {each.name for each in folder.iterdir()}
    assert {"MLmodel", "requirements.txt", "model.onnx", "schema.json", "manifest.json"} <= names
    digest = market.registry.show("market", 1).bundle
    assert http.put(f"{PROXY}/artifacts/bundles/{digest}/model.onnx", content=b"x").status_code == 403
    assert http.delete(f"{PROXY}/artifacts/bundles/{digest}/model.onnx").status_code == 403
    for path in (
        f"bundles/{digest}/nothing",
        f"bundles/{'0' * 64}/model.onnx",
        f"listings/{digest}/model.onnx",
    ):
        assert http.get(f"{PROXY}/artifacts/{path}").status_code == 404
    assert http.get(f"{PROXY}/artifacts/bundles/{digest}/..%2f..%2fx").status_code == 400


def _fitted(kind: str) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    if kind == "sklearn":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().fit(rows, labels), rows
    module = pytest.importorskip(kind)
    if kind == "xgboost":
        return module.XGBClassifier(n_estimators=3).fit(rows, labels), rows
    settings = {"objective": "binary", "verbose": -1}
    return module.train(settings, module.Dataset(rows, labels), num_boost_round=3), rows


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["sklearn", "xgboost", "lightgbm"])
def test_a_logged_model_is_registered_and_loaded(fluent, ws: Workspace, kind: str) -> None:
    pytest.importorskip("pandas")
    flavor = importlib.import_module(f"mlflow.{kind}")
    fitted, rows = _fitted(kind)
    name = f"{kind}-{uuid.uuid4().hex[:6]}"
    more = {"serialization_format": "cloudpickle"} if kind == "sklearn" else {}
    with fluent.start_run() as run:
        info = flavor.log_model(fitted, name="model", registered_model_name=name, pip_requirements=[], **more)
        fluent.log_metric("auc", 0.9, model_id=info.model_id)
    wanted = fitted.predict(rows)
    loaded = flavor.load_model(f"models:/{name}/1")
    assert (loaded.predict(rows) == wanted).all()
    fluent.MlflowClient().set_registered_model_alias(name, "champion", 1)
    served = fluent.pyfunc.load_model(f"models:/{name}@champion")
    assert (np.asarray(served.predict(rows)) == wanted).all()
    ours = ws.registry.show(name, 1)
    assert (ours.run_id, ours.logged_model, ours.source) == (
        run.info.run_id, info.model_id, f"models:/{info.model_id}"
    )  # fmt: skip
    assert name in fluent.get_logged_model(info.model_id).tags["mlflow.modelVersions"]
    assert [each.key for each in fluent.get_logged_model(info.model_id).metrics] == ["auc"]
    found = fluent.search_logged_models(["0"], filter_string="metrics.auc > 0.5", output_format="list")
    assert info.model_id in {each.model_id for each in found}


@pytest.mark.filterwarnings("ignore")
def test_files_of_a_version_outlive_their_logged_model(fluent, ws: Workspace, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    fitted, rows = _fitted("sklearn")
    name = f"kept-{uuid.uuid4().hex[:6]}"
    with fluent.start_run():
        info = fluent.sklearn.log_model(
            fitted,
            name="model",
            registered_model_name=name,
            pip_requirements=[],
            serialization_format="cloudpickle",
        )
    assert ws.registry.show(name, 1).manifest
    fluent.MlflowClient().delete_logged_model(info.model_id)
    again = fluent.sklearn.load_model(f"models:/{name}/1")
    assert (again.predict(rows) == fitted.predict(rows)).all()
    from fettle.registry.errands.versions import download

    download(ws, f"{name}@1", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "MLmodel").is_file()


def test_what_was_agreed_to_is_what_is_loaded(fluent, client, tmp_path: Path) -> None:
    with fluent.start_run() as run:
        fluent.log_text("one", "m/weights.txt")
    name = f"frozen-{uuid.uuid4().hex[:6]}"
    client.create_registered_model(name)
    client.create_model_version(name, f"mlflow-artifacts:/0/{run.info.run_id}/artifacts/m", run.info.run_id)
    client.log_text(run.info.run_id, "two", "m/weights.txt")
    client.delete_run(run.info.run_id)
    folder = Path(fluent.artifacts.download_artifacts(f"models:/{name}/1"))
    assert (folder / "weights.txt").read_text() == "one"


def test_a_manifest_that_is_none_is_no_failure(http: httpx.Client, ws: Workspace) -> None:
    for at, data in enumerate((b"no json", b'{"../../a":"' + b"0" * 64 + b'"}', b'{"a":"x"}', b"[1]")):
        digest = put_object(ws.blobs, data)
        try:
            ws.registry.adopt(f"odd-{at}", "s3://b/x", manifest=digest)
        except FettleError:
            continue  # refused already where it is told
        answer = http.get(f"{PROXY}/artifacts", params={"path": f"listings/{digest}"})
        assert answer.status_code == 404, (data, answer.text)


def test_a_run_of_fettle_lends_its_files(fluent, ws: Workspace, client, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"weights")
    with fluent.start_run() as run:
        fluent.log_artifact(str(tmp_path / "weights.bin"), "net")
        fluent.log_dict({"flavors": {}}, "net/MLmodel")
    made = fluent.register_model(f"runs:/{run.info.run_id}/net", f"net-{uuid.uuid4().hex[:6]}")
    folder = Path(fluent.artifacts.download_artifacts(f"models:/{made.name}/{made.version}"))
    assert (folder / "weights.bin").read_bytes() == b"weights"


def test_what_is_not_answered_is_said_so(http: httpx.Client) -> None:
    for path in ("registered-models/none", "scorers/list", "gateway/x", "../../x", "model-versions"):
        answer = http.get(f"{API}/{path}")
        assert answer.status_code in (404, 501), path
        assert "text/html" not in answer.headers["content-type"]


def test_a_browser_gets_a_file_of_a_version(http: httpx.Client, client) -> None:
    run = client.create_run("0").info.run_id
    http.put(f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/m/a.txt", content=b"hello")
    client.create_registered_model("browsed")
    client.create_model_version("browsed", f"runs:/{run}/m", run)
    asked = {"name": "browsed", "version": "1", "path": "a.txt"}
    answer = http.get("/model-versions/get-artifact", params=asked)
    assert answer.content == b"hello" and answer.headers["x-content-type-options"] == "nosniff"
    for change, status in (
        ({"path": "../a"}, 400),
        ({"path": "b"}, 404),
        ({"version": "9"}, 404),
        ({"name": ""}, 400),
    ):
        answer = http.get("/model-versions/get-artifact", params={**asked, **change})
        assert answer.status_code == status and "error_code" in answer.json(), answer.text
