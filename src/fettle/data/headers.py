"""Column names as a source wrote them, made usable: none empty, none twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fettle.core.errors import Invalid

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def column_names(raw: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """Return a name for each column, and a note for each that had to be changed.

    Spaces inside, accents and any other script stay; blanks around a name and line breaks go. An unnamed column is
    called `column_3` after its place; the second `price` becomes `price_2`.

    Example:
        >>> column_names(["price", " größe", "price", ""])[0]
        ['price', 'größe', 'price_2', 'column_4']
    """
    cleaned = [" ".join((name or "").split()) for name in raw]
    wanted = set(cleaned)
    taken: set[str] = set()
    names: list[str] = []
    notes: list[str] = []
    for place, name in enumerate(cleaned, start=1):
        base = name or f"column_{place}"
        final, count = base, 2
        while final in taken or (final != name and final in wanted):
            final = f"{base}_{count}"
            count += 1
        if not name:
            notes.append(f"column {place} has no name; it is called {final!r}")
        elif final != name:
            notes.append(f"the name {name!r} occurs again in column {place}; it is called {final!r}")
        taken.add(final)
        names.append(final)
    return names, notes


def check_header(names: Sequence[str | None], where: str) -> None:
    """Refuse a first row that is data rather than names: every cell of it a number.

    Raises:
        Invalid: All cells are numbers.
    """
    cells = [(name or "").strip() for name in names]
    if cells and all(_NUMBER.fullmatch(cell) for cell in cells):
        raise Invalid(
            f"{where} has no column names.",
            found=f"the first row holds only numbers: {', '.join(cells[:6])}",
            hint="Put a first row with the names of the columns into it.",
        )
