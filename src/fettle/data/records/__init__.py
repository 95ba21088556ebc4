"""The nouns of data, a module a subject: versions, profiles, schemas, …; import them from there or from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.data.records.checks import Check as Check
    from fettle.data.records.checks import CheckedRow as CheckedRow
    from fettle.data.records.checks import CheckReport as CheckReport
    from fettle.data.records.checks import CheckResult as CheckResult
    from fettle.data.records.checks import CheckRun as CheckRun
    from fettle.data.records.checks import FeatureSkew as FeatureSkew
    from fettle.data.records.checks import SkewReport as SkewReport
    from fettle.data.records.profiles import Association as Association
    from fettle.data.records.profiles import ColumnChange as ColumnChange
    from fettle.data.records.profiles import ColumnProfile as ColumnProfile
    from fettle.data.records.profiles import Comparison as Comparison
    from fettle.data.records.profiles import Histogram as Histogram
    from fettle.data.records.profiles import NumberSummary as NumberSummary
    from fettle.data.records.profiles import Profile as Profile
    from fettle.data.records.profiles import Role as Role
    from fettle.data.records.profiles import TextSummary as TextSummary
    from fettle.data.records.profiles import TimeSummary as TimeSummary
    from fettle.data.records.profiles import ValueCount as ValueCount
    from fettle.data.records.schemas import Anomaly as Anomaly
    from fettle.data.records.schemas import FailingRow as FailingRow
    from fettle.data.records.schemas import Report as Report
    from fettle.data.records.schemas import Rule as Rule
    from fettle.data.records.schemas import Schema as Schema
    from fettle.data.records.schemas import Severity as Severity
    from fettle.data.records.versions import Column as Column
    from fettle.data.records.versions import Commit as Commit
    from fettle.data.records.versions import Dataset as Dataset
    from fettle.data.records.versions import Event as Event
    from fettle.data.records.versions import Hold as Hold
    from fettle.data.records.versions import Hook as Hook
    from fettle.data.records.versions import Move as Move
    from fettle.data.records.versions import Part as Part
    from fettle.data.records.versions import Pointer as Pointer
    from fettle.data.records.versions import Protection as Protection
    from fettle.data.records.versions import Retention as Retention
    from fettle.data.records.versions import Roots as Roots
    from fettle.data.records.versions import RowGroup as RowGroup
    from fettle.data.records.versions import Source as Source
    from fettle.data.records.versions import Table as Table
    from fettle.data.records.versions import Type as Type

_MODULES = {
    ".checks": (
        "Check",
        "CheckReport",
        "CheckResult",
        "CheckRun",
        "CheckedRow",
        "FeatureSkew",
        "SkewReport",
    ),
    ".profiles": (
        "Association",
        "ColumnChange",
        "ColumnProfile",
        "Comparison",
        "Histogram",
        "NumberSummary",
        "Profile",
        "Role",
        "TextSummary",
        "TimeSummary",
        "ValueCount",
    ),
    ".schemas": (
        "Anomaly",
        "FailingRow",
        "Report",
        "Rule",
        "Schema",
        "Severity",
    ),
    ".versions": (
        "Column",
        "Commit",
        "Dataset",
        "Event",
        "Hold",
        "Hook",
        "Move",
        "Part",
        "Pointer",
        "Protection",
        "Retention",
        "Roots",
        "RowGroup",
        "Source",
        "Table",
        "Type",
    ),
}

__all__ = [
    "Anomaly",
    "Association",
    "Check",
    "CheckReport",
    "CheckResult",
    "CheckRun",
    "CheckedRow",
    "Column",
    "ColumnChange",
    "ColumnProfile",
    "Commit",
    "Comparison",
    "Dataset",
    "Event",
    "FailingRow",
    "FeatureSkew",
    "Histogram",
    "Hold",
    "Hook",
    "Move",
    "NumberSummary",
    "Part",
    "Pointer",
    "Profile",
    "Protection",
    "Report",
    "Retention",
    "Role",
    "Roots",
    "RowGroup",
    "Rule",
    "Schema",
    "Severity",
    "SkewReport",
    "Source",
    "Table",
    "TextSummary",
    "TimeSummary",
    "Type",
    "ValueCount",
]

__getattr__, __dir__ = lazy_exports(
    __name__, {name: module for module, names in _MODULES.items() for name in names}
)
