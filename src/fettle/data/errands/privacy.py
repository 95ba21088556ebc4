"""Privacy of what is committed: what is personal in a version, how well its rows hide, and its decrypted form."""

from __future__ import annotations

from pathlib import Path

from fettle.acts import Surface, errand
from fettle.privacy.records import Anonymity, Scan


@errand("data.scan_privacy")
def scan_privacy(
    ws: Surface, source: str, *, dataset: str = "", every: bool = False, propose: bool = True
) -> Scan:
    """Look for personal data in a version or a file, and propose a class for each column of its dataset.

    A file is read as `fettle data ingest` reads it; so it can be looked at before any of it is kept.

    Args:
        source: A version such as `churn@main`, or a file, query or address.
        dataset: The dataset the proposals are for; empty: the version's, or named after the source.
        every: Look at every value instead of a thousand different ones a column.
        propose: Keep the proposals, to be confirmed by a person with `fettle privacy confirm`.
    """
    from fettle.data.ingest import dataset_name
    from fettle.data.opening import open_rows
    from fettle.privacy import scan

    opened = open_rows(ws, source, lenient=True)
    found = scan.scan(opened.rows.collect(), name=opened.title, sample=None if every else scan.SAMPLE)
    if propose:
        name = dataset or (opened.commit.dataset if opened.commit else dataset_name(source))
        ws.call("privacy.propose", dataset=name, findings=found.findings)
    return found


@errand("data.anonymity", reads=True)
def anonymity(
    ws: Surface,
    ref: str,
    quasi: list[str],
    *,
    sensitive: str = "",
    k: int = 5,
    l: float | None = None,  # noqa: E741 - its name since Machanavajjhala et al. 2007
    t: float | None = None,
) -> Anonymity:
    """Measure k-anonymity, l-diversity and t-closeness of a version; ends with exit code 5 when they are too low.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
        quasi: Columns that others may know of a person, such as postcode, date of birth and sex.
        sensitive: A column whose value nobody should learn from the group; empty: only k is measured.
        k: Wanted least size of a group.
        l: Wanted least number of different sensitive values in a group.
        t: Wanted greatest distance of a group's sensitive values from the table's, in [0, 1].
    """
    from fettle.data import versions
    from fettle.privacy.anonymity import check

    columns = list(dict.fromkeys([*quasi, sensitive] if sensitive else quasi))
    return check(versions.load(ws, ref, columns), quasi, sensitive=sensitive, k=k, l=l, t=t)


@errand("data.decrypt")
def decrypt(
    ws: Surface, ref: str, to: Path, *, columns: list[str] | None = None, subject: str = "", reason: str = ""
) -> str:
    """Write a version with its encrypted columns decrypted to a file; needs the role approver, and is in the audit.

    Args:
        ref: `churn`, `churn@main` or `churn@3f9ac1`.
        to: CSV, TSV, Parquet, JSON lines or Arrow.
        columns: Which columns to decrypt; none given: all that are encrypted.
        subject: Only the rows of this person, by identifier or the subject's name; `@-` reads it from standard input.
        reason: Why; the audit keeps it, so no personal data.
    """
    from fettle.data import versions
    from fettle.privacy import files, reading
    from fettle.privacy.subjects import given

    frame = versions.load(ws, ref)
    if subject:
        frame = reading.rows_of(ws, frame, given(subject), dataset=ref, reason=reason)
    else:
        frame = reading.open_frame(ws, frame, columns, dataset=ref, reason=reason)
    files.write(frame, to)
    return f"{frame.height:,} rows in {to}"
