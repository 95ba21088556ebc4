"""The protocol over a workspace in PostgreSQL: the same requests, the same answers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx

from fettle.workspace import Workspace
from tests.protocols.conftest import API, PROXY
from tests.server.conftest import serve


def test_runs_files_and_quotas(fresh_postgres_url: str, tmp_path: Path):
    opened = Workspace.open(f"{fresh_postgres_url}&blobs={tmp_path / 'blobs'}")
    with opened as ws, serve(ws) as url, httpx.Client(base_url=url, timeout=30) as http:

        def ask(path: str, **fields: object) -> dict:
            answer = http.post(f"{API}/{path}", json=fields)
            assert answer.status_code == 200, answer.text
            return answer.json()

        number = ask("experiments/create", name="elsewhere")["experiment_id"]
        run = ask("runs/create", experiment_id=number, run_name="one")["run"]["info"]["run_id"]
        points = [{"key": "m", "value": step / 2, "timestamp": step, "step": step} for step in range(50)]
        params = [{"key": "p", "value": "1"}]
        ask("runs/log-batch", run_id=run, metrics=points, params=params, tags=[{"key": "t", "value": "x"}])
        ask("runs/log-metric", run_id=run, key="m", value="NaN", timestamp=60, step=60)
        (found,) = ask(
            "runs/search", experiment_ids=[number], filter="params.p = '1'", order_by=["metrics.m"]
        )["runs"]
        got = http.get(f"{API}/runs/get", params={"run_id": run}).json()["run"]
        assert found == got and {"key": "t", "value": "x"} in got["data"]["tags"]
        assert got["data"]["metrics"] == [{"key": "m", "value": "NaN", "timestamp": 60, "step": 60}]
        history = http.get(f"{API}/metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()[
            "metrics"
        ]
        assert history[:50] == points and history[50]["value"] == "NaN"

        model = ask("logged-models", experiment_id=number, name="model")["model"]["info"]["model_id"]
        ws.call("tracking.set_quota", experiment="elsewhere", size_bytes=5)
        folder = f"{PROXY}/artifacts/{number}/models/{model}/artifacts"
        sent = [
            http.put(f"{folder}/{name}", content=data).status_code
            for name, data in (("f", b"12345"), ("g", b"x"))
        ]
        assert sent == [
            200,
            400,
        ]
        assert ws.call("tracking.quota", experiment="elsewhere").size_bytes == 5

        made = http.post(f"{PROXY}/mpu/create/some", json={"path": "f", "num_parts": 1}).json()
        etag = http.put(urlsplit(made["credentials"][0]["url"]).path, content=b"part").headers["etag"]
        asked = {"path": "f", "upload_id": made["upload_id"], "parts": [{"part_number": 1, "etag": etag}]}
        assert http.post(f"{PROXY}/mpu/complete/some", json=asked).status_code == 200
        assert http.get(f"{PROXY}/artifacts/some/f").content == b"part"
