"""Expressions over the columns of a row: `amount > 0 and status in ('open', 'closed')`, `weight / height ** 2`.

One language for checks, derived columns and features, with the words of SQL and of Python. An expression is text; it
is computed on a row (plain Python, for an endpoint) or on a whole frame (polars), with the same result. A missing value
makes whatever is computed from it missing (`coalesce` and `is null` look at it; `and`, `or` know what is decided
anyway); so does what has no result: division by zero, the logarithm of a negative number, a number too large.

| what      | how                                                                                                 |
|-----------|-----------------------------------------------------------------------------------------------------|
| columns   | by name; `"with spaces"` if there is a column of that name, else a text; `col('with spaces')`       |
| numbers   | `+ - * / // % **`, `abs round floor ceil sqrt log log10 exp is_whole is_finite`, `min max (x, y, …)` |
| comparing | `= == != <> < <= > >=`, `0 < x <= 10`, `x between 0 and 10`, `x in ('a', 'b')`, `x not in (1, 2)`   |
| deciding  | `and or not`, `a if test else b` (`null` may be one of them)                                         |
| texts     | `+`, `lower upper trim len number`, `replace(text, 'old', 'new')`, `contains starts ends (text, part)` |
| patterns  | `x matches 'regex'` and `x like 'a%'`: the whole text; `matches(x, 'regex')`: somewhere in it       |
| times     | `at >= '2024-05-31'`, `year month day weekday hour minute`, `days(a, b)`, `hours(a, b)`, `date(text)` |
| missing   | `x is null`, `x is not none`, `missing(x)`, `coalesce(a, b, …)`                                      |

What looks at other rows or the whole table (`previous unique rows mean …`, see `words.FUNCTIONS`) can be said in
checks only.

    from fettle.data.expressions import read
    found = read("kg / (cm / 100) ** 2", {"kg": "number", "cm": "number"})
    found.of({"kg": 80.0, "cm": 200.0})        # 20.0
    frame.select(found.polars)                  # the same, for every row
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.data.expressions.expression import Expression as Expression
    from fettle.data.expressions.expression import read as read

__all__ = ["Expression", "read"]

__getattr__, __dir__ = lazy_exports(__name__, {"Expression": ".expression", "read": ".expression"})
