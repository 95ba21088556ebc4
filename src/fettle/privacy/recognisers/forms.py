"""How a kind of value is told: the forms it has, the names its columns have, and how much each of them proves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from fettle.privacy.records import Level

Check = Callable[[str], bool]

STRONG = 10.0
"""Nats of evidence in a shape that hardly anything else has, such as an e-mail address."""
FAIR = 6.0
"""A shape that is enough by itself, unless the name of the column speaks against it."""
WEAK = 1.0
"""A shape that many things have; the name of the column must speak for it."""


@dataclass(frozen=True)
class Form:
    """One way values of a kind are written.

    Attributes:
        pattern: Matches whole values (after spaces around them are gone); run by polars over whole columns.
        check: Checksum or rule, asked only of what the pattern matches; None: the pattern is all there is.
        chance: Probability that a value which matches the pattern, and is something else, passes the check.
        hit: Probability that a true value passes: below 1 for typing errors, far below for lists of names.
        bonus: Evidence in the shape itself, in nats.
        weighs: Whether each value that passes or fails is evidence; False where nearly everything of this shape
            passes, so that many values prove no more than a few.
    """

    pattern: str
    check: Check | None = None
    chance: float = 1.0
    hit: float = 0.97
    bonus: float = 0.0
    weighs: bool = True


@dataclass(frozen=True)
class Recogniser:
    """Tells one kind of value.

    Attributes:
        kind: Its name.
        level: How carefully such values are handled.
        forms: The ways it is written; a value counts for the first form it matches.
        names: Matches the names of columns that hold it, in the form of `words_of`.
        unlike: Matches names that speak against it though `names` matches.
        hint: Evidence in a matching name, in nats.
        least: Least share of the values that must be of the kind.
    """

    kind: str
    level: Level
    forms: tuple[Form, ...]
    names: str = "(?!)"
    unlike: str = "(?!)"
    hint: float = 6.0
    least: float = 0.6
    compiled: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", (re.compile(self.names), re.compile(self.unlike)))

    def hinted(self, words: str) -> bool:
        """Whether the name of the column speaks for the kind."""
        names, unlike = self.compiled
        return bool(names.search(words)) and not unlike.search(words)


def words_of(column: str) -> str:
    """The words of a column's name, small, without accents, between underscores: `dateOfBirth` is `_date_of_birth_`."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", column.replace("ß", "ss"))
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return "_" + "_".join(re.findall(r"[^\W_]+", split.lower())) + "_"
