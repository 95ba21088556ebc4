"""What starts a retraining and what holds it back, as a pure function of what is known."""

from datetime import timedelta

import pytest

from fettle.monitoring.records import Alert
from fettle.retraining.decide import counts, decide
from fettle.retraining.records import Freeze, Intent, Policy

from .conftest import DAY, START

POLICY = Policy("shop", "shop", "shop")


def intent(name: str, trigger: str = "performance", hours: float = 0) -> Intent:
    at = START + timedelta(hours=hours)
    return Intent(name, "shop", trigger, name, "observed", "because", {}, at, at)  # type: ignore[arg-type] - triggers are given as text


def alert(kind: str, severity: str) -> Alert:
    return Alert("a1", "shop", kind, severity, "open", "shop", 1, START, START, START, "bad", {})  # type: ignore[arg-type] - kinds are given as text


def ask(policy: Policy = POLICY, *waiting: Intent, last=None, spent=0, quality=()):
    return decide(policy, waiting, now=START, last_decided_at=last, decided_in_budget=spent, quality=quality)


def test_the_oldest_starts_and_takes_the_others_with_it():
    decision = ask(POLICY, intent("b", hours=1), intent("a"), intent("c", hours=2))
    assert decision.leader is not None and decision.leader.id == "a"
    assert [each.id for each in decision.merged] == ["b", "c"]


def test_a_demand_goes_first_and_waits_for_no_pace():
    decision = ask(
        POLICY, intent("a"), intent("b", "demand", 1), last=START, quality=[alert("quality", "warning")]
    )
    assert decision.leader is not None and decision.leader.id == "b"


@pytest.mark.parametrize(
    ("policy", "how", "obstacle"),
    [
        (POLICY, {"last": START - DAY / 2}, "cooling down until 2026-03-01 12:00"),
        (
            Policy("shop", "shop", "shop", budget_runs=2),
            {"spent": 2},
            "the budget of 2 retrainings in 30 days is used up",
        ),
        (Policy("shop", "shop", "shop", enabled=False), {}, "automatic retraining is switched off"),
        (
            POLICY,
            {"quality": [alert("quality", "warning")]},
            "data quality: bad Acknowledge or close alert a1 to go on.",
        ),
        (
            Policy("shop", "shop", "shop", freezes=[Freeze(START - DAY, START + DAY, "sale")]),
            {},
            "frozen until 2026-03-02 00:00 (sale)",
        ),
    ],
)
def test_what_holds_a_retraining_back_is_said(policy: Policy, how: dict, obstacle: str):
    decision = ask(policy, intent("a"), **how)
    assert decision.leader is None and decision.obstacle == obstacle
    assert [each.id for each in decision.waiting] == ["a"]


def test_a_freeze_holds_even_a_demand_and_ends():
    frozen = Policy("shop", "shop", "shop", freezes=[Freeze(START - DAY, START)])
    assert ask(frozen, intent("a", "demand")).leader is not None
    frozen = Policy("shop", "shop", "shop", freezes=[Freeze(START, START + DAY)])
    assert ask(frozen, intent("a", "demand")).leader is None


def test_the_cooldown_ends():
    assert ask(POLICY, intent("a"), last=START - DAY).leader is not None


@pytest.mark.parametrize(
    ("kind", "severity", "expected"),
    [
        ("performance", "notice", True), ("performance", "critical", True), ("drift", "warning", False),
        ("drift", "critical", False), ("prediction", "critical", True), ("quality", "critical", False),
    ],
)  # fmt: skip
def test_which_alerts_speak_for_a_retraining(kind: str, severity: str, expected: bool):
    assert counts(POLICY, alert(kind, severity)) is expected


def test_nothing_waiting_is_nothing_decided():
    assert ask(POLICY).leader is None
