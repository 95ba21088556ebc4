"""How each station of the loop is, told from what the rooms say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fettle.core.units import duration_text
from fettle.monitoring.records import apart
from fettle.web import curves, monitoring
from fettle.web.formats import count, day, milliseconds, plural, segment, tone
from fettle.web.loop import Middle, State, Station
from fettle.web.site import Facts

# The words by which a pipeline's steps are known to belong to a station.
STEP_WORDS = {
    "validate": ("valid", "check", "schema", "profile", "examin"),
    "prepare": ("prepare", "split", "divid", "clean", "feature", "mask", "label"),
    "train": ("train", "search", "explor", "fit", "tune"),
    "evaluate": ("evaluat", "assess", "score", "slice", "metric"),
    "accept": ("accept", "gate", "judge"),
    "package": ("pack", "bundle", "convert", "onnx", "export"),
    "register": ("regist", "enlist"),
}
WORST_FIRST: tuple[State, ...] = ("bad", "busy", "warn", "ok")
VERDICTS: dict[str, State] = {"critical": "bad", "warning": "warn", "notice": "ok", "none": "ok"}
RUNNING = ("decided", "training", "evaluating")
WAITING = ("observed", "blocked")


def stations(facts: Facts) -> list[Station]:
    """The seventeen stations in the order of the loop; `facts` are those of the overview."""
    found = [*_data(facts), *_pipeline(facts), *_registry(facts), *_serving(facts)]
    return [*found, *_monitoring(facts), *_retraining(facts)]


def _data(facts: Facts) -> list[Station]:
    datasets = facts["datasets"]
    if not datasets:
        return [Station("sources", "idle", "", "/data"), Station("data", "idle", "", "/data")]
    rows = max(each.rows for each in datasets)
    commits = sum(each.commits for each in datasets)
    return [
        Station("sources", "ok", plural(commits, "commit"), "/data"),
        Station("data", "ok", f"{count(rows)} rows", "/data"),
    ]


def _pipeline(facts: Facts) -> list[Station]:
    flow, found = facts["flow"], []
    for name in ("validate", "prepare", "train", "evaluate", "accept", "package"):
        steps = steps_of(flow, name)
        href = "/pipelines"
        if flow:
            href += f"/{segment(flow.id)}" + (f"?step={steps[-1].seq}" if steps else "")
        state = _gates_state(facts) if name == "accept" and not steps else _state_of(steps)
        found.append(Station(name, state, _figure_of(name, steps, facts), href))
    return found


def steps_of(flow: Any, station: str) -> list[Any]:
    """The steps whose name holds a word of the station and none of a station before it."""
    return [step for step in (flow.steps if flow else []) if _home_of(step.name.casefold()) == station]


def _home_of(name: str) -> str:
    return next((key for key, words in STEP_WORDS.items() if any(word in name for word in words)), "")


def _state_of(steps: Sequence[Any]) -> State:
    tones = {tone(step.status) for step in steps}
    for state in WORST_FIRST:
        if state in tones:
            return state
    return "idle"


def _gates_state(facts: Facts) -> State:
    """How the newest version stood before its gates, for pipelines whose steps do not name them."""
    newest = facts["versions"][0] if facts["versions"] else None
    if newest is None or not newest.gates:
        return "idle"
    return "bad" if newest.failed_gates else "ok"


def _figure_of(station: str, steps: Sequence[Any], facts: Facts) -> str:
    newest = facts["versions"][0] if facts["versions"] else None
    if any(step.status == "running" for step in steps):
        return "running"
    if station == "accept" and newest is not None and newest.gates:
        return f"{sum(gate.passed for gate in newest.gates)} of {len(newest.gates)} gates"
    if station == "train" and facts["experiments"]:
        return plural(sum(each.runs for each in facts["experiments"]), "run")
    if steps and all(step.status == "reused" for step in steps):
        return "reused"
    if steps:
        return f"{steps[-1].status}, {duration_text(sum(step.seconds for step in steps))}"
    return ""


def _registry(facts: Facts) -> list[Station]:
    model = facts["model"]
    if model is None:
        return [Station("register", "idle", "", "/models"), Station("approve", "idle", "", "/models")]
    href = f"/models/{segment(model.name)}"
    registered = Station("register", "ok", plural(model.versions, "version"), href)
    champion = model.aliases.get("champion")
    if champion is None:
        return [registered, Station("approve", "warn", "no champion", href)]
    return [registered, Station("approve", "ok", f"champion v{champion}", f"{href}/{champion}")]


def _serving(facts: Facts) -> list[Station]:
    endpoint, traffic = facts["endpoint"], facts["traffic"]
    if endpoint is None:
        return [Station(name, "idle", "", "/endpoints") for name in ("deploy", "serve", "log")]
    href, watched = f"/endpoints/{segment(endpoint.name)}", f"/monitoring/{segment(endpoint.name)}"
    ready = [each for each in endpoint.workers if each.state == "ready"]
    state: State = "ok" if ready else "warn"
    versions = ", ".join(f"v{each}" for each in sorted({each.version for each in ready}))
    deployed = f"{versions}, {plural(len(ready), 'worker')}" if ready else "no worker"
    newest = max((each.at for each in traffic if each.requests), default=None)
    slowest = max((each.p99_ms for each in traffic if each.at == newest), default=0.0)
    rows = sum(each.rows for each in apart(facts["windows"])) or sum(each.rows for each in endpoint.workers)
    return [
        Station("deploy", state, deployed, href),
        Station("serve", state, f"p99 {milliseconds(slowest)}" if newest else "not asked yet", href),
        Station("log", "ok" if rows else "idle", f"{count(rows)} rows" if rows else "", watched),
    ]


def _monitoring(facts: Facts) -> list[Station]:
    windows, endpoint, alerts = facts["windows"], facts["endpoint"], facts["alerts"]
    href = f"/monitoring/{segment(endpoint.name)}" if endpoint else "/monitoring"
    verdicts = [each.verdict for each in windows if each.verdict in VERDICTS]
    last = next((each.performance for each in reversed(windows) if each.performance), None)
    figure = f"{last.metric} {last.value:.3f}" if last else plural(len(windows), "window") if windows else ""
    waiting = sum(each.status == "open" for each in alerts)
    told = f"{waiting} open of {len(alerts)}" if alerts else "none" if windows else ""
    return [
        Station("monitor", VERDICTS[verdicts[-1]] if verdicts else "idle", figure, href),
        Station("alert", "warn" if waiting else "ok" if windows else "idle", told, "/alerts"),
    ]


def _retraining(facts: Facts) -> list[Station]:
    intents = facts["intents"]
    if not intents:
        return [Station("decide", "idle", "", "/intents"), Station("retrain", "idle", "", "/intents")]
    active = next((each for each in intents if each.state in RUNNING), None)
    waiting = sum(each.state in WAITING for each in intents)
    promoted = sum(each.state == "promoted" for each in intents)
    ended = sum(each.state in ("promoted", "proposed", "rejected", "failed") for each in intents)
    decide = f"{waiting} waiting" if waiting else plural(len(intents), "intent")
    if active is not None:
        now = Station("retrain", "busy", active.state, f"/intents/{segment(active.id)}")
    else:
        now = Station(
            "retrain",
            "ok" if ended else "idle",
            f"{promoted} of {ended} promoted" if ended else "",
            "/intents",
        )
    return [Station("decide", "ok", decide, "/intents"), now]


def middle(facts: Facts) -> Middle:
    """The two lines and the curve within the ring."""
    windows = monitoring.by_window(facts["windows"])
    frozen = [each for each in facts["yardsticks"].get("frozen", []) if each.at]
    caption = ""
    if windows:
        span = f"{day(windows[0].start_at)} – {day(windows[-1].end_at)}"
        caption = f"{windows[-1].metric} by window, {span}"
        caption += "; dashed: the first model, had it stayed" if frozen else ""
    return Middle(
        headline=_headline(facts),
        subline=_subline(facts),
        curve=[(curves.seconds(each.end_at), each.value) for each in windows],
        frozen=[(curves.seconds(each.at), monitoring.finite(each.value)) for each in frozen],
        marks=monitoring.marks_of(facts["moves"], skip_first=True),
        caption=caption,
    )


def _headline(facts: Facts) -> str:
    active = next((each for each in facts["intents"] if each.state in RUNNING), None)
    waiting = sum(each.status == "open" for each in facts["alerts"])
    flow = facts["flow"]
    if active is not None:
        return f"Retraining: {active.state}"
    if flow is not None and flow.status == "running":
        return f"The pipeline {flow.name} is running"
    if not facts["models"]:
        if flow is not None and flow.status in ("failed", "killed"):
            return f"The pipeline {flow.name} {'failed' if flow.status == 'failed' else 'was killed'}"
        return "No model yet"
    if waiting:
        return f"{plural(waiting, 'alert')} to look at"
    return "In fine fettle" if facts["endpoint"] is not None else "A model is ready to be served"


def _subline(facts: Facts) -> str:
    model, windows = facts["model"], facts["windows"]
    if model is None:
        return "Data becomes a model, the model answers, the world moves on, and it is brought back."
    parts = [model.name]
    if champion := model.aliases.get("champion"):
        parts.append(f"champion v{champion}")
    windows = apart(windows)
    if rows := sum(each.rows for each in windows):
        parts.append(f"{count(rows)} requests, {count(sum(each.errors for each in windows))} refused")
    if promoted := sum(each.state == "promoted" for each in facts["intents"]):
        parts.append(f"brought back {promoted} times" if promoted > 1 else "brought back once")
    return " · ".join(parts)
