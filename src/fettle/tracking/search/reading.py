"""Read a search and its order in one of the two dialects."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from fettle.core.errors import Invalid
from fettle.tracking.records.search import All, Condition, Either, Family, Field, Not, Order, Term
from fettle.tracking.search import mlflow, names, order, syntax

_PLAIN = re.compile(r"[\w/-]+")
Dialect = Literal["fettle", "mlflow"]
"""`mlflow`: what MLflow's filter grammar allows and nothing more, with complaints in its words."""


def parse(text: str, *, dialect: Dialect = "fettle", now: datetime | None = None) -> Condition:
    """The condition that a search says; an empty text is always true.

    Args:
        text: See `syntax`; at most 64 KiB.
        dialect: Whose grammar.
        now: What `7 days ago` is counted from; None is this moment.

    Raises:
        Invalid: It says none; the message points at the character.
    """
    if dialect == "mlflow":
        return names.widened(mlflow.condition_of(text))
    return names.widened(syntax.condition_of(text, now or datetime.now(UTC)))


def parse_order(texts: list[str], *, dialect: Dialect = "fettle") -> tuple[Order, ...]:
    """What the texts say runs are sorted by, first things first.

    Args:
        texts: `-metrics.loss`, `params.depth desc`, `name`; for MLflow `metrics.loss DESC`.
        dialect: Whose grammar. MLflow's ends with the newest first, then by id upward.

    Raises:
        Invalid: One of them names no field.
    """
    order.check_count(texts)
    if dialect == "fettle":
        return tuple(names.field_to_sort_by(order.order_of(each)) for each in texts)
    asked = tuple(names.field_to_sort_by(mlflow.order_of(each)) for each in texts)
    ties = (Order(Field("attribute", "started_at"), True), Order(Field("attribute", "id")))
    return asked + ties


def mentions(condition: Condition, key: str) -> bool:
    """Whether a condition speaks of an attribute, such as `archived`."""
    if isinstance(condition, All | Either):
        return any(mentions(each, key) for each in condition.parts)
    if isinstance(condition, Not):
        return mentions(condition.part, key)
    return isinstance(condition, Term) and condition.field == Field("attribute", key)


def parse_fields(texts: list[str]) -> tuple[Field, ...]:
    """The fields that texts name, such as `params.lr` and `metrics.loss.min`.

    Raises:
        Invalid: One names none; the nearest are offered.
    """
    if len(texts) > order.MOST_FIELDS:
        raise Invalid(
            "These are too many fields.", found=str(len(texts)), hint=f"At most {order.MOST_FIELDS}."
        )
    return tuple(order.field_named(each) for each in texts)


def spelled(family: Family, key: str) -> str:
    """A field as a search writes it, quoted where its key needs it: `metrics.loss`, ``metrics.`valid loss` ``."""
    if _PLAIN.fullmatch(key):
        return f"{family}.{key}"
    quote = next((each for each in "`\"'" if each not in key), "`")
    return f"{family}.{quote}{key}{quote}"
