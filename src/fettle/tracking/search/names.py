"""What is kept under another name in runs that another tool logged: a search for one finds the other too.

MLflow keeps the name, parent, author and notes of a run, and where its code came from, as tags that begin with
`mlflow.`; here these are attributes, and tags of their own. The name that a search uses is looked at first, the other
one in runs that lack it; a run lacks the value if it has it under none. Only `author` holds under either of its names.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fettle.tracking.records.search import All, Condition, Either, Field, Not, Order, Term

NAME, PARENT, USER, NOTES = "mlflow.runName", "mlflow.parentRunId", "mlflow.user", "mlflow.note.content"
SOURCE, KIND = "mlflow.source.name", "mlflow.source.type"
LOCAL = "LOCAL"
"""The kind of source of a run of ours whose entry file is known: what MLflow says of a script."""
_ALIKE = (
    (SOURCE, "code.entry"),
    ("mlflow.source.git.commit", "git.commit"),
    ("mlflow.source.git.branch", "git.branch"),
    ("mlflow.source.git.repoURL", "git.remote"),
)
_PERSON = "user:"
_ATTRIBUTES = {NAME: "name", PARENT: "parent", NOTES: "notes"}
_EMPTY = ("",)


def widened(condition: Condition) -> Condition:
    """The same condition, true also of runs that keep what it asks for under another name."""
    if isinstance(condition, All):
        return All(tuple(map(widened, condition.parts)))
    if isinstance(condition, Either):
        return Either(tuple(map(widened, condition.parts)))
    if isinstance(condition, Not):
        return Not(widened(condition.part))
    other = _OTHERS.get(condition.field)
    return other(condition) if other else condition


def field_to_sort_by(order: Order) -> Order:
    """The same order, by the attribute where a tag is one here."""
    own = _ATTRIBUTES.get(order.field.key) if order.field.family == "tags" else None
    return Order(Field("attribute", own), order.descending, order.as_text) if own else order


def has_other_names(field: Field) -> bool:
    """Whether runs may keep what the field says under another name."""
    return field in _OTHERS


def _tag(key: str) -> Field:
    return Field("tags", key)


def _of(field: Field, test: Term) -> Term:
    return Term(field, test.op, test.values)


def _first(test: Term, other: Field) -> Condition:
    """The test of what stands under the name that is asked for, or, where nothing does, under the other one."""
    lacking = Term(test.field, "null", ())
    if test.op == "null":
        missing = All((lacking, Term(other, "null", ())))
        return Not(missing) if test.denied else missing
    return Either((test, All((lacking, Term(other, test.op, test.values, test.denied)))))


def _attribute(test: Term) -> Condition:
    return Term(Field("attribute", _ATTRIBUTES[test.field.key]), test.op, test.values, test.denied)


def _notes(test: Term) -> Condition:
    """Notes that are empty are none."""
    written = Term(Field("attribute", "notes"), "=", _EMPTY, denied=True)
    if test.op == "null":
        return written if test.denied else Not(written)
    return All((written, _attribute(test)))


def _author(test: Term) -> Condition:
    """Who made a run: our author, or whom the client named."""
    if test.op == "null":
        return All() if test.denied else Either(())
    found = Either((_of(_tag(USER), test), _ours(test)))
    return Not(found) if test.denied else found


def _user(test: Term) -> Condition:
    """Whom MLflow shows as the user: whom the client named, our author where it named nobody."""
    if test.op == "null":
        return All() if test.denied else Either(())
    found = Either((_of(_tag(USER), test), All((Term(_tag(USER), "null", ()), _ours(test)))))
    return Not(found) if test.denied else found


def _ours(test: Term) -> Condition:
    """The test of our author, with or without what says that it is a person."""
    author = Field("attribute", "author")
    plain = _of(author, test)
    if test.op in ("=", "in"):
        texts = tuple(str(each) for each in test.values)
        return Term(author, "in", (*texts, *(_PERSON + each for each in texts)))
    if test.op in ("like", "ilike") and not str(test.values[0]).startswith(_PERSON):
        bare = All((plain, Not(Term(author, "like", (_PERSON + "%",)))))
        return Either((bare, Term(author, test.op, (_PERSON + str(test.values[0]),))))
    return plain


def _kind(test: Term) -> Condition:
    """The kind of source, which a run of ours has if its entry file is known."""
    said, entry = _tag(KIND), Term(_tag("code.entry"), "null", (), denied=True)
    ours = All((Term(said, "null"), entry))
    if test.op == "null":
        lacking = All((Term(said, "null"), Not(entry)))
        return Not(lacking) if test.denied else lacking
    return Either((test, ours)) if _holds(test, LOCAL) else test


def _holds(test: Term, text: str) -> bool:
    """Whether the test is true of a text."""
    wanted = str(test.values[0])
    if test.op in ("like", "ilike"):
        pattern = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in wanted)
        flags = re.DOTALL | (re.IGNORECASE if test.op == "ilike" else 0)
        return (re.fullmatch(pattern, text, flags) is not None) != test.denied
    if test.op == "contains":
        return (wanted.lower() in text.lower()) != test.denied
    return test.op in ("=", "in") and (text in test.values) != test.denied


def _or_else(other: str) -> Callable[[Term], Condition]:
    return lambda test: _first(test, _tag(other))


_OTHERS: dict[Field, Callable[[Term], Condition]] = {
    **{_tag(theirs): _or_else(own) for theirs, own in _ALIKE},
    **{_tag(own): _or_else(theirs) for theirs, own in _ALIKE},
    **{_tag(key): _attribute for key in (NAME, PARENT)},
    _tag(NOTES): _notes,
    _tag(KIND): _kind,
    _tag(USER): _user,
    Field("attribute", "author"): _author,
}
