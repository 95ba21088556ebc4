"""Data: where the loop begins. Rows are read, committed as versions, profiled, checked and split.

    from fettle.data import commit_frame, infer, load, profile, read_source, validate
    frame = read_source("churn.csv")                                   # or Parquet, JSON, Excel, "SELECT …"
    commit = commit_frame(ws, "churn", frame, source="churn.csv")      # a version that never changes
    load(ws, "churn@main", columns=["age", "churned"])                 # the rows of any version, back again
    profile(frame).column("age").number                                # what they are like
    validate.validate(tomorrow, infer(frame, target="churned"))        # whether others are as expected

Before it in the lifecycle: the world. After it: `pipelines` and `training`, which name the commit they used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import callable_package, lazy_exports

if TYPE_CHECKING:
    from fettle.data.ingest import read_source as read_source
    from fettle.data.profiles import profile as profile
    from fettle.data.records import Anomaly as Anomaly
    from fettle.data.records import Column as Column
    from fettle.data.records import ColumnProfile as ColumnProfile
    from fettle.data.records import Commit as Commit
    from fettle.data.records import Dataset as Dataset
    from fettle.data.records import Part as Part
    from fettle.data.records import Profile as Profile
    from fettle.data.records import Report as Report
    from fettle.data.records import Rule as Rule
    from fettle.data.records import Schema as Schema
    from fettle.data.records import Source as Source
    from fettle.data.schemas import infer as infer
    from fettle.data.versions import commit_frame as commit_frame
    from fettle.data.versions import load as load
    from fettle.data.versions import scan as scan

_MODULES = {
    "read_source": ".ingest",
    "profile": ".profiles",
    "infer": ".schemas",
    "commit_frame": ".versions",
    "load": ".versions",
    "scan": ".versions",
}
_RECORDS = (
    "Anomaly",
    "Column",
    "ColumnProfile",
    "Commit",
    "Dataset",
    "Part",
    "Profile",
    "Report",
    "Rule",
    "Schema",
    "Source",
)

__all__ = [
    "Anomaly",
    "Column",
    "ColumnProfile",
    "Commit",
    "Dataset",
    "Part",
    "Profile",
    "Report",
    "Rule",
    "Schema",
    "Source",
    "commit_frame",
    "infer",
    "load",
    "profile",
    "read_source",
    "scan",
]

__getattr__, __dir__ = lazy_exports(__name__, _MODULES | dict.fromkeys(_RECORDS, ".records"))
callable_package(__name__, "fettle.here:frame")
