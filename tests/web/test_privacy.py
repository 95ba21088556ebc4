"""The pages of privacy: what is told, who may say what, and that a form from elsewhere says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fettle.privacy.records import Bin, Classified, Encrypt, Finding, Generalise, Partial, Policy, Token
from fettle.web.privacy import rule_text
from fettle.workspace import Workspace
from tests.web.conftest import Open
from tests.web.holdings import TABLE
from tests.web.test_labels import served

FOUND = [
    Finding("email", "personal", "email", 1.0, 0.99, 90, "100% of 90 values"),
    Finding("card", "sensitive", "card", 0.9, 0.97, 80, "Luhn"),
    Finding("amount", "internal"),
]


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    """A dataset whose columns recognisers have looked at, and that nobody has confirmed."""
    with Workspace.create(tmp_path, actor="user:ada") as workspace:
        workspace.call("privacy.propose", dataset="people", findings=FOUND)
        yield workspace


@pytest.fixture
def address(ws: Workspace) -> Iterator[str]:
    """The whole server, with its guard and its identities."""
    with served(ws) as found:
        yield found


def known(ws: Workspace) -> dict[str, Classified]:
    return {each.column: each for each in ws.call("privacy.classification", dataset="people")}


def test_what_waits_for_a_person_is_counted(data_http: httpx.Client):
    found = {each["dataset"]: each for each in data_http.get("/privacy.json").json()["datasets"]}
    assert found[TABLE]["proposed"] == 1
    assert found[TABLE]["unruled"] == 1
    assert found["people"]["subject"] == "customer"
    page = data_http.get(f"/privacy/{TABLE}").text
    for told in ("no rule", "token, domain people", "generalise, to month", "health", "user:ada"):
        assert told in page, told
    waiting = data_http.get(f"/privacy/{TABLE}?status=proposed").text
    assert "Confirm the class of note" in waiting
    assert "the class of email" not in waiting


def test_certificates_tell_what_was_erased_and_nothing_of_whom(data_http: httpx.Client):
    twin = data_http.get("/privacy.json").json()
    (certificate,) = twin["certificates"]
    assert certificate["reason"] == "request 17"
    assert [each["dataset"] for each in certificate["seen"]] == ["people"]
    page = data_http.get("/privacy").text
    assert certificate["subject"] in page
    assert "C-1" not in page


def test_a_person_confirms_and_rejects(ws: Workspace, address: str):
    with httpx.Client(base_url=address) as http:
        answer = http.post(
            "/privacy/people", data={"column": "email", "level": "personal", "status": "proposed"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/privacy/people?status=proposed")
        assert known(ws)["email"].status == "confirmed"
        assert known(ws)["email"].kind == "email"
        assert http.post("/privacy/people", data={"column": "card", "do": "reject"}).status_code == 303
        assert (known(ws)["card"].level, known(ws)["card"].kind) == ("internal", "")
        assert (
            http.post("/privacy/people", data={"column": "amount", "level": "sensitive"}).status_code == 303
        )
        assert known(ws)["amount"].level == "sensitive"
    assert len(ws.call("governance.audit", act="privacy.confirm")) == 3


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"column": "email"}, 422),
        ({"column": "email", "level": "secret"}, 422),
        ({"column": "email", "level": "personal", "do": "erase"}, 422),
        ({"level": "personal"}, 422),
        ({"column": "nothing", "level": "personal"}, 404),
        ({"column": "email", "level": "personal", "note": "x" * 100_000}, 422),
    ],
)
def test_a_wrong_form_changes_nothing(ws: Workspace, address: str, fields: dict[str, str], status: int):
    answer = httpx.post(f"{address}/privacy/people", data=fields)
    assert answer.status_code == status
    assert "what to do" in answer.text
    assert all(each.status == "proposed" for each in known(ws).values())


def test_roles_are_respected(ws: Workspace, address: str):
    ws.call("governance.grant", actor="user:root", role="admin")
    tokens = {
        role: ws.call("governance.grant", actor=f"user:{role}", role=role).secret
        for role in ("viewer", "editor", "approver")
    }
    ours = {"Origin": address}
    confirm, reject = {"column": "email", "level": "personal"}, {"column": "card", "do": "reject"}

    def post(http: httpx.Client, fields: dict[str, str], headers: dict[str, str] = ours) -> int:
        return http.post("/privacy/people", data=fields, headers=headers).status_code

    @contextmanager
    def signed_in(role: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=address) as http:
            http.post("/sign-in", data={"token": tokens[role]}, headers=ours)
            yield http

    with httpx.Client(base_url=address) as stranger:
        assert stranger.post("/privacy/people", data=confirm, headers=ours).headers["location"] == "/sign-in"
    with signed_in("viewer") as http:
        assert http.get("/privacy/people").status_code == 200
        assert http.get("/privacy").status_code == 200
        assert http.get("/privacy.json").json()["denied"] != ""
        assert post(http, confirm) == 403
    assert known(ws)["email"].status == "proposed"
    with signed_in("editor") as http:
        assert http.get("/privacy.json").json()["denied"] == ""
        assert post(http, confirm, {}) == 403  # a cookie alone
        assert post(http, confirm, {"Origin": "https://evil.example"}) == 403
        assert known(ws)["email"].status == "proposed"
        assert post(http, confirm) == 303
        assert known(ws)["email"].by == "user:editor"
        assert post(http, reject) == 403
        assert known(ws)["card"].level == "sensitive"
    with signed_in("approver") as http:
        assert post(http, reject) == 303
    assert known(ws)["card"].by == "user:approver"


def test_the_form_works_without_script(visit: Open, address: str, ws: Workspace):
    page = visit(script=False, address=address).go("/privacy")
    page.get_by_role("link", name="people").click()
    page.get_by_role("button", name="Confirm the class of email").click()
    page.get_by_role("button", name="Reject: card").click()
    page.get_by_label("Class of amount", exact=True).select_option("public")
    page.get_by_role("button", name="Confirm the class of amount").click()
    assert {name: each.level for name, each in known(ws).items()} == {
        "email": "personal",
        "card": "internal",
        "amount": "public",
    }


def test_rules_are_told_by_what_was_decided():
    assert rule_text(Encrypt()) == "encrypt"
    assert rule_text(Token(domain="people")) == "token, domain people"
    assert rule_text(Generalise(levels={"a": "b", "c": "d"})) == "generalise, levels of 2 values"
    assert rule_text(Bin([18, 65])) == "bin, edges 18, 65"
    assert rule_text(Partial(first=2)) == "partial, first 2"


def test_an_unknown_dataset_and_one_that_is_unclassified(address: str, ws: Workspace):
    assert httpx.get(f"{address}/privacy/nothing").status_code == 404
    assert httpx.get(f"{address}/privacy/nothing.json").json()["error"]["code"] == "not-found"
    ws.call("privacy.set_policy", dataset="new", policy=Policy())
    assert "Nothing classified yet" in httpx.get(f"{address}/privacy/new").text
