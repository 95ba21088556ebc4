"""Checks of a dataset: what is asked, what came of it on each version, and the last verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from fettle.acts import Surface
from fettle.web.asked import Asked
from fettle.web.formats import plural
from fettle.web.history import main_of
from fettle.web.site import Facts, Page
from fettle.web.svg import fill
from fettle.web.tables import Column, arrange

if TYPE_CHECKING:
    from fettle.data.records.checks import CheckRun

SHOWN_RUNS = 2000
STRIP = 40
STRIP_STEP, STRIP_HEIGHT = 7, 18
OUTCOMES = {"passed": "ok", "failed": "bad", "broken": "warn"}


class Verdict(msgspec.Struct, frozen=True):
    """What came of all checks of one version.

    Attributes:
        commit: The version.
        passed: How many checks passed.
        asked: How many there were.
        tone: `bad` where an error did not pass, `warn` where something else did not, else `ok`.
    """

    commit: str
    passed: int
    asked: int
    tone: str

    @property
    def text(self) -> str:
        """In few words."""
        if self.passed == self.asked:
            return f"{plural(self.asked, 'check')} passed"
        return f"{self.asked - self.passed} of {plural(self.asked, 'check')} failed"


def verdict(runs: Sequence[CheckRun], commit: str = "") -> Verdict | None:
    """The last results of a version, or of the version checked last; None without any."""
    commit = commit or (runs[0].commit if runs else "")
    last = newest(each for each in runs if each.commit == commit)
    if not last:
        return None
    failed = [each for each in last.values() if each.outcome != "passed"]
    grave = any(each.severity == "error" for each in failed)
    return Verdict(commit, len(last) - len(failed), len(last), "bad" if grave else "warn" if failed else "ok")


def newest(runs: Iterable[CheckRun]) -> dict[str, CheckRun]:
    """The newest result of each check; `runs` are newest first."""
    found: dict[str, CheckRun] = {}
    for each in runs:
        found.setdefault(each.check, each)
    return found


def strips(runs: Sequence[CheckRun]) -> dict[str, Markup]:
    """The history of each check as a strip, oldest on the left."""
    by: dict[str, list[CheckRun]] = {}
    for each in runs:
        by.setdefault(each.check, []).append(each)
    return {check: strip(check, found[:STRIP][::-1]) for check, found in by.items()}


def strip(check: str, runs: Sequence[CheckRun]) -> Markup:
    """A mark for each result: full height where it passed, a lower one with a gap where it did not."""
    passed = sum(each.outcome == "passed" for each in runs)
    marks = [_mark(place, each) for place, each in enumerate(runs)]
    form = '<svg class="strip" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    width = max(1, len(runs)) * STRIP_STEP
    label = f"{check}: passed {passed} of the last {plural(len(runs), 'time')}"
    return fill(form, width, STRIP_HEIGHT, width, STRIP_HEIGHT, label, Markup("").join(marks))


def _mark(place: int, run: CheckRun) -> Markup:
    tip = f"{run.at:%Y-%m-%d %H:%M} · {run.commit[:10]}\n{run.outcome}" + (
        f", {run.failed:,} of {run.rows:,} rows fail" if run.failed else ""
    )
    y, height = (3, STRIP_HEIGHT - 6) if run.outcome == "passed" else (0, STRIP_HEIGHT)
    form = '<rect class="strip-{}" data-tip="" x="{}" y="{}" width="5" height="{}" rx="1.5"><title>{}</title></rect>'
    return fill(form, OUTCOMES[run.outcome], place * STRIP_STEP + 1, y, height, tip)


def read_checks(ws: Surface, asked: Asked) -> Facts:
    """What is asked of a dataset, and the results of the last runs."""
    name = asked.name("name")
    return {
        "dataset": name,
        "branch": main_of(ws.call("data.refs", dataset=name)),
        "checks": ws.call("data.checks", dataset=name),
        "runs": ws.call("data.check_history", dataset=name, limit=SHOWN_RUNS),
    }


def draw_checks(facts: Facts, asked: Asked) -> Facts:
    """One row for each check that is asked, or was once."""
    runs, known = facts["runs"], {each.id: each for each in facts["checks"]}
    last = newest(runs)
    rows = [line_of(id, known.get(id), last.get(id)) for id in {**known, **last}]
    columns = [
        Column("check", "Check", lambda each: each["id"]),
        Column("severity", "Severity", lambda each: _rank(each["severity"])),
        Column("owner", "Owner", lambda each: each["owner"] or None),
        Column("last", "Last result", lambda each: each["run"].outcome if each["run"] else None),
        Column("failed", "Rows that fail", lambda each: each["run"].failed if each["run"] else None, True),
        Column("", "History"),
    ]
    table = arrange(rows, columns, asked, words=lambda each: f"{each['id']} {each['text']} {each['owner']}")
    return {"table": table, "strips": strips(runs), "verdict": verdict(runs), "outcomes": OUTCOMES}


def line_of(id: str, check: Any, run: CheckRun | None) -> dict[str, Any]:
    """A check and its last result; either may be missing."""
    shown: Any = check or run
    return {
        "id": id,
        "text": shown.text,
        "owner": shown.owner,
        "severity": shown.severity,
        "mostly": check.mostly if check else 1.0,
        "description": check.description if check else "",
        "asked": check is not None,
        "run": run,
    }


def _rank(severity: str) -> int:
    return ("error", "warning", "notice").index(severity)


PAGES = (Page("/data/{name}/checks", "data/checks.html", read_checks, draw_checks),)
