"""Judge windows: measure drift and performance, and raise the alerts that the rule asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from fettle.core.units import duration_text
from fettle.data.bins import ReferenceProfile
from fettle.monitoring import drift
from fettle.monitoring.performance import ERROR_METRICS, accepted_value, performance
from fettle.monitoring.records import SEVERITIES, AlertKind, Baseline, Drift, Severity, Watch, Window, worst
from fettle.monitoring.slots import Slot

QUALITY_SIGNALS = frozenset({"nulls", "invalid"})
WORLD_SIGNALS = frozenset({"unseen", "range"})
CRITICAL_RATE = 0.10
NOT_ENOUGH = "not enough data"

Finding = tuple[AlertKind, Severity, str, dict[str, Any]]


def window_of(
    watch: Watch,
    model: str,
    version: int,
    span: tuple[datetime, datetime],
    sums: Slot,
    baseline: Baseline | None,
    profile: ReferenceProfile | None,
    now: datetime,
) -> Window:
    """What a window shows, from its sums."""
    start_at, end_at = span
    drifts: dict[str, Drift] = {}
    answers: Drift | None = None
    enough = sums.rows >= watch.min_rows
    if profile is not None and enough:
        drifts = _drifts(watch, profile, sums)
        if profile.prediction is not None and sums.prediction is not None:
            answers = drift.judge({"prediction": drift.measure(profile.prediction, sums.prediction)})[
                "prediction"
            ]
    metric = baseline.metric if baseline else "accuracy"
    accepted = accepted_value(metric, baseline.reference, watch.tolerance) if baseline else None
    shown = performance(sums.tally, metric, confidence=watch.confidence, accepted=accepted)
    waits_until = end_at + timedelta(seconds=watch.label_delay_s)
    window = Window(
        endpoint=watch.endpoint,
        model=model,
        version=version,
        start_at=start_at,
        end_at=end_at,
        rows=sums.rows,
        errors=sums.errors,
        labelled=sums.tally.rows,
        status="open" if now < end_at else "waiting" if now < waits_until else "closed",
        verdict="none",
        performance=shown,
        drift=drifts,
        prediction=answers,
    )
    return window_with_verdict(window, enough, watch.min_labels)


def window_with_verdict(window: Window, enough: bool, min_labels: int) -> Window:
    """The window with its worst severity; without rows enough for either judgement it says so, never "none"."""
    columns = [*window.drift.values(), *([window.prediction] if window.prediction else [])]
    shown = window.performance
    judged = shown is not None and shown.rows >= min_labels
    warned = any(each.signals for each in columns) or (judged and shown is not None and shown.worse)
    levels: list[Severity] = [each.severity for each in columns]
    if warned:
        levels.append("warning")
    verdict = worst(levels) if enough or judged else NOT_ENOUGH
    return msgspec.structs.replace(window, verdict=verdict)


def _drifts(watch: Watch, profile: ReferenceProfile, sums: Slot) -> dict[str, Drift]:
    measured = {
        name: drift.measure(column, sums.features[name])
        for name, column in profile.columns.items()
        if name in sums.features
    }
    tested = {name: each for name, each in measured.items() if name not in watch.ignore}
    return measured | drift.judge(tested)


def findings(watch: Watch, window: Window, earlier: list[Window]) -> list[Finding]:
    """What a finished window gives alarm for.

    Args:
        watch: How the endpoint is watched.
        window: A window whose end has passed.
        earlier: The two windows of the same version before it, as far as they exist.

    Returns:
        At most one finding of each kind. Critical drift counts at once, less must show in two of three windows;
        performance is judged when its labels are due.
    """
    found = [
        _quality(watch, window),
        _drift(watch, window, earlier),
        _prediction(window, earlier),
        _performance(watch, window),
    ]
    return [each for each in found if each is not None]


def lasting(current: Severity, earlier: Iterable[Severity]) -> Severity:
    """The severity that persists: critical at once, otherwise the level reached in two of three windows."""
    if current in ("none", "critical"):
        return current
    levels = sorted((SEVERITIES.index(each) for each in (current, *earlier)), reverse=True)
    return SEVERITIES[levels[1]] if len(levels) > 1 else "none"


def _quality(watch: Watch, window: Window) -> Finding | None:
    bad = {
        name: each
        for name, each in window.drift.items()
        if name not in watch.ignore and QUALITY_SIGNALS & set(each.signals)
    }
    if not bad:
        return None
    rates = {
        name: each.nulls + (each.unseen if "invalid" in each.signals else 0.0) for name, each in bad.items()
    }
    severity: Severity = "critical" if max(rates.values()) >= CRITICAL_RATE else "warning"
    shown = ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in _largest(rates))
    evidence = {
        name: {"nulls": each.nulls, "invalid": each.unseen, "rows": each.rows} for name, each in bad.items()
    }
    return (
        "quality",
        severity,
        f"More missing or invalid values than in training: {shown}.",
        {"features": evidence},
    )


def _drift(watch: Watch, window: Window, earlier: list[Window]) -> Finding | None:
    levels: dict[str, Severity] = {}
    for name, each in window.drift.items():
        if name in watch.ignore:
            continue
        before: list[Severity] = [past.drift[name].severity for past in earlier if name in past.drift]
        level = lasting(each.severity, before)
        if WORLD_SIGNALS & set(each.signals):
            level = worst([level, "warning"])
        if level != "none":
            levels[name] = level
    if not levels:
        return None
    sizes = {name: window.drift[name].psi_corrected for name in levels}
    shown = ", ".join(f"{name} (PSI {size:.2f})" for name, size in _largest(sizes))
    evidence = {name: _evidence(window.drift[name]) | {"severity": level} for name, level in levels.items()}
    message = f"{len(levels)} of {len(window.drift)} features moved away from training: {shown}."
    return "drift", worst(list(levels.values())), message, {"features": evidence, "rows": window.rows}


def _prediction(window: Window, earlier: list[Window]) -> Finding | None:
    if window.prediction is None:
        return None
    before: list[Severity] = [past.prediction.severity for past in earlier if past.prediction is not None]
    level = lasting(window.prediction.severity, before)
    if level == "none":
        return None
    message = f"The answers moved away from those at acceptance: PSI {window.prediction.psi_corrected:.2f}."
    return "prediction", level, message, _evidence(window.prediction) | {"rows": window.rows}


def _performance(watch: Watch, window: Window) -> Finding | None:
    shown = window.performance
    if window.status != "closed" or shown is None or shown.accepted is None:
        return None
    if shown.rows < watch.min_labels or not shown.worse:
        return None
    if shown.metric in ERROR_METRICS:
        far = shown.low > shown.accepted * (1 + watch.tolerance)
    else:
        far = shown.high < shown.accepted - watch.tolerance
    message = (
        f"{shown.metric} {shown.value:.3f} ({shown.low:.3f} to {shown.high:.3f}) over {shown.rows} labelled rows of "
        f"{duration_text(watch.window_s)} is worse than the accepted {shown.accepted:.3f}."
    )
    evidence = {
        "metric": shown.metric,
        "value": shown.value,
        "low": shown.low,
        "high": shown.high,
        "accepted": shown.accepted,
        "labelled": shown.rows,
        "coverage": window.coverage,
    }
    severity: Severity = "critical" if far else "warning"
    return "performance", severity, message, evidence


def _evidence(shown: Drift) -> dict[str, Any]:
    return {
        "psi": shown.psi_corrected,
        "p_adjusted": shown.p_adjusted,
        "nulls": shown.nulls,
        "unseen": shown.unseen,
        "out_of_range": shown.out_of_range,
        "signals": shown.signals,
    }


def _largest(values: dict[str, float], most: int = 3) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: -item[1])[:most]
