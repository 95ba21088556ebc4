"""What runs are sorted by: `-metrics.loss`, `params.depth desc`, `name`."""

from __future__ import annotations

from fettle.core.errors import Invalid
from fettle.tracking.records.search import Field, Order
from fettle.tracking.search.fields import field_of
from fettle.tracking.search.tokens import tokens, wrong

MOST = 5
"""Fields to sort by."""
MOST_FIELDS = 200
"""Fields of a table."""
LONGEST = 1000
"""Characters of a field with its direction."""


def order_of(text: str) -> Order:
    """The order that a text names; a `-` in front or ` desc` behind turns it round.

    Raises:
        Invalid: It names none; the message points at the character.
    """
    if len(text) > LONGEST:
        raise Invalid(
            "A field to sort by is shorter.", found=f"{len(text):,} characters", hint=f"At most {LONGEST}."
        )
    before, _, way = text.strip().rpartition(" ")
    turned = bool(before) and way.lower() in ("asc", "desc")
    plain = before if turned else text
    descending = turned and way.lower() == "desc"
    if plain.lstrip().startswith("-"):
        plain, descending = plain.replace("-", " ", 1), True
    try:
        return Order(field_named(plain), descending)
    except Invalid as error:
        raise Invalid(
            f"Runs cannot be sorted by {text[:80]!r}.", found=error.found, hint=error.hint
        ) from error


def field_named(text: str) -> Field:
    """The one field that a text names.

    Raises:
        Invalid: It names none, or one that has several values; the message points at the character.
    """
    found = tokens(text)
    if len(found) != 2 or found[0].kind not in ("word", "field"):
        hint = "Use started, name, metrics.KEY, params.KEY or tags.KEY; '-' in front or ' desc' behind turns it round."
        raise wrong(text, found[0].at, "this is no field", hint)
    field = field_of(text, found[0])
    if field.family == "dataset":
        raise wrong(text, found[0].at, "what runs have read is a list and has no order")
    return field


def check_count(texts: list[str]) -> None:
    """Refuse more fields to sort by than can be of use."""
    if len(texts) > MOST:
        raise Invalid("Runs are sorted by too much.", found=f"{len(texts)} fields", hint=f"At most {MOST}.")
