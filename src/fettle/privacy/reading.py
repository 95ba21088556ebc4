"""Reading encrypted columns: with leave, for those whose role allows it, and only what was not erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fettle.core.errors import Invalid, NotFound
from fettle.core.progress import phase
from fettle.privacy import cells
from fettle.privacy.subjects import Keyring, pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fettle.acts import Surface


def open_frame(
    ws: Surface,
    frame: pl.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    dataset: str = "",
    reason: str = "",
) -> pl.DataFrame:
    """Decrypt the encrypted columns of a frame; that it was done, by whom and why, is in the audit.

    Args:
        ws: The workspace whose keys encrypted them.
        frame: Rows with encrypted columns; left as it is.
        columns: Which; None: all that are encrypted.
        dataset: What is read, for the audit.
        reason: Why, for the audit; it stays for good, so no personal data.

    Returns:
        The frame with plain values; those of erased subjects are `[erased]`, or missing where the column held no texts.

    Raises:
        Denied: The actor is no approver.
        NotFound: There is no such column.
        Unavailable: The master key is not here.
    """
    wanted = _wanted(frame, columns)
    if not wanted:
        return frame
    names = sorted({each for column in wanted for each in cells.subjects_in(frame.get_column(column))})
    leave = ws.call("privacy.begin_reading", dataset=dataset, reason=reason, subjects=len(names))
    ring = Keyring(ws)
    keys: dict[str, bytes] = {}
    with phase("Fetching keys", total=len(names), unit="subjects") as step:
        for page in pages(names):
            for each in ws.call("privacy.lend", opening=leave.id, subjects=page):
                if each.sealed:
                    keys[each.subject] = ring.opened(each.subject, each.sealed, each.master)
            step(len(page))
    with phase("Decrypting", total=len(wanted), unit="columns") as step:
        for column in wanted:
            frame = frame.with_columns(cells.decrypt(frame.get_column(column), keys))
            step()
    return frame


def rows_of(
    ws: Surface, frame: pl.DataFrame, identifier: str, *, dataset: str = "", reason: str = ""
) -> pl.DataFrame:
    """The rows of one subject, decrypted: what a person may ask for (GDPR Art. 15).

    Args:
        ws: The workspace.
        frame: Rows with encrypted columns.
        identifier: The person's identifier, or the subject's random name.
        dataset: What is read, for the audit.
        reason: Why, for the audit.

    Raises:
        NotFound: No subject has this identifier.
        Invalid: The frame has no encrypted column, so nothing says whose rows they are.
    """
    columns = _wanted(frame, None)
    if not columns:
        raise Invalid("No column of these rows is encrypted, so nothing says whose they are.")
    marks = [f"{cells.MARK}{name}." for name in Keyring(ws).find(identifier)]
    theirs = pl.any_horizontal(pl.col(column).str.starts_with(mark) for column in columns for mark in marks)
    return open_frame(ws, frame.filter(theirs), dataset=dataset, reason=reason)


def _wanted(frame: pl.DataFrame, columns: Sequence[str] | None) -> list[str]:
    for name in columns or ():
        if name not in frame.columns:
            raise NotFound.among("column", name, frame.columns)
    named = frame.columns if columns is None else list(columns)
    return [name for name in named if cells.is_encrypted(frame.get_column(name))]
