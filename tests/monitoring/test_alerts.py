"""Alerts: raised by the rule, once a window and kind, with evidence; handled by people, closed when mended."""

from datetime import timedelta
from typing import Any

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.monitoring.records import Alert, Collected, Severity
from fettle.monitoring.verdicts import lasting

from .conftest import START, Traffic

DAY = timedelta(days=1)
EVERY = DAY / 600


def live(traffic: Traffic, day: int, *, label: bool = False, **how: Any) -> Collected:
    """One day of 600 requests, labels told at its end if asked for; what the pass at the next midnight raises."""
    asked = traffic.ask(600, START + day * DAY, EVERY, **how)
    if label:
        traffic.tell(asked, START + (day + 1) * DAY)
    return traffic.collect(START + (day + 1) * DAY)


def watch(traffic: Traffic, **settings: Any) -> None:
    traffic.ws.call("monitoring.watch", endpoint="shop", **({"window": "1d", "label_delay": "0s"} | settings))


def kinds(collected: Collected) -> list[tuple[str, Severity]]:
    return [(each.kind, each.severity) for each in collected.alerts]


@pytest.mark.parametrize(
    ("current", "earlier", "said"),
    [
        ("critical", [], "critical"), ("warning", [], "none"), ("warning", ["none", "none"], "none"),
        ("warning", ["none", "warning"], "warning"), ("warning", ["notice", "none"], "notice"),
        ("notice", ["critical", "none"], "notice"), ("none", ["warning", "warning"], "none"),
    ],
)  # fmt: skip
def test_less_than_critical_must_last_two_of_three_windows(
    current: Severity, earlier: list[Severity], said: Severity
):
    assert lasting(current, earlier) == said


def test_a_quiet_week_raises_nothing(traffic: Traffic):
    watch(traffic)
    assert [kinds(live(traffic, day, label=True)) for day in range(7)] == [[]] * 7
    windows = traffic.ws.call("monitoring.windows", endpoint="shop")
    assert {each.verdict for each in windows} == {"none"}


def test_a_moderate_shift_alarms_on_its_second_day_and_a_great_one_at_once(traffic: Traffic):
    watch(traffic)
    live(traffic, 0)
    assert kinds(live(traffic, 1, shift=0.35)) == []
    assert [kind for kind, _ in kinds(live(traffic, 2, shift=0.35))] == ["drift"]
    found = live(traffic, 3, shift=2.0).alerts
    assert kinds_of(found) == [("drift", "critical")]
    assert list(found[0].evidence["features"]) == ["size"] and "size (PSI" in found[0].message
    assert found[0].evidence["features"]["size"]["psi"] > 0.25


def kinds_of(alerts: list[Alert]) -> list[tuple[str, Severity]]:
    return [(each.kind, each.severity) for each in alerts]


def test_too_few_rows_say_so_and_raise_nothing(traffic: Traffic):
    watch(traffic, min_rows=700)
    assert live(traffic, 0, shift=3.0).alerts == []
    window = traffic.ws.call("monitoring.windows", endpoint="shop")[0]
    assert (window.verdict, window.drift) == ("not enough data", {})


def test_ignored_features_are_counted_but_never_alarm(traffic: Traffic):
    watch(traffic, ignore=["size"])
    assert live(traffic, 0, shift=3.0).alerts == []
    assert traffic.ws.call("monitoring.windows", endpoint="shop")[0].drift["size"].psi_corrected > 1


def test_missing_values_are_a_quality_alert_that_closes_when_a_window_is_clean(traffic: Traffic):
    watch(traffic)
    quality = live(traffic, 0, change=lambda row: row.pop("colour")).alerts
    assert kinds_of(quality) == [("quality", "critical")]
    assert quality[0].evidence["features"]["colour"]["nulls"] == 1.0
    assert traffic.ws.call("monitoring.alerts", endpoint="shop", status="open") == quality
    live(traffic, 1)
    closed = traffic.ws.call("monitoring.alerts", endpoint="shop", kind="quality")[0]
    assert (closed.status, closed.by) == ("closed", "service:monitoring")


def test_new_levels_are_drift_not_quality(traffic: Traffic):
    watch(traffic)
    found = live(traffic, 0, change=lambda row: row.update(colour="green")).alerts
    assert kinds_of(found) == [("drift", "warning")]
    assert found[0].evidence["features"]["colour"]["signals"] == ["unseen"]


def test_a_worse_accuracy_alarms_when_its_labels_are_due(traffic: Traffic):
    watch(traffic, label_delay="1d")
    traffic.accepted = 0.9
    live(traffic, 0, label=True, right=0.8)
    assert traffic.ws.call("monitoring.alerts") == []
    found = traffic.collect(START + 2 * DAY).alerts
    assert kinds_of(found) == [("performance", "critical")]
    shown = found[0].evidence
    assert shown["high"] < shown["accepted"] == pytest.approx(0.88) and shown["coverage"] == 1.0
    assert traffic.ws.call("monitoring.windows", endpoint="shop")[0].performance.worse


def test_a_better_accuracy_never_alarms(traffic: Traffic):
    watch(traffic)
    traffic.accepted = 0.6
    assert live(traffic, 0, label=True, right=0.99).alerts == []


def test_a_window_judged_again_raises_no_second_alert_but_may_make_it_worse(traffic: Traffic):
    watch(traffic)
    traffic.accepted = 0.85
    asked = traffic.ask(600, START, EVERY, right=1.0)
    wrong = {name: {"up": "down", "down": "up"}[traffic.labels[name]] for name in asked}
    traffic.tell(asked[:310], START + DAY)
    traffic.tell(asked[310:400], START + DAY, **wrong)
    first = traffic.collect(START + DAY).alerts
    assert kinds_of(first) == [("performance", "warning")]
    traffic.tell(asked[:300], START + DAY, **wrong)
    assert traffic.collect(START + 2 * DAY).alerts == []
    known = traffic.ws.call("monitoring.alerts", endpoint="shop")
    assert [each.id for each in known] == [first[0].id] and known[0].severity == "critical"


def test_only_the_version_that_answers_now_alarms(traffic: Traffic):
    watch(traffic)
    traffic.ask(600, START, EVERY / 2, shift=3.0, version=1)
    traffic.ask(600, START + DAY / 2, EVERY / 2, version=2)
    assert traffic.collect(START + DAY).alerts == []
    assert [each.verdict for each in traffic.ws.call("monitoring.windows", endpoint="shop")] == [
        "critical",
        "none",
    ]


def test_people_acknowledge_and_close(traffic: Traffic):
    watch(traffic)
    alert = live(traffic, 0, shift=3.0).alerts[0]
    seen = traffic.ws.call("monitoring.acknowledge", alert=alert.id, note="known")
    assert (seen.status, seen.note) == ("acknowledged", "known") and seen.by.startswith("user:")
    closed = traffic.ws.call("monitoring.close", alert=alert.id)
    assert closed.status == "closed"
    assert traffic.ws.call("monitoring.acknowledge", alert=alert.id).status == "closed"
    with pytest.raises(NotFound):
        traffic.ws.call("monitoring.close", alert="nothing")


def test_alerts_of_a_version_that_was_replaced_close(traffic: Traffic):
    watch(traffic)
    live(traffic, 0, shift=3.0)
    closed = traffic.ws.call("monitoring.supersede", endpoint="shop", model="shop", version=2)
    assert [(each.status, each.note) for each in closed] == [("closed", "version 2 took over")]
    assert traffic.ws.call("monitoring.supersede", endpoint="shop", model="shop", version=2) == []


def test_a_watch_is_checked(traffic: Traffic):
    with pytest.raises(Invalid, match="strides"):
        watch(traffic, window="10h", stride="3h")
    with pytest.raises(Invalid, match="confidence"):
        watch(traffic, confidence=1.5)
    watch(traffic, window="6h", stride="2h")
    traffic.ask(5, START, EVERY)
    traffic.collect(START + DAY)
    with pytest.raises(Conflict, match="stride"):
        watch(traffic, window="6h", stride="3h")
    watch(traffic, window="12h", stride="2h")
    assert traffic.ws.call("monitoring.watches")[0].window_s == 12 * 3600
