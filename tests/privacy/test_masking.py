"""Masking: each treatment on real rows through a real workspace, and the ways it refuses."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from fettle.core.errors import GateFailed, Invalid
from fettle.privacy import masking
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
    Rule,
    Shift,
    Token,
    Vault,
)
from fettle.workspace import Workspace


def set_rules(
    workspace: Workspace, dataset: str = "customers", subject: str = "customer", **rules: Rule
) -> None:
    workspace.privacy.set_policy(dataset, Policy(rules=rules, subject=subject))


def test_nothing_is_done_where_nothing_is_known(workspace: Workspace, people: pl.DataFrame):
    assert masking.policy_of(workspace, "customers") is None
    assert masking.masker(workspace, "customers") is None
    assert masking.apply(workspace, "customers", people).frame is people


def test_each_column_gets_its_treatment(workspace: Workspace, people: pl.DataFrame):
    set_rules(
        workspace,
        customer=Token(domain="people", prefix="c_"),
        email=Redact(),
        card=Partial(last=4),
        born=Generalise(to="year"),
        zip=Generalise(keep=2),
        age=Generalise(width=10),
        spent=Bin(edges=[10, 50], labels=["low", "middle", "high"]),
        note=Drop(),
        seen=Keep(reason="needed"),
    )
    masked = masking.apply(workspace, "customers", people)
    rows = masked.frame.to_dicts()
    assert masked.frame.columns == ["customer", "email", "card", "born", "seen", "zip", "age", "spent"]
    assert rows[0]["customer"] == rows[2]["customer"] != rows[1]["customer"]
    assert rows[0]["customer"].startswith("c_") and len(rows[0]["customer"]) == 28
    assert masked.frame["email"].to_list() == ["[redacted]"] * 3 + [None]
    assert rows[0]["card"] == "**** **** **** 1111"
    assert rows[0]["born"] == date(1985, 1, 1)
    assert (rows[0]["zip"], rows[0]["age"], rows[0]["spent"]) == ("10", "[30, 40)", "middle")
    assert [row["spent"] for row in rows] == ["middle", "middle", "low", "high"]
    assert rows[0]["seen"] == date(2024, 1, 1)
    assert "policy 1" in masked.notes[0]
    assert "ada" not in str(masked.notes)


def test_tokens_join_within_a_domain_and_not_beyond(workspace: Workspace, people: pl.DataFrame):
    for dataset, domain in (("a", "people"), ("b", "people"), ("c", "others")):
        set_rules(workspace, dataset, customer=Token(domain=domain))
    a, b, c = (masking.apply(workspace, name, people).frame["customer"].to_list() for name in "abc")
    assert a == b
    assert not set(a) & set(c)


def test_shifts_keep_the_intervals_of_a_person(workspace: Workspace, people: pl.DataFrame):
    set_rules(workspace, born=Shift(days=100), seen=Shift(days=100))
    made = masking.apply(workspace, "customers", people).frame
    moved = (made["seen"] - people["seen"]).to_list()
    assert (made["born"] - people["born"]).to_list() == moved
    assert moved[0] == moved[2]
    assert all(timedelta(0) < abs(each) <= timedelta(days=100) for each in moved)


def test_stable_noise_is_the_same_at_every_ingest_and_fresh_noise_is_not(
    workspace: Workspace, people: pl.DataFrame
):
    set_rules(workspace, "a", spent=Noise(scale=2.0), age=Noise(scale=3.0, low=40, high=45))
    set_rules(workspace, "b", spent=Noise(scale=2.0, stable=False))
    first, again = (masking.apply(workspace, "a", people).frame for _ in range(2))
    assert first.equals(again)
    assert first["spent"].to_list() != people["spent"].to_list()
    assert first["age"].is_between(40, 45).all() and first["age"].dtype == pl.Int64
    fresh = [masking.apply(workspace, "b", people).frame["spent"].to_list() for _ in range(2)]
    assert fresh[0] != fresh[1]


def test_confirmed_columns_without_a_rule_stop_the_ingest(workspace: Workspace, people: pl.DataFrame):
    workspace.privacy.confirm("customers", "email", "personal", kind="email")
    with pytest.raises(GateFailed, match="email \\(personal\\)"):
        masking.apply(workspace, "customers", people)
    workspace.privacy.set_policy("customers", Policy(unmasked="redact"))
    assert masking.apply(workspace, "customers", people).frame["email"][0] == "[redacted]"
    workspace.privacy.set_policy("customers", Policy(unmasked="keep"))
    assert masking.apply(workspace, "customers", people).frame["email"][0] == people["email"][0]


def test_a_column_that_nobody_confirmed_is_let_in_with_a_word(workspace: Workspace, people: pl.DataFrame):
    workspace.privacy.propose("customers", [Finding("email", "personal", "email", 1.0, 1.0, 3, "shape")])
    masked = masking.apply(workspace, "customers", people)
    assert masked.frame.equals(people)
    assert "confirmed by nobody: email" in masked.notes[0]


def test_a_rule_that_does_not_suit_its_column_is_refused(workspace: Workspace, people: pl.DataFrame):
    set_rules(workspace, note=Generalise(width=5))
    with pytest.raises(Invalid, match="note"):
        masking.apply(workspace, "customers", people)
    with pytest.raises(Invalid, match="exactly one"):
        set_rules(workspace, note=Generalise(width=5, keep=2))
    with pytest.raises(Invalid, match="no subject"):
        set_rules(workspace, subject="", email=Encrypt())


def test_a_value_that_belongs_to_nobody_is_refused_with_its_row(workspace: Workspace, people: pl.DataFrame):
    set_rules(workspace, email=Encrypt())
    orphan = people.with_columns(customer=pl.Series(["C-1", None, "C-1", "C-3"]))
    with pytest.raises(Invalid, match="row 2"):
        masking.apply(workspace, "customers", orphan)
    with pytest.raises(Invalid, match="no column 'customer'"):
        masking.apply(workspace, "customers", people.drop("customer"))


def test_the_vault_gives_back_to_approvers_and_writes_it_down(workspace: Workspace, people: pl.DataFrame):
    set_rules(workspace, subject="", card=Vault(prefix="card_"))
    made = masking.apply(workspace, "customers", people).frame["card"]
    assert made[0] == made[2] != made[1] and made[0].startswith("card_")
    assert masking.apply(workspace, "customers", people).frame["card"].equals(made)
    assert workspace.privacy.reveal([made[0]], reason="dispute 7") == {made[0]: "4111 1111 1111 1111"}
    entry = workspace.governance.audit(act="privacy.unseal")[0]
    assert entry.arguments["tokens"] == [made[0]] and entry.arguments["reason"] == "dispute 7"
    assert "4111" not in str([each.arguments for each in workspace.governance.audit(limit=500)])


def test_batches_of_one_ingest_share_their_subjects(workspace: Workspace, people: pl.DataFrame):
    set_rules(workspace, email=Encrypt(), customer=Encrypt())
    masker = masking.masker(workspace, "customers")
    assert masker is not None
    halves = pl.concat([masker.apply(people.head(2)).frame, masker.apply(people.tail(2)).frame])
    assert halves.equals(masking.apply(workspace, "customers", people).frame)
