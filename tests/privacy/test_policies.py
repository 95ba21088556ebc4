"""Policies: TOML and back, versions, classes and who may lower them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.acts import Role
from fettle.core.errors import Denied, Invalid, NotFound
from fettle.privacy.policies import from_toml, to_toml
from fettle.privacy.records import (
    Bin,
    Drop,
    Encrypt,
    Finding,
    Generalise,
    Keep,
    Noise,
    Partial,
    Policy,
    Redact,
    Shift,
    Token,
    Vault,
)
from fettle.workspace import Workspace

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
RULES = st.one_of(
    st.builds(Keep, reason=NAMES),
    st.just(Drop()),
    st.builds(Redact, text=NAMES),
    st.builds(Partial, first=st.integers(0, 5), last=st.integers(0, 5), shape=st.booleans()),
    st.builds(Token, domain=st.sampled_from(["people", "cards"]), length=st.integers(8, 52)),
    st.builds(Vault, prefix=NAMES),
    st.builds(Generalise, levels=st.dictionaries(NAMES, NAMES, max_size=3), other=NAMES),
    st.builds(Generalise, width=st.floats(0.001, 1e6)),
    st.builds(Bin, edges=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4, unique=True).map(sorted)),
    st.builds(Shift, days=st.integers(1, 1000)),
    st.builds(Noise, scale=st.floats(0.001, 100), law=st.sampled_from(["laplace", "gaussian"])),
    st.just(Encrypt()),
)  # fmt: skip


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, RULES, max_size=4), max_size=3))
def test_toml_and_back_is_the_same(drawn: dict):
    policies = {name: Policy(rules=rules, subject="customer") for name, rules in drawn.items()}
    assert from_toml(to_toml(policies)) == policies


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a\n", "line 1"),
        ("a = 1", "1"),
        ('[a]\ncolumns.b = { treatment = "hide" }', "hide"),
        ('[a]\ncolumns.b = { treatment = "partial", lasst = 4 }', "lasst"),
        ('[a]\ncolumns.b = { treatment = "encrypt" }', "no subject"),
        ("[a]\nunmasked = 3", "unmasked"),
    ],
)
def test_a_mistake_in_the_file_is_named(text: str, found: str):
    with pytest.raises(Invalid) as caught:
        from_toml(text)
    assert found in str(caught.value)


def test_versions_of_a_policy(workspace: Workspace, tmp_path: Path):
    first = workspace.privacy.rule("customers", "email", "token", options={"domain": "people"})
    assert (first.version, first.policy.rules["email"]) == (1, Token(domain="people"))
    assert workspace.privacy.rule("customers", "email", "token", options={"domain": "people"}).version == 1
    second = workspace.privacy.rule("customers", "card", "partial", options={"last": "2"})
    assert second.version == 2 and list(second.policy.rules) == ["email", "card"]
    assert [each.version for each in workspace.privacy.policies("customers")] == [2, 1]
    path = tmp_path / "privacy.toml"
    assert workspace.privacy.write(path) == ["customers"]
    assert workspace.privacy.read(path)[0].version == 2
    with pytest.raises(Invalid, match="no treatment"):
        workspace.privacy.rule("customers", "card", "hide")


def test_a_person_confirms_and_no_recogniser_overrules(workspace: Workspace):
    found = [Finding("email", "personal", "email", 1.0, 0.99, 10, "shape"), Finding("n", "internal")]
    proposed = workspace.privacy.propose("customers", found)
    assert {each.column: each.status for each in proposed} == {"email": "proposed", "n": "proposed"}
    confirmed = workspace.privacy.confirm("customers", "email")
    assert (confirmed.level, confirmed.kind, confirmed.status) == ("personal", "email", "confirmed")
    assert confirmed.by == workspace.actor
    again = workspace.privacy.propose("customers", [Finding("email", "internal"), Finding("n", "public")])
    assert {each.column: each.level for each in again} == {"email": "personal", "n": "public"}
    assert workspace.governance.audit(act="privacy.confirm")[0].arguments["column"] == "email"
    with pytest.raises(NotFound):
        workspace.privacy.confirm("customers", "nothing")


def test_lowering_needs_an_approver(workspace: Workspace):
    workspace.privacy.confirm("customers", "email", "sensitive")
    lower = {"dataset": "customers", "column": "email", "level": "internal"}
    with pytest.raises(Denied, match="approver"):
        workspace.perform("privacy.confirm", lower, actor="user:eve", role=Role.EDITOR)
    assert (
        workspace.perform("privacy.confirm", lower, actor="user:ada", role=Role.APPROVER).level == "internal"
    )


def test_a_scan_of_a_file_is_kept_as_proposals(workspace: Workspace, people, tmp_path: Path):
    path = tmp_path / "people.csv"
    people.write_csv(path)
    found = workspace.privacy.scan(path, dataset="customers")
    kinds = {each.column: each.kind for each in found.findings}
    assert kinds["email"] == "email" and kinds["card"] == "payment_card" and kinds["zip"] == "postcode"
    assert {each.column for each in workspace.privacy.classification("customers")} == set(people.columns)
    masked = tmp_path / "masked.parquet"
    workspace.privacy.rule("customers", "email", "encrypt", subject="customer")
    workspace.privacy.mask(path, masked, "customers")
    plain = tmp_path / "plain.csv"
    workspace.privacy.open(masked, plain, reason="test")
    assert "ada.lovelace@example.org" in plain.read_text() and b"lovelace" not in masked.read_bytes()
    mine = tmp_path / "mine.csv"
    workspace.privacy.extract(masked, "C-1", mine)
    assert mine.read_text().count("C-1") == 2
