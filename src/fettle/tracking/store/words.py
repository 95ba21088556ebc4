"""Which runs have words in their name, notes, tags or parameters, as SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fettle.storage.texts import contains
from fettle.tracking.records.search import Term
from fettle.tracking.store.comparing import Truth
from fettle.tracking.store.runs import params, runs, tags


def words_of(test: Term) -> list[Term]:
    """A condition for each word."""
    wanted = str(test.values[0]).split() if test.values else []
    return [Term(test.field, test.op, (each,)) for each in wanted[:_MOST_WORDS]]


def words(test: Term) -> Truth:
    """Each word stands in the name, the notes, a tag or a parameter."""
    found = sa.and_(sa.true(), *(_word(str(each.values[0])) for each in words_of(test)))
    return sa.not_(found) if test.denied else found


def _word(word: str) -> Truth:
    return sa.or_(
        contains(runs.c.name, word),
        contains(runs.c.notes, word),
        _one_of(tags, contains(tags.c.value, word)),
        _one_of(params, _in_param(word)),
    )


def _in_param(word: str) -> Truth:
    """No number needs to be looked at for a word with letters."""
    found = contains(params.c.text, word)
    return found if set(word) <= _OF_NUMBERS else sa.and_(params.c.number.is_(None), found)


def collected_words(test: Term) -> sa.Select[Any] | None:
    """The runs (`run`) that have the one word of a test, found by reading all texts once; None for several."""
    wanted = words_of(test)
    if test.denied or len(wanted) != 1:
        return None
    word = str(wanted[0].values[0])
    named = sa.or_(contains(runs.c.name, word), contains(runs.c.notes, word))
    found = sa.union_all(
        sa.select(runs.c.id.label("run")).where(named),
        sa.select(tags.c.run).where(contains(tags.c.value, word)),
        sa.select(params.c.run).where(_in_param(word)),
    ).subquery()
    return sa.select(found.c.run)


def _one_of(table: sa.Table, condition: Truth) -> Truth:
    """Whether a row of the run meets the condition; OFFSET keeps PostgreSQL from looking at all rows of all runs."""
    return sa.select(sa.literal_column("1")).where(table.c.run == runs.c.id, condition).offset(0).exists()


_MOST_WORDS = 20
_OF_NUMBERS = frozenset("0123456789+-.eE")
"""All that the text of a parameter is made of that is a number."""
