"""Look at files: what is personal in them, and how well single rows hide."""

from __future__ import annotations

from pathlib import Path

from fettle.acts import Surface, errand
from fettle.privacy.records import Anonymity, Scan


@errand("privacy.scan")
def scan(ws: Surface, path: Path, *, dataset: str = "", every: bool = False) -> Scan:
    """Look for personal data in a file and propose a class for each column.

    Args:
        path: CSV, TSV, Parquet, JSON lines or Arrow.
        dataset: Keep the proposals for this dataset, to be confirmed by a person; empty: only show them.
        every: Look at every value instead of a thousand different ones a column.
    """
    from fettle.privacy import files
    from fettle.privacy import scan as scanning

    found = scanning.scan(files.read(path), name=path.name, sample=None if every else scanning.SAMPLE)
    if dataset:
        ws.call("privacy.propose", dataset=dataset, findings=found.findings)
    return found


@errand("privacy.anonymity", reads=True)
def anonymity(
    ws: Surface,
    path: Path,
    quasi: list[str],
    *,
    sensitive: str = "",
    k: int = 5,
    l: float | None = None,  # noqa: E741 - its name since Machanavajjhala et al. 2007
    t: float | None = None,
) -> Anonymity:
    """Measure k-anonymity, l-diversity and t-closeness of a file; ends with exit code 5 when they are too low.

    Args:
        path: CSV, TSV, Parquet, JSON lines or Arrow.
        quasi: Columns that others may know of a person, such as postcode, date of birth and sex.
        sensitive: A column whose value nobody should learn from the group; empty: only k is measured.
        k: Wanted least size of a group.
        l: Wanted least number of different sensitive values in a group.
        t: Wanted greatest distance of a group's sensitive values from the table's, in [0, 1].
    """
    from fettle.privacy import anonymity as measuring
    from fettle.privacy import files

    return measuring.check(files.read(path), quasi, sensitive=sensitive, k=k, l=l, t=t)
