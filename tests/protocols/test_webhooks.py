"""Webhooks made by MLflow's client: told of what happens to models, signed as MLflow signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from fettle.governance import mlflow_form
from fettle.governance.carrier import deliver_all
from fettle.storage.outgoing import PRIVATE_HOSTS
from fettle.workspace import Workspace
from tests.protocols.conftest import API


class Ear:
    """A receiver: what it heard, as headers and body."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.heard.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b"thanks")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    monkeypatch.setenv(PRIVATE_HOSTS, "127.0.0.1")
    listening = Ear()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()


def test_a_webhook_is_made_shown_changed_and_ended(client, mlflow, ear: Ear, ws: Workspace) -> None:
    name = f"hook-{uuid.uuid4().hex[:6]}"
    made = client.create_webhook(
        name, ear.url, ["model_version.created", "model_version_tag.set"], description="for ops", secret="s"
    )
    assert (made.name, made.url, made.description, str(made.status)) == (name, ear.url, "for ops", "ACTIVE")
    seen = client.get_webhook(made.webhook_id)
    assert [str(each) for each in seen.events] == ["model_version.created", "model_version_tag.set"]
    assert made.webhook_id in {each.webhook_id for each in client.list_webhooks()}
    changed = client.update_webhook(made.webhook_id, status="DISABLED", events=["registered_model.created"])
    assert str(changed.status) == "DISABLED"
    assert [str(each) for each in changed.events] == ["registered_model.created"]
    assert changed.description == "for ops"
    assert made.webhook_id in {each.id for each in ws.governance.subscriptions()}
    client.delete_webhook(made.webhook_id)
    for call in (client.get_webhook, client.delete_webhook):
        with pytest.raises(mlflow.exceptions.MlflowException) as gone:
            call(made.webhook_id)
        assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_what_happens_to_models_is_told(client, ear: Ear, ws: Workspace, run_id: str) -> None:
    hook = client.create_webhook(
        "told",
        ear.url,
        [
            "registered_model.created",
            "model_version.created",
            "model_version_tag.set",
            "model_version_alias.created",
        ],
        secret="a secret",
    )
    name = f"told-{uuid.uuid4().hex[:6]}"
    client.create_registered_model(name, tags={"team": "risk"}, description="finds fraud")
    client.create_model_version(name, f"runs:/{run_id}/model", run_id)
    client.update_model_version(name, "1", "nobody asked to be told")
    client.set_model_version_tag(name, "1", "gone", "soon")
    client.delete_model_version_tag(name, "1", "gone")
    client.set_model_version_tag(name, "1", "owner", "ada")
    client.set_registered_model_alias(name, "shadow", "1")
    deliver_all(ws)
    told = {}
    for headers, body in ear.heard:
        message = json.loads(body)
        told[f"{message['entity']}.{message['action']}"] = message["data"]
        delivery, at = headers["x-mlflow-delivery-id"], headers["x-mlflow-timestamp"]
        signed = hmac.new(b"a secret", f"{delivery}.{at}.{body}".encode(), hashlib.sha256).digest()
        assert headers["x-mlflow-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    assert len(ear.heard) == 5
    made = told["registered_model.created"]
    assert made == {"name": name, "tags": {"team": "risk"}, "description": "finds fraud"}
    version = told["model_version.created"]
    assert (version["name"], version["version"], version["run_id"]) == (name, "1", run_id)
    assert version["source"] == f"runs:/{run_id}/model"
    tags = [json.loads(body)["data"] for _, body in ear.heard if '"model_version_tag"' in body]
    set_tags = [{"name": name, "version": "1", "key": "gone", "value": "soon"}]
    set_tags += [{"name": name, "version": "1", "key": "owner", "value": "ada"}]
    assert sorted(tags, key=lambda each: each["key"]) == set_tags
    assert told["model_version_alias.created"] == {"name": name, "version": "1", "alias": "shadow"}
    client.delete_webhook(hook.webhook_id)


def test_a_webhook_is_tried(client, ear: Ear) -> None:
    hook = client.create_webhook("tried", ear.url, ["registered_model.created"])
    result = client.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
    assert json.loads(ear.heard[0][1])["data"]["name"] == "example_model"
    ear.status = 500
    result = client.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status) == (False, 500)
    client.delete_webhook(hook.webhook_id)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "file:///etc/passwd"}, {"url": "http://169.254.169.254/x"}, {"url": "http://10.0.0.1/"}, {"url": "x"},
        {"url": ""}, {"name": "-x"}, {"name": "x" * 80}, {"name": "a\0b"}, {"events": []}, {"status": "LOUD"},
        {"events": [{"entity": "MODEL_VERSION", "action": "EATEN"}]},
        {"events": [{"entity": "X", "action": "CREATED"}]},
        {"secret": "x" * 1000}, {"secret": "a\0b"},
    ],
)  # fmt: skip
def test_bad_webhooks_are_refused(http: httpx.Client, change: dict) -> None:
    good = {
        "name": "ok",
        "url": "https://8.8.8.8/x",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    answer = http.post(f"{API}/webhooks", json={**good, **change})
    assert answer.status_code in (400, 403), answer.text
    prompt = {**good, "events": [{"entity": "PROMPT", "action": "CREATED"}]}
    assert http.post(f"{API}/webhooks", json=prompt).status_code == 501


def test_only_what_was_asked_for_is_wanted() -> None:
    message = {"kind": "registry.version_changed", "subject": "model:fraud"}
    tagged = {**message, "body": {"version": 3, "tags": {"a": "b"}, "untag": []}}
    dropped = {**message, "body": {"version": 3, "tags": {}, "untag": ["a"]}}
    described = {**message, "body": {"version": 3, "tags": {}, "untag": [], "described": True}}
    asked = ["registry.version_changed", "mlflow:model_version_tag.deleted"]
    wanted = [mlflow_form.wanted(asked, each) for each in (tagged, dropped, described)]
    assert wanted == [False, True, False]
    assert mlflow_form.wanted(["registry.*"], described)
    assert mlflow_form.told(dropped)[1] == {"name": "fraud", "version": "3", "key": "a"}
