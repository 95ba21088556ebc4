"""Which role a column can play: what a model may learn from it, and what it should leave alone."""

from __future__ import annotations

import re

from fettle.data.records import ColumnProfile, Role

CATEGORY_DISTINCT = 50
"""So many different texts always make a category …"""
CATEGORY_SHARE = 0.05
CATEGORY_MOST = 1000
"""… and up to so many if they are at most this share of the values; beyond it is text."""
IDENTIFIER_ROWS = 20
"""Below so many values, being all different is chance."""
NEARLY = 0.97
"""An estimated number of different values at least this share of all means that all are different."""
_ID_NAME = re.compile(r"(^|[\W_])(id|ids|uuid|guid|key|nr|no|rownum|index|unnamed: 0)$|[a-z]I[dD]$")


def role_of(column: ColumnProfile) -> Role:
    """The role that a column's profile speaks for.

    | role       | when                                                                                     |
    |------------|------------------------------------------------------------------------------------------|
    | constant   | there is at most one value                                                               |
    | identifier | texts without spaces, all different; integers all different that count the rows or are   |
    |            | called `id`, `key`, `nr` …: they name a row and say nothing about another                |
    | category   | few different texts: at most 50, or 5 % of the values and 1000                           |
    | text       | more than that                                                                           |

    Booleans, dates, integers and other numbers keep the role of their type.
    """
    present = column.rows - column.missing
    if column.distinct <= 1:
        return "constant"
    if column.type in ("date", "datetime"):
        return "date"
    if column.type == "string":
        return _role_of_texts(column, present)
    if column.type == "integer" and _names_rows(column, present):
        return "identifier"
    if column.type == "boolean":
        return "boolean"
    return "integer" if column.type == "integer" else "number"


def _role_of_texts(column: ColumnProfile, present: int) -> Role:
    words = column.text is not None and column.text.spaced > 0.1 * present
    if _all_different(column, present) and present >= IDENTIFIER_ROWS and not words:
        return "identifier"
    if (
        _ID_NAME.search(column.name)
        and column.distinct > 0.5 * present
        and present >= IDENTIFIER_ROWS
        and not words
    ):
        return "identifier"
    few = column.distinct <= min(CATEGORY_DISTINCT, max(2, present // 2))
    if few or column.distinct <= min(CATEGORY_MOST, CATEGORY_SHARE * present):
        return "category"
    return "text"


def _names_rows(column: ColumnProfile, present: int) -> bool:
    if not _all_different(column, present) or present < IDENTIFIER_ROWS or column.number is None:
        return False
    counts_rows = column.number.max - column.number.min + 1 == present
    return counts_rows or bool(_ID_NAME.search(column.name.lower()) or _ID_NAME.search(column.name))


def _all_different(column: ColumnProfile, present: int) -> bool:
    estimated = "distinct" in column.approximate
    return column.distinct >= NEARLY * present if estimated else column.unique
