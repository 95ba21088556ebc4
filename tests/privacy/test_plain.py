"""What stands in plain is found, what is masked is not taken for it, and rows are masked once."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from fettle.core.errors import GateFailed, Invalid
from fettle.data.versions import commit_frame, load
from fettle.privacy import masking
from fettle.privacy.plain import form_of, plain_columns
from fettle.privacy.records import (
    Bin,
    Drop,
    Encrypt,
    Generalise,
    Keep,
    Noise,
    Partial,
    Policy,
    Redact,
    Rule,
    Shift,
    Standing,
    Token,
    Vault,
)
from fettle.workspace import Workspace

RULES: dict[str, Rule] = {
    "email": Encrypt(),
    "customer": Token(prefix="c-"),
    "card": Vault(),
    "born": Generalise(to="year"),
    "zip": Generalise(keep=2),
    "age": Bin(edges=[18, 40, 65]),
    "spent": Redact(),
    "note": Partial(last=0),
}


def standing(**rules: Rule) -> Standing:
    return Standing("customers", 1, Policy(rules=rules, subject="customer"))


@pytest.mark.parametrize("name", RULES)
def test_each_treatment_is_seen_and_its_result_is_not(workspace: Workspace, people: pl.DataFrame, name: str):
    policy = Policy(rules={name: RULES[name]}, subject="customer")
    workspace.privacy.set_policy("customers", policy)
    held = Standing("customers", 1, policy)

    masked = masking.apply(workspace, "customers", people).frame

    assert list(plain_columns(held, people)) == [name]
    assert plain_columns(held, masked) == {}


def test_a_confirmed_column_without_a_rule_counts_unless_the_policy_keeps_it(people: pl.DataFrame):
    careful = {"email": "personal"}

    assert plain_columns(Standing("c", 0, Policy(), careful), people) == {"email": "personal, no rule"}
    assert plain_columns(Standing("c", 1, Policy(unmasked="keep"), careful), people) == {}
    assert plain_columns(standing(email=Keep()), people) == {}


def test_what_is_to_be_dropped_must_not_be_there(people: pl.DataFrame):
    assert plain_columns(standing(email=Drop()), people) == {"email": "drop"}
    assert plain_columns(standing(email=Drop()), people.drop("email")) == {}


def test_shifted_dates_count_as_masked_beside_tokens_only(people: pl.DataFrame):
    rules: dict[str, Rule] = {"seen": Shift(), "spent": Noise(scale=1.0)}
    tokens = people.with_columns(customer=pl.lit("tok_" + "a" * 26))

    assert set(plain_columns(standing(**rules), people)) == {"seen", "spent"}
    assert plain_columns(standing(customer=Token(), **rules), tokens) == {}


def test_rows_are_plain_masked_or_both(workspace: Workspace, people: pl.DataFrame):
    policy = Policy(rules={"email": Encrypt(), "customer": Token()}, subject="customer")
    workspace.privacy.set_policy("customers", policy)
    held = Standing("customers", 1, policy)
    masked = masking.apply(workspace, "customers", people).frame

    assert form_of(held, people) == "plain"
    assert form_of(held, masked) == "masked"
    assert form_of(held, pl.concat([masked, people])) == "mixed"


def test_a_frame_is_masked_on_its_way_into_a_version(workspace: Workspace, people: pl.DataFrame):
    policy = Policy(rules={"email": Encrypt(), "customer": Token()}, subject="customer")
    workspace.privacy.set_policy("customers", policy)

    commit_frame(workspace, "customers", people)

    stored = load(workspace, "customers")
    assert stored["email"].drop_nulls().str.starts_with("enc1.").all()
    assert not set(stored["customer"]) & set(people["customer"])
    assert stored["note"].to_list() == people["note"].to_list()


def test_rows_of_a_version_are_brought_back_as_they_are(workspace: Workspace, people: pl.DataFrame):
    policy = Policy(rules={"email": Encrypt(), "customer": Token(), "seen": Shift()}, subject="customer")
    workspace.privacy.set_policy("customers", policy)
    commit_frame(workspace, "customers", people)
    stored = load(workspace, "customers")

    commit_frame(workspace, "customers", stored.with_columns(note=pl.lit("z")))

    again = load(workspace, "customers")
    assert again.drop("note").equals(stored.drop("note"))
    with pytest.raises(Invalid, match="masked as 'customers' wants it, others are not"):
        commit_frame(workspace, "customers", pl.concat([stored, people.with_columns(age=pl.col("age"))]))


def test_shift_alone_needs_a_word(workspace: Workspace, people: pl.DataFrame):
    workspace.privacy.set_policy("customers", Policy(rules={"seen": Shift(per="customer")}))
    commit_frame(workspace, "customers", people)
    stored = load(workspace, "customers")
    assert stored["seen"].to_list() != people["seen"].to_list()

    commit_frame(workspace, "customers", stored.with_columns(note=pl.lit("z")), masked=True)

    assert load(workspace, "customers")["seen"].to_list() == stored["seen"].to_list()


def test_a_frame_with_a_personal_column_and_no_rule_is_refused(workspace: Workspace, people: pl.DataFrame):
    workspace.privacy.confirm("customers", "email", "personal")

    with pytest.raises(GateFailed, match="no rule"):
        commit_frame(workspace, "customers", people)

    commit_frame(workspace, "others", people)
    assert load(workspace, "others")["born"][0] == date(1985, 3, 4)
