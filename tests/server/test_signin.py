"""The door of the pages: open on one's own machine, closed as soon as there is a token."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from fettle.web.asked import local
from fettle.workspace import Workspace
from tests.server.conftest import serve

Served = tuple[Workspace, str]
START = "/api/v1/tracking/start"


def sign_in(http: httpx.Client, secret: str, back: str = "/") -> httpx.Response:
    return http.post("/sign-in", data={"token": secret, "back": back})


def way_in(back: str) -> str:
    return f"/sign-in?{httpx.QueryParams(back=back)}"


def test_without_any_token_the_pages_are_open(http: httpx.Client):
    assert http.get("/").status_code == 200
    assert http.get("/models.json").status_code == 200
    asked = http.get("/sign-in?back=/models")
    assert (asked.status_code, asked.headers["location"]) == (303, "/models")


def test_with_a_token_pages_lead_to_the_sign_in(http: httpx.Client, served: Served):
    served[0].governance.grant("user:ada", "viewer")
    answer = http.get("/audit?page=2&q=a b")
    assert (answer.status_code, answer.headers["location"]) == (303, way_in("/audit?page=2&q=a%20b"))
    form = http.get("/sign-in?back=/audit")
    assert form.status_code == 200
    assert 'value="/audit"' in form.text
    assert str(served[0].url) not in form.text
    style = form.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert http.get(style).status_code == 200
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize("path", ["/sign-in-to-nothing", "/healthy", "/staticky", "/sign-in/", "/nowhere"])
def test_what_is_only_called_alike_stays_closed(http: httpx.Client, served: Served, path: str):
    served[0].governance.grant("user:ada", "viewer")
    assert http.get(path).headers["location"] == way_in(path)


def test_twins_fragments_and_programs_get_the_error(http: httpx.Client, served: Served):
    served[0].governance.grant("user:ada", "viewer")
    fragment = {"HX-Request": "true", "HX-Current-URL": f"{served[1]}/runs?q=a"}
    wrong = {"Authorization": "Bearer wrong"}
    for path, headers in (("/models.json", {}), ("/overview.json", {}), ("/runs", fragment), ("/", wrong)):
        refused = http.get(path, headers=headers)
        assert refused.status_code == 401, path
        assert refused.json()["error"]["code"] == "unauthenticated"
    assert http.get("/runs", headers=fragment).headers["hx-redirect"] == way_in("/runs?q=a")
    assert http.post("/theme", content="theme=dark").headers["location"] == "/sign-in"


def test_a_program_sees_the_pages_with_its_bearer(http: httpx.Client, served: Served):
    made = served[0].governance.grant("service:ci", "viewer")
    assert http.get("/models.json", headers={"Authorization": f"Bearer {made.secret}"}).status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "", "fettle_\u00fc\U0001f511", "x" * 3000])
def test_a_wrong_token_opens_nothing_and_is_told(http: httpx.Client, served: Served, token: str):
    served[0].governance.grant("user:ada", "viewer")
    wrong = sign_in(http, token, "/audit")
    assert wrong.status_code == 401
    assert "The token is not valid." in wrong.text
    assert 'value="/audit"' in wrong.text
    assert "set-cookie" not in wrong.headers


def test_a_form_that_is_too_long_is_refused(http: httpx.Client):
    assert sign_in(http, "x" * 5000).status_code == 422


def test_a_viewer_signs_in_once_and_may_look_but_not_change(http: httpx.Client, served: Served):
    made = served[0].governance.grant("user:ada", "viewer")
    entered = sign_in(http, made.secret, "/audit")
    assert (entered.status_code, entered.headers["location"]) == (303, "/audit")
    shown = http.get("/audit")
    assert shown.status_code == 200
    assert "Sign out" in shown.text and "user:ada" in shown.text
    refused = http.post(START, json={"experiment": "e"}, headers={"Origin": served[1]})
    assert (refused.status_code, refused.json()["error"]["found"]) == (403, "user:ada is viewer here")


def test_the_cookie_stays_with_this_server(http: httpx.Client, served: Served):
    made = served[0].governance.grant("user:ada", "viewer")
    cookie = sign_in(http, made.secret).headers["set-cookie"]
    name, *flags = cookie.split("; ")
    assert name == f"fettle-token-{served[1].rpartition(':')[2]}={made.secret}"
    assert sorted(flags) == ["HttpOnly", "Path=/", "SameSite=strict"]
    http.cookies.clear()
    behind = http.post("/sign-in", data={"token": made.secret}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in behind.headers["set-cookie"].split("; ")


def test_a_cookie_changes_nothing_without_the_page_it_comes_from(http: httpx.Client, served: Served):
    made = served[0].governance.grant("user:ada", "admin")
    sign_in(http, made.secret)
    body = {"experiment": "e"}
    assert http.get("/api/v1/tracking/runs").status_code == 200
    assert http.post(START, json=body).status_code == 403
    for says in ({"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        assert http.post(START, json=body, headers=says).status_code == 403, says
    for says in ({"Origin": served[1]}, {"Sec-Fetch-Site": "same-origin"}):
        assert http.post(START, json=body, headers=says).status_code == 200, says
    assert {entry.actor for entry in served[0].governance.audit(act="tracking.start")} == {"user:ada"}


def test_a_revoked_token_is_out_at_once(http: httpx.Client, served: Served):
    served[0].governance.grant("user:bob", "admin")
    made = served[0].governance.grant("user:ada", "viewer")
    sign_in(http, made.secret)
    assert http.get("/audit").status_code == 200
    served[0].governance.revoke(made.token.id)
    assert http.get("/audit").headers["location"] == way_in("/audit")
    assert "Max-Age=0" in http.get("/sign-in").headers["set-cookie"]


def test_signing_out_forgets_the_token(http: httpx.Client, served: Served):
    made = served[0].governance.grant("user:ada", "admin")
    sign_in(http, made.secret)
    assert http.get("/sign-in?back=/runs").headers["location"] == "/runs"
    assert http.get("/sign-out").status_code == 404
    assert http.post("/sign-out").headers["location"] == "/sign-in"
    assert http.get("/").status_code == 303


def test_a_visit_that_brings_no_cookie_does_not_sign_out(http: httpx.Client, served: Served):
    """A link on another site opens the page without the cookie, which must be there for the next click."""
    made = served[0].governance.grant("user:ada", "viewer")
    sign_in(http, made.secret)
    with httpx.Client(base_url=served[1]) as stranger:
        assert "set-cookie" not in stranger.get("/sign-in?back=/runs").headers


def test_a_server_for_others_asks_without_any_token_too(tmp_path: Path):
    with Workspace.create(tmp_path) as workspace, serve(workspace, require_token=True) as url:
        assert httpx.get(f"{url}/models").headers["location"] == way_in("/models")
        assert httpx.get(f"{url}/models.json").status_code == 401


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:x",
        "/a\nb",
        "/\t/x",
    ],
)
def test_the_way_back_never_leads_elsewhere(http: httpx.Client, served: Served, back: str):
    made = served[0].governance.grant("user:ada", "viewer")
    assert 'name="back" value="/"' in http.get("/sign-in", params={"back": back}).text
    assert sign_in(http, made.secret, back).headers["location"] == "/"


def test_the_way_back_keeps_its_query():
    assert local("/models/fraud?sort=-at") == "/models/fraud?sort=-at"
