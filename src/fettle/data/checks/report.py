"""Reports of validation and checks as they are handed to a person."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.data.profiling.report import table
from fettle.data.records.checks import CheckReport, CheckResult
from fettle.data.records.schemas import Anomaly, Report

_MARKS = {"passed": "✓", "failed": "✗", "broken": "?"}
_SIGNS = {"error": "✗", "warning": "!", "notice": "·"}
ROWS_SHOWN = 5


class ChecksReport(msgspec.Struct, frozen=True):
    """What came of the checks of a table; `fault` is not empty where one of severity `error` did not pass."""

    title: str
    report: CheckReport

    @property
    def fault(self) -> str:
        """What ends the command with exit code 5; empty if nothing does."""
        bad = self.report.errors
        names = ", ".join(each.check.id for each in bad[:5]) + (", …" if len(bad) > 5 else "")
        return f"{len(bad)} check(s) of {self.title} did not pass: {names}." if bad else ""

    def lines(self) -> list[str]:
        """A line a check, and the first failing rows of those that did not pass."""
        results = self.report.results
        passed = sum(each.outcome == "passed" for each in results)
        head = f"{self.title}: {passed} of {len(results)} checks passed on {self.report.rows:,} rows"
        rows = [
            [
                _MARKS[each.outcome],
                each.check.id,
                each.check.severity,
                _counts(each),
                each.check.owner,
                each.check.text,
            ]
            for each in results
        ]
        made = [head, ""]
        if rows:
            made += table(["", "check", "severity", "failed", "owner", "asks"], rows, right={3})
        for each in results:
            if each.outcome != "passed":
                made += ["", *_detail(each)]
        return made

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-able fields."""
        return {"title": self.title, "ok": self.report.ok, **msgspec.to_builtins(self.report)}


def _counts(each: CheckResult) -> str:
    if each.outcome == "broken":
        return "–"
    return f"{each.failed:,} ({each.share:.2%})" if each.failed else "0"


def _detail(each: CheckResult) -> list[str]:
    if each.outcome == "broken":
        return [f"{each.check.id} could not be made: {each.message}"]
    about = f" · {each.check.description}" if each.check.description else ""
    made = [f"{each.check.id}: {each.failed:,} of {each.rows:,} fail{about}"]
    for row in each.failing[:ROWS_SHOWN]:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in row.values.items())
        made.append(f"  row {row.row:,}: {values}" if row.row else f"  {values}")
    more = each.failed - len(each.failing[:ROWS_SHOWN])
    return [*made, f"  … {more:,} more"] if more > 0 and each.failing else made


class ValidationReport(msgspec.Struct, frozen=True):
    """What came of a validation against a schema; `fault` is not empty where an anomaly is an error."""

    title: str
    report: Report

    @property
    def fault(self) -> str:
        """What ends the command with exit code 5; empty if nothing does."""
        bad = self.report.of("error")
        return f"{len(bad)} error(s) in {self.title}: {bad[0].message}" if bad else ""

    def lines(self) -> list[str]:
        """The anomalies, the gravest first, each with rows and with what to do."""
        found = self.report.anomalies
        if not found:
            return [f"{self.title}: {self.report.rows:,} rows, all as expected"]
        counts = ", ".join(
            f"{len(self.report.of(each))} {each}(s)" for each in ("error", "warning", "notice")
        )
        made = [f"{self.title}: {self.report.rows:,} rows, {counts}"]
        for each in found:
            made += ["", *_told(each)]
        return made

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-able fields."""
        return {"title": self.title, "ok": self.report.ok, **msgspec.to_builtins(self.report)}


def _told(each: Anomaly) -> list[str]:
    made = [f"{_SIGNS[each.severity]} {each.kind}: {each.message}"]
    if each.failing and each.kind != "missing-rate":
        rows = "; ".join(f"row {row.row:,}: {_shown(row.value)}" for row in each.failing[:ROWS_SHOWN])
        made.append(f"  {rows}" + ("; …" if each.rows > ROWS_SHOWN else ""))
    elif each.failing:
        rows = ", ".join(f"{row.row:,}" for row in each.failing[:ROWS_SHOWN])
        made.append(f"  rows {rows}" + (", …" if each.rows > ROWS_SHOWN else ""))
    return [*made, f"  → {each.suggestion}"] if each.suggestion else made


def _shown(value: str | None) -> str:
    return "(missing)" if value is None else repr(value[:60])
