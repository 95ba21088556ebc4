"""The reconciler walks intents through their states, each once, whatever interrupts it."""

from pathlib import Path

import pytest

from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.registry.records import GateResult
from fettle.retraining.reconciler import Reconciler
from fettle.retraining.records import Candidate, Freeze, Intent, Verdict
from fettle.workspace import Workspace

from .conftest import DAY, START, Project


def test_an_alert_becomes_a_new_champion_and_its_alerts_close(project: Project):
    alert = project.alert()
    done = project.reconciler().step()
    assert done.outcome == "worked" and [each.trigger for each in done.observed] == ["performance"]
    assert done.intent is not None
    shown = project.ws.call("retraining.show", intent=done.intent.id)
    assert [each.after for each in shown.history] == [
        "observed",
        "decided",
        "training",
        "evaluating",
        "promoted",
    ]
    assert shown.evidence["alert"] == alert.id and shown.decided_at == START
    assert (shown.candidate.version, shown.verdict.reason) == (2, "better by 0.04")
    assert project.champion() == 2
    assert project.ws.call("monitoring.alerts", status="open") == []
    assert project.reconciler().step().outcome == "idle"


def test_a_worse_challenger_is_rejected_with_the_reason(project: Project):
    project.verdict = Verdict(False, "worse by 0.02")
    project.alert()
    project.reconciler().step()
    assert project.states() == ["rejected"] and project.champion() == 1
    challenger = project.ws.call("registry.show", model="shop", version=2)
    assert (challenger.status, challenger.reason) == ("rejected", "worse by 0.02")


def test_a_gate_of_the_registry_has_the_last_word(project: Project):
    project.gates = [GateResult("parity", False, detail="3 rows differ")]
    project.alert()
    project.reconciler().step()
    intent = project.ws.call("retraining.intents")[0]
    assert intent.state == "rejected" and "3 rows differ" in intent.reason and project.champion() == 1


def test_ten_alarms_make_one_training(project: Project):
    for _ in range(10):
        project.alert()
        project.later(hours=1)
    project.reconciler().step()
    assert sorted(project.states()) == ["coalesced"] * 9 + ["promoted"]
    assert len(project.trained) == 1


def test_an_alert_is_observed_once(project: Project):
    project.policy(cooldown="7d")
    project.verdict = Verdict(False, "no better")
    project.alert()
    for _ in range(3):
        project.reconciler().step()
    assert project.states() == ["rejected"]


def test_a_second_alarm_waits_for_the_cooldown_and_says_so(project: Project):
    project.policy(cooldown="7d")
    project.verdict = Verdict(False, "no better")
    project.alert()
    project.reconciler().step()
    project.later(days=1)
    project.alert()
    for _ in range(3):
        assert project.reconciler().step().intent is None
    waiting = project.ws.call("retraining.intents", state="blocked")[0]
    assert waiting.reason == "cooling down until 2026-03-08 00:00"
    history = project.ws.call("retraining.show", intent=waiting.id).history
    assert [each.after for each in history] == ["observed", "blocked"]
    project.later(days=6)
    project.verdict = Verdict(True, "better now")
    done = project.reconciler().step().intent
    assert done is not None and (done.state, done.decided_at) == ("promoted", START + 7 * DAY)


def test_a_promotion_takes_what_came_meanwhile_with_it(project: Project):
    def judge(intent: Intent, candidate: Candidate) -> Verdict:
        project.later(days=1)
        project.alert()
        project.ws.call("retraining.observe", project="shop", token=1)
        return project.verdict

    project.alert()
    done = project.reconciler(judge=judge).step().intent
    assert done is not None and project.states() == ["promoted", "coalesced"]
    assert project.ws.call("retraining.intents", state="coalesced")[0].into == done.id
    assert project.reconciler().step().outcome == "idle"


def test_data_quality_blocks_until_somebody_looks(project: Project):
    bad = project.alert("quality", "critical")
    project.alert()
    assert project.reconciler().step().intent is None
    assert project.ws.call("retraining.intents")[0].reason.startswith("data quality: quality is critical")
    project.ws.call("monitoring.acknowledge", alert=bad.id)
    assert project.reconciler().step().intent is not None
    assert project.champion() == 2


def test_a_demand_needs_no_alert_and_asks_once_with_a_key(project: Project):
    first = project.ws.call("retraining.request", project="shop", reason="new terms", key="k")
    assert project.ws.call("retraining.request", project="shop", key="k").id == first.id
    project.reconciler().step()
    assert project.states() == ["promoted"]


def test_the_schedule_makes_one_intent_a_turn(project: Project):
    project.policy(every="7d", cooldown="1d")
    assert project.reconciler().step().outcome == "idle"
    for day in range(1, 22):
        project.later(days=1)
        project.reconciler().step()
        project.reconciler().step()
        assert len(project.trained) == day // 7


def test_a_freeze_holds_and_then_lets_go(project: Project):
    project.policy(freezes=[Freeze(START, START + DAY, "sale")])
    project.alert()
    assert project.reconciler().step().intent is None
    project.later(days=1)
    assert project.reconciler().step().intent is not None


def test_the_budget_is_counted_over_its_time(project: Project):
    project.policy(cooldown="1h", budget_runs=2, budget="10d")
    project.verdict = Verdict(False, "no better")
    for _ in range(5):
        project.alert()
        project.reconciler().step()
        project.later(days=1)
    assert len(project.trained) == 2
    project.later(days=6)
    project.reconciler().step()
    assert len(project.trained) == 3


def test_errors_are_tried_again_and_then_fail_with_their_words(project: Project):
    calls: list[str] = []

    def broken(intent: Intent) -> Candidate:
        calls.append(intent.id)
        raise Invalid("The target has one value.") if len(calls) == 3 else ValueError("odd")

    project.alert()
    done = project.reconciler(solve=broken).step().intent
    assert done is not None and (done.state, done.errors, len(calls)) == ("failed", 3, 3)
    assert done.reason == "3 attempts ended in an error, the last: The target has one value."
    notes = [each.reason for each in project.ws.call("retraining.show", intent=done.id).history]
    assert "error 1 of 3: ValueError('odd')" in notes


def test_an_error_in_judging_does_not_train_again(project: Project):
    calls: list[str] = []

    def shaky(intent: Intent, candidate: Candidate) -> Verdict:
        calls.append(intent.id)
        if len(calls) == 1:
            raise ValueError("odd")
        return project.verdict

    project.alert()
    project.reconciler(judge=shaky).step()
    assert (len(project.trained), len(calls), project.champion()) == (1, 2, 2)


def test_being_interrupted_is_no_error_and_another_goes_on(project: Project):
    def interrupted(intent: Intent) -> Candidate:
        raise KeyboardInterrupt

    project.alert()
    with pytest.raises(KeyboardInterrupt):
        project.reconciler(solve=interrupted).step()
    assert project.states() == ["training"]
    done = project.reconciler().step().intent
    assert done is not None and (done.state, done.errors, done.attempts) == ("promoted", 0, 3)


def test_one_leads_and_the_others_follow(project: Project):
    project.alert()
    leader, follower = project.reconciler("one"), project.reconciler("two")
    assert leader.step().outcome == "worked"
    project.later(hours=1)
    project.alert(version=2)
    assert follower.step().outcome == "follower"
    leader.close()
    project.later(days=2)
    project.alert(version=2)
    assert follower.step().outcome == "worked"
    project.later(days=2)
    project.alert(version=3)
    assert leader.step().outcome == "follower"


def test_a_reconciler_that_was_overtaken_can_change_nothing(project: Project):
    project.alert()
    other = project.reconciler("other")

    def overtaken(intent: Intent) -> Candidate:
        old.close()
        taken = other.step().intent
        assert taken is not None and taken.state == "promoted"
        return Candidate("shop", 1)

    old = project.reconciler("old", solve=overtaken)
    with pytest.raises(Conflict, match="taken over"):
        old.step()
    assert project.states() == ["promoted"] and project.champion() == 2
    assert len(project.ws.call("registry.history", model="shop", alias="champion")) == 2


def test_concluding_twice_promotes_once(project: Project):
    project.alert()
    done = project.reconciler().step().intent
    assert done is not None
    token = 10_000
    again = project.ws.call(
        "retraining.conclude", intent=done.id, token=token, verdict=Verdict(True, "again")
    )
    assert again.reason == "better by 0.04"
    assert len(project.ws.call("registry.history", model="shop", alias="champion")) == 2


def test_unknown_names_are_errors(project: Project, tmp_path: Path):
    with pytest.raises(NotFound, match="shop"):
        project.ws.call("retraining.request", project="shopp")
    with pytest.raises(NotFound):
        project.ws.call("retraining.show", intent="none")
    with pytest.raises(NotFound):
        Reconciler(project.ws, "nobody", solve=project.solve, judge=project.judge).step()


def test_a_workspace_without_leases_is_refused(project: Project):
    project.ws.leases = None
    with pytest.raises(Unavailable, match="leases"):
        project.reconciler()


def test_the_loop_is_the_same_on_postgresql(tmp_path: Path, team_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    clock = FrozenClock(START)
    with Workspace.open(team_url, clock=clock) as ws:
        assert isinstance(ws, Workspace)
        project = Project(ws, clock)
        project.alert()
        assert project.reconciler().step().outcome == "worked"
        assert project.champion() == 2 and project.states() == ["promoted"]
        project.later(days=2)
        project.alert(version=2)
        project.verdict = Verdict(False, "no better")
        project.reconciler().step()
        assert project.states() == ["promoted", "rejected"]


def test_a_better_model_that_lacks_approvals_is_proposed(project: Project):
    project.ws.registry.protect("shop", approvals=1)
    project.alert()
    project.reconciler().step()
    assert project.states() == ["proposed"]
    assert project.champion() == 1
    (asked,) = project.ws.registry.approvals("shop")
    assert (asked.version, asked.alias, asked.needed) == (2, "champion", 1)
    assert project.ws.registry.show("shop", 2).review == "in review"
