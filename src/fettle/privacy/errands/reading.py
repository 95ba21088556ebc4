"""Read what was masked, by those whose role allows it."""

from __future__ import annotations

from pathlib import Path

from fettle.acts import Surface, errand


@errand("privacy.reveal")
def reveal(ws: Surface, tokens: list[str], *, reason: str = "") -> dict[str, str]:
    """Show the values that vault tokens stand for; needs the role approver, and is in the audit.

    Args:
        tokens: Such as vlt_….
        reason: Why; the audit keeps it, so no personal data.
    """
    from fettle.core.errors import NotFound
    from fettle.privacy import vaults

    found = vaults.reveal(ws, tokens, reason)
    missing = [each for each in tokens if each not in found]
    if missing:
        raise NotFound(
            f"The vault has no token {missing[0]!r}.", found=f"{len(found)} of {len(tokens)} are there"
        )
    return found


@errand("privacy.open")
def open_file(
    ws: Surface, path: Path, to: Path, *, columns: list[str] | None = None, reason: str = ""
) -> str:
    """Decrypt the encrypted columns of a file into another file; needs the role approver, and is in the audit.

    Args:
        path: CSV, TSV, Parquet, JSON lines or Arrow.
        to: Where the plain rows go.
        columns: Which; none given: all that are encrypted.
        reason: Why; the audit keeps it, so no personal data.
    """
    from fettle.privacy import files, reading

    frame = reading.open_frame(ws, files.read(path), columns, dataset=path.name, reason=reason)
    files.write(frame, to)
    return f"{frame.height:,} rows in {to}"


@errand("privacy.extract")
def extract(ws: Surface, path: Path, subject: str, to: Path, *, reason: str = "") -> str:
    """Write the rows of one subject, decrypted, to a file: what a person may ask for (GDPR Art. 15).

    Args:
        path: Rows with encrypted columns: CSV, TSV, Parquet, JSON lines or Arrow.
        subject: The person's identifier, or the subject's name; `@-` reads it from standard input.
        to: Where the rows go.
        reason: Why; the audit keeps it, so no personal data.
    """
    from fettle.privacy import files, reading
    from fettle.privacy.subjects import given

    frame = reading.rows_of(ws, files.read(path), given(subject), dataset=path.name, reason=reason)
    files.write(frame, to)
    return f"{frame.height:,} rows in {to}"
