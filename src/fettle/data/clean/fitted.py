"""A cleaning that has learnt from the training rows: plain data that is stored, carried in a bundle, and applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from fettle.core import canonical, ids
from fettle.core.errors import Invalid
from fettle.data.clean.reach import needed, writes
from fettle.data.clean.rows import RowCleaner
from fettle.data.records.cleaning import Cast, Dates, Drop, Duplicates, Outliers, Rename, Step, Units
from fettle.data.records.versions import Column

if TYPE_CHECKING:
    import polars as pl

    from fettle.data.clean.frames import Cleaned

FORMAT = "fettle.cleaning/1"


class FittedCleaning(msgspec.Struct, frozen=True, dict=True):
    """A fitted cleaning.

    Attributes:
        columns: What it expects, with types.
        steps: What it does, in order.
        rows: How many rows it learnt from.
        gaps: The expected columns that had missing values then: a request may leave them out.
        format: The form of this record.
    """

    columns: list[Column]
    steps: list[Step]
    rows: int
    gaps: list[str] = []
    format: str = FORMAT

    def apply(self, frame: pl.DataFrame, *, rows: Literal["drop", "keep"] = "drop") -> Cleaned:
        """Clean a frame.

        Args:
            frame: Rows with at least the expected columns.
            rows: `drop` cleans a table: duplicates and dropped outliers go, gaps are filled from neighbouring
                rows where the operation says so. `keep` treats each row alone and keeps it, as an endpoint
                does; rows that would go are marked in `Cleaned.flagged`.

        Raises:
            NotFound: A column is missing.
            Invalid: A column has another type, or a value cannot be read where the operation says `fail`.
        """
        from fettle.data.clean.frames import run

        return run(self.columns, self.steps, frame, alone=rows == "keep")

    def apply_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Clean one row as JSON has it, exactly as `apply(…, rows="keep")` does; it is never left out.

        Raises:
            Invalid: A value is of the wrong type, or cannot be read where the operation says `fail`.
        """
        return self.row_cleaner(row)

    @cached_property
    def row_cleaner(self) -> RowCleaner:
        """What `apply_row` calls."""
        return RowCleaner(self.columns, self.steps)

    def only_for(self, columns: Iterable[str]) -> FittedCleaning:
        """The part of it that some columns of the cleaned table depend on: what a model's requests need."""
        steps, wanted = needed(self.steps, columns)
        kept = [each for each in self.columns if each.name in wanted]
        return FittedCleaning(kept, steps, self.rows, [name for name in self.gaps if name in wanted])

    @property
    def drops_rows(self) -> bool:
        """Whether a table may lose rows by it."""
        return any(
            isinstance(each.operation, Duplicates)
            or (isinstance(each.operation, Outliers) and each.operation.action == "drop")
            for each in self.steps
        )

    @property
    def changed(self) -> set[str]:
        """The columns that it makes, changes, renames or leaves out."""
        gone = {
            name
            for each in self.steps
            if isinstance(each.operation, Drop | Rename)
            for name in each.operation.columns
        }
        return gone.union(*(writes(each) for each in self.steps))

    @property
    def strict_columns(self) -> set[str]:
        """The columns in which a value that cannot be read is refused."""
        return {
            name
            for each in self.steps
            if isinstance(each.operation, Cast | Dates | Units) and each.operation.on_error == "fail"
            for name in each.operation.columns
        }

    @property
    def after(self) -> list[Column]:
        """The columns of the cleaned table."""
        return self.steps[-1].after if self.steps else self.columns

    @property
    def digest(self) -> str:
        """The BLAKE3 of its canonical bytes."""
        return ids.digest(self.encoded())

    def encoded(self) -> bytes:
        """As JSON: the same cleaning gives the same bytes."""
        return canonical.encode(self)


def decoded(data: bytes) -> FittedCleaning:
    """Read back what `FittedCleaning.encoded` gave.

    Raises:
        Invalid: It is no fitted cleaning, or of a form that is not known here.
    """
    try:
        found: FittedCleaning = canonical.decode(data, FittedCleaning)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid("This is no fitted cleaning.", found=str(error)) from error
    if found.format != FORMAT:
        raise Invalid(
            "This cleaning has a form that this version of fettle does not know.",
            found=repr(found.format),
            hint=f"Known: {FORMAT!r}; upgrade with `pip install -U fettle-ml`.",
        )
    return found
