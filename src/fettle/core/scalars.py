"""Plain numbers from what libraries of tables answer."""

from __future__ import annotations

from decimal import Decimal


def number(value: object) -> int | float | None:
    """The least, greatest or middle of a column of numbers, as a plain number; None if it has no values.

    polars types such an answer as any value that any column may hold.

    Raises:
        TypeError: The column is none of numbers.
    """
    match value:
        case None | int() | float():
            return value
        case Decimal():
            return float(value)
        case _:
            raise TypeError(f"a column of numbers was expected, and its aggregate is {value!r}")
