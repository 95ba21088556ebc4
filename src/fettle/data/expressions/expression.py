"""An expression that was read, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fettle.data.expressions import rows
from fettle.data.expressions.reading import tree_of
from fettle.data.expressions.words import Node
from fettle.data.records.versions import Type

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Expression:
    """An expression over the columns of a row.

    Attributes:
        text: As it was written.
        type: What it gives: numbers are always `number`.
        columns: The columns it looks at, in order of appearance.
        tree: What was read.
    """

    text: str
    type: Type
    columns: list[str]
    tree: Node

    @cached_property
    def of(self) -> Callable[[Mapping[str, Any]], Any]:
        """Computes it for a row (column → value, None for a missing one); None where the result is missing."""
        return rows.compiled(self.tree)

    @cached_property
    def polars(self) -> pl.Expr:
        """The same on a frame of these columns; null where the result is missing."""
        from fettle.data.expressions import frames

        return frames.compiled(self.tree)


def read(text: str, columns: Mapping[str, Type]) -> Expression:
    """Read an expression.

    Args:
        text: See the package's table.
        columns: The columns there are, with their types.

    Raises:
        Invalid: It is no expression, or puts together what does not fit; the place is pointed at.
        NotFound: A column or function is not known; the nearest names are offered.

    Example:
        >>> read("kg / (cm / 100) ** 2", {"kg": "number", "cm": "number"}).of({"kg": 80.0, "cm": 200.0})
        20.0
    """
    tree, used = tree_of(text, columns)
    return Expression(text, "number" if tree.type == "integer" else tree.type, used, tree)
