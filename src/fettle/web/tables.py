"""Tables whose order, filter and page are in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fettle.web.asked import Asked

PAGE_ROWS = 50


@dataclass(frozen=True)
class Column:
    """One column: what it is called, how rows are ordered by it, and whether it holds numbers.

    `key` names it in the address; `value` gives what it is ordered by (None sorts last, both ways).
    """

    key: str
    title: str
    value: Callable[[Any], Any] | None = None
    number: bool = False
    tip: str = ""


@dataclass(frozen=True)
class Head:
    """A column's head as the page draws it: `sorted` is "", "ascending" or "descending"."""

    title: str
    number: bool
    tip: str
    href: str
    sorted: str


@dataclass(frozen=True)
class Table:
    """The rows to show of all there are, and the links to the others."""

    heads: list[Head]
    rows: list[Any]
    found: int
    total: int
    first: int
    previous: str
    following: str
    query: str
    sort: str

    @property
    def last(self) -> int:
        """The place of the last row shown, counted from 1."""
        return self.first + len(self.rows) - 1


def arrange(
    rows: Sequence[Any],
    columns: Sequence[Column],
    asked: Asked,
    *,
    order: str = "",
    words: Callable[[Any], str] | None = None,
) -> Table:
    """Filter, order and cut `rows` as the address says.

    Args:
        rows: All of them, in their natural order.
        columns: What the table shows.
        asked: The address: `sort=-at`, `q=words`, `page=2`.
        order: The order where the address names none; empty keeps the natural one.
        words: The text of a row that `q` is looked for in; every word must be there.
    """
    query = asked.text("q")
    kept = list(rows)
    if query and words is not None:
        wanted = query.casefold().split()
        kept = [row for row in kept if all(word in words(row).casefold() for word in wanted)]
    sort = asked.text("sort") or order
    kept = _ordered(kept, columns, sort)
    page = asked.whole("page", 1, low=1)
    start = (page - 1) * PAGE_ROWS
    return Table(
        heads=[_head(column, sort, asked) for column in columns],
        rows=kept[start : start + PAGE_ROWS],
        found=len(kept),
        total=len(rows),
        first=start + 1,
        previous=asked.link(page=page - 1) if page > 1 else "",
        following=asked.link(page=page + 1) if start + PAGE_ROWS < len(kept) else "",
        query=query,
        sort=asked.text("sort"),
    )


def page_of(
    rows: Sequence[Any], columns: Sequence[Column], asked: Asked, *, total: int, order: str = ""
) -> Table:
    """The table of one page that was ordered and cut where the rows are kept.

    Args:
        rows: The rows of this page, and one more where another page follows.
        columns: What the table shows.
        asked: The address.
        total: How many rows there are in all.
        order: The order where the address names none.
    """
    page = asked.whole("page", 1, low=1)
    return Table(
        heads=[_head(column, asked.text("sort") or order, asked) for column in columns],
        rows=list(rows[:PAGE_ROWS]),
        found=total,
        total=total,
        first=(page - 1) * PAGE_ROWS + 1,
        previous=asked.link(page=page - 1) if page > 1 else "",
        following=asked.link(page=page + 1) if len(rows) > PAGE_ROWS else "",
        query="",
        sort=asked.text("sort"),
    )


def cursor_page(
    rows: Sequence[Any], columns: Sequence[Column], asked: Asked, *, following: str | None, order: str = ""
) -> Table:
    """The table of one page of a list that goes on by a cursor, which what is added meanwhile does not shift.

    Args:
        rows: The rows of this page.
        columns: What the table shows.
        asked: The address.
        following: The cursor of the next page; None where there is none.
        order: The order where the address names none.
    """
    return Table(
        heads=[_head(column, asked.text("sort") or order, asked) for column in columns],
        rows=list(rows),
        found=len(rows),
        total=len(rows),
        first=1,
        previous=asked.link(cursor=None) if asked.text("cursor") else "",
        following=asked.link(cursor=following) if following else "",
        query=asked.text("q"),
        sort=asked.text("sort"),
    )


def _ordered(rows: list[Any], columns: Sequence[Column], sort: str) -> list[Any]:
    key, down = sort.removeprefix("-"), sort.startswith("-")
    column = next((each for each in columns if each.key == key and each.value is not None), None)
    if column is None or column.value is None:
        return rows
    value = column.value
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    return sorted(known, key=lambda row: _rank(value(row)), reverse=down) + unknown


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts, so that a column of both can be ordered."""
    return (1, value.casefold()) if isinstance(value, str) else (0, value)


def _head(column: Column, sort: str, asked: Asked) -> Head:
    if column.value is None:
        return Head(column.title, column.number, column.tip, "", "")
    state = {column.key: "ascending", f"-{column.key}": "descending"}.get(sort, "")
    # Numbers are wanted largest first, words from A.
    first, second = (f"-{column.key}", column.key) if column.number else (column.key, f"-{column.key}")
    return Head(
        column.title,
        column.number,
        column.tip,
        asked.link(sort=second if sort == first else first, page=None, cursor=None),
        state,
    )
