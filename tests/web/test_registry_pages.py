"""The pages of the registry: what they tell of models and versions, and what people do there with which role."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fettle.core import canonical
from fettle.storage.objects import put_object
from fettle.web.registry import search_of
from fettle.workspace import Workspace
from tests.serving.models import register_version
from tests.web.conftest import Open
from tests.web.test_browser import violations
from tests.web.test_labels import served

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"&{{7*7}}"""
FORKED = "it's a model"
WEIGHTS = b"weights" * 100


def fill(ws: Workspace) -> None:
    """A model without versions, and one of foreign files with a request, a hold and a deleted version."""
    ws.call("registry.make", model="later", description=f"Not yet {HOSTILE}", tags={"team": "risk"})
    listing = {
        "model/weights.bin": put_object(ws.blobs, WEIGHTS),
        f"{HOSTILE.replace('/', '')}.txt": put_object(ws.blobs, b"x"),
    }
    manifest = put_object(ws.blobs, canonical.encode(listing))
    for number, kept in enumerate((None, manifest, None), 1):
        ws.call(
            "registry.adopt",
            model=FORKED,
            source=f"/elsewhere/{number}",
            manifest=kept,
            metrics={"f1": 0.7 + number / 10},
            note=f"Try {number} {HOSTILE}",
        )
    ws.call("registry.delete_version", model=FORKED, version=1, reason=f"superseded {HOSTILE}")
    ws.call("registry.set_alias", model=FORKED, alias="shadow", version=2, reason=HOSTILE)
    ws.call("registry.protect", model=FORKED, alias="champion", approvals=1)
    ws.call("registry.hold", model=FORKED, version=3, reason=f"case 17 {HOSTILE}")
    ws.call("registry.change", model=FORKED, description=f"**Kept** {HOSTILE} [evil](javascript:alert(1))")


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    """A registry in which things have happened."""
    with Workspace.create(tmp_path, actor="user:ada") as workspace:
        fill(workspace)
        yield workspace


@pytest.fixture
def http(ws: Workspace) -> Iterator[httpx.Client]:
    """A client of the whole server."""
    with served(ws) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


PAGES = ("/models", "/models/later", f"/models/{FORKED}", f"/models/{FORKED}/2", f"/models/{FORKED}/3",
         f"/models/{FORKED}/compare/2/3")  # fmt: skip


def test_pages_tell_what_there_is(http: httpx.Client):
    assert "No version yet" in http.get("/models/later").text
    model = http.get(f"/models/{FORKED}").text
    for told in (
        "<strong>Kept</strong>",
        "is on hold",
        "Deleted versions",
        "superseded",
        "1 approval by role",
        "foreign",
    ):
        assert told in model, told
    kept = http.get(f"/models/{FORKED}/2").text
    for told in ("does not load or serve", "model/weights.bin", "/elsewhere/2", ">Download<", "2 files"):
        assert told in kept, told
    gone = http.get(f"/models/{FORKED}/3").text
    assert "They lie at /elsewhere/3" in gone
    assert ">Download<" not in gone
    assert "case 17" in gone
    deleted = http.get(f"/models/{FORKED}/1")
    assert deleted.status_code == 404
    assert "was deleted" in deleted.text


@pytest.mark.parametrize("path", PAGES)
def test_what_was_written_runs_nowhere(http: httpx.Client, path: str):
    page = http.get(path).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert http.get(f"{path}.json").status_code == 200


def test_models_are_found_by_words_and_by_expressions(http: httpx.Client):
    def found(text: str) -> list[str]:
        answer = http.get("/models.json", params={"q": text})
        return [each["name"] for each in answer.json()["models"]]

    assert found("") == [FORKED, "later"]
    assert found("LATE not") == ["later"]
    assert found("tags.team = 'risk'") == ["later"]
    assert found("alias = 'shadow' or name = 'later'") == [FORKED, "later"]
    assert found("nothing") == []
    assert http.get("/models?sort=-updated_at").text.index(">later<") > 0
    wrong = http.get("/models", params={"q": "tags.team = "})
    assert wrong.status_code == 422
    assert "Nothing can be shown" in wrong.text
    assert http.get("/models.json", params={"q": "tags.team = "}).json()["error"]["code"] == "invalid"
    assert "Nothing fits" in http.get("/models?q=nothing").text


def test_words_become_a_search():
    assert search_of("") == ""
    assert search_of("name like 'a%'") == "name like 'a%'"
    assert search_of("50%") == "(name ilike '%50%%' or description ilike '%50%%')"


def test_many_models_come_page_by_page(tmp_path: Path):
    with Workspace.create(tmp_path) as ws:
        for number in range(52):
            ws.call("registry.make", model=f"m{number:02}")
        with served(ws) as address:
            first = httpx.get(f"{address}/models").text
            twin = httpx.get(f"{address}/models.json").json()
            rest = httpx.get(f"{address}/models.json", params={"cursor": twin["next"]}).json()
        assert (first.count('scope="row"'), "Next →" in first) == (50, True)
        assert [each["name"] for each in rest["models"]] == ["m50", "m51"]
        assert rest["next"] is None


def test_files_come_as_one_archive(http: httpx.Client):
    answer = http.get(f"/models/{FORKED}/2/download")
    assert answer.headers["content-type"] == "application/zip"
    assert "sandbox" in answer.headers["content-security-policy"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.read("model/weights.bin") == WEIGHTS
        assert len(packed.namelist()) == 2
    assert http.get(f"/models/{FORKED}/3/download").status_code == 409
    assert http.get(f"/models/{FORKED}/9/download").status_code == 404


def test_a_bundle_is_listed_compared_and_saved(ws: Workspace, http: httpx.Client):
    for seed in (1, 2):
        register_version(ws, seed)
    page = http.get("/models/market/2").text
    assert ".onnx" in page
    assert "does not load or serve" not in page
    assert "Ask both" in http.get("/models/market/compare/1/2").text
    asked = http.get("/models/market/compare/1/2.json?answers=1").json()
    assert asked["answers"]["rows"] > 0
    assert asked["found"]["size_bytes"][0] > 0
    assert "answered differently" in http.get("/models/market/compare/1/2?answers=1").text
    with zipfile.ZipFile(io.BytesIO(http.get("/models/market/1/download").content)) as packed:
        assert any(name.endswith(".onnx") for name in packed.namelist())


def test_two_versions_side_by_side(http: httpx.Client):
    page = http.get(f"/models/{FORKED}/compare/2/3").text
    assert "/elsewhere/2" in page
    assert "Only bundles can be asked" in page
    chosen = http.get(f"/models/{FORKED}/compare?a=2&b=3")
    assert chosen.status_code == 303
    assert chosen.headers["location"].endswith("/compare/2/3")
    assert http.get(f"/models/{FORKED}/compare?a=x&b=3").status_code == 422
    assert http.get(f"/models/{FORKED}/compare/2/9").status_code == 404
    noted = http.get(f"/models/{FORKED}/compare/2/3.json?answers=1").json()
    assert "only bundles" in json.dumps(noted["answers"])


def test_people_ask_agree_and_promote(ws: Workspace, http: httpx.Client):
    ws.call("governance.grant", actor="user:root", role="admin")
    people = {"ada": "approver", "bob": "approver", "eve": "editor"}
    tokens = {
        each: ws.call("governance.grant", actor=f"user:{each}", role=role).secret
        for each, role in people.items()
    }
    address = str(http.base_url).rstrip("/")
    path = f"/models/{FORKED}/2"

    @contextmanager
    def signed_in(who: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=address, headers={"Origin": address}) as client:
            client.post("/sign-in", data={"token": tokens[who]})
            yield client

    def promote(client: httpx.Client) -> int:
        return client.post(path, data={"do": "promote", "alias": "champion", "note": "better"}).status_code

    with signed_in("eve") as eve:
        assert eve.post(path, data={"do": "request", "alias": "champion", "note": "f1"}).status_code == 303
        (request,) = ws.call("registry.approvals", model=FORKED)
        page = eve.get(path).text
        assert "You cannot agree: user:eve asked for it." in page
        assert 'value="approve"' not in page
        assert 'value="withdraw"' in page
        assert eve.post(path, data={"do": "approve", "request": request.id}).status_code == 403
        assert promote(eve) == 403
    with signed_in("ada") as ada:  # ada registered the version
        assert "You cannot agree: user:ada registered the version." in ada.get(path).text
        assert ada.post(path, data={"do": "approve", "request": request.id}).status_code == 403
        assert promote(ada) == 409
    with signed_in("bob") as bob:
        page = bob.get(path).text
        assert 'value="approve"' in page
        assert 'value="withdraw"' not in page
        agree = {"do": "approve", "request": request.id, "note": f"seen {HOSTILE}"}
        assert bob.post(path, data=agree, headers={"Origin": "https://evil.example"}).status_code == 403
        assert bob.post(path, data=agree).status_code == 303
        page = bob.get(path).text
        assert "1 of 1 agreed" in page
        assert "Take my approval back" in page
        assert "<script>alert" not in page
        assert bob.post(path, data={"do": "withdraw", "request": request.id}).status_code == 303
        assert bob.post(path, data=agree).status_code == 303
        assert bob.post(path, data={"do": "promote", "alias": "champion", "note": " "}).status_code == 422
        assert promote(bob) == 303
    assert ws.call("registry.alias", model=FORKED).version == 2
    assert ws.call("registry.history", model=FORKED, alias="champion")[0].actor == "user:bob"


def test_rolling_back_twice_goes_back_once(ws: Workspace, http: httpx.Client):
    ws.call("registry.unprotect", model=FORKED)
    for version in (2, 3):
        ws.call("registry.promote", model=FORKED, version=version)
    assert "Roll back to v2" in http.get(f"/models/{FORKED}").text
    fields = {"do": "rollback", "alias": "champion", "leaving": "3", "note": "latency"}
    for _ in range(2):
        assert http.post(f"/models/{FORKED}", data=fields).status_code == 303
        assert ws.call("registry.alias", model=FORKED).version == 2
    assert http.post(f"/models/{FORKED}", data={**fields, "note": ""}).status_code == 422
    assert http.post(f"/models/{FORKED}", data={**fields, "leaving": "x"}).status_code == 422


def test_descriptions_are_changed(ws: Workspace, http: httpx.Client):
    for path in ("/models/later", f"/models/{FORKED}/2"):
        assert http.post(path, data={"do": "describe", "text": "new\r\nwords"}).status_code == 303
    assert ws.call("registry.model", model="later").description == "new\nwords"
    assert ws.call("registry.show", model=FORKED, version=2).description == "new\nwords"
    assert http.post("/models/later", data={"do": "burn"}).status_code == 422
    assert http.post("/models/none", data={"do": "describe", "text": "x"}).status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_registry_is_accessible(visit: Open, ws: Workspace, http: httpx.Client, axe: str, theme: str):
    ws.call("registry.request_approval", model=FORKED, version=3, reason=HOSTILE)
    address = str(http.base_url)
    tab, narrow = visit(theme, address=address), visit(theme, address=address, width=390)
    for path in PAGES:
        assert violations(tab.go(path), axe, theme) == [], path
        assert narrow.go(path).evaluate("document.documentElement.scrollWidth <= innerWidth"), path
