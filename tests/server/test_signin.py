"""The door of the pages: open on one's own machine, closed as soon as there is a token."""

from __future__ import annotations

import httpx
import pytest

from fettle.server.signin import local
from fettle.workspace import Workspace


def test_without_any_token_the_pages_are_open(http: httpx.Client):
    assert http.get("/").status_code == 200
    assert http.get("/models.json").status_code == 200


def test_with_a_token_pages_lead_to_the_sign_in(http: httpx.Client, served: tuple[Workspace, str]):
    served[0].governance.grant("user:ada", "viewer")
    answer = http.get("/audit?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?back=%2Faudit%3Fpage%3D2")
    for path, headers in (("/models.json", {}), ("/overview.json", {}), ("/", {"HX-Request": "true"})):
        refused = http.get(path, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "unauthenticated"
    assert http.get("/health").status_code == 200
    form = http.get("/sign-in?back=/audit")
    assert form.status_code == 200
    assert 'value="/audit"' in form.text
    style = form.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert http.get(style).status_code == 200


def test_a_person_signs_in_once_and_a_revoked_token_is_out_at_once(
    http: httpx.Client, served: tuple[Workspace, str]
):
    made = served[0].governance.grant("user:ada", "viewer")
    wrong = http.post("/sign-in", data={"token": "nonsense", "back": "/audit"})
    assert wrong.status_code == 401
    assert "not valid" in wrong.text
    entered = http.post("/sign-in", data={"token": made.secret, "back": "/audit"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/audit")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert http.get("/audit").status_code == 200
    refused = http.post("/api/v1/tracking/start", json={"experiment": "e"})
    assert refused.status_code == 403
    served[0].governance.revoke(made.token.id)
    assert http.get("/audit").status_code == 303


def test_signing_out_forgets_the_token(http: httpx.Client, served: tuple[Workspace, str]):
    made = served[0].governance.grant("user:ada", "admin")
    http.post("/sign-in", data={"token": made.secret})
    assert http.get("/").status_code == 200
    assert http.post("/sign-out").status_code == 303
    assert http.get("/").status_code == 303


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/a\nb"]
)
def test_the_way_back_never_leads_elsewhere(path: str):
    assert local(path) == "/"
    assert local("/models/fraud?sort=-at") == "/models/fraud?sort=-at"
