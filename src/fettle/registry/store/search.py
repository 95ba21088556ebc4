"""Search among models and versions: conditions and order as SQL, pages that go on where the last one ended."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.core import canonical
from fettle.core.errors import Invalid, NotFound
from fettle.registry.records.models import Model
from fettle.registry.records.search import Condition, Group
from fettle.registry.records.versions import ModelVersion
from fettle.registry.store.aliases import aliases
from fettle.registry.store.models import list_models, models
from fettle.registry.store.tags import tags
from fettle.registry.store.versions import complete, versions
from fettle.storage import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fettle.storage.ports import Transaction

Expression = sa.ColumnElement[Any]

_MODEL_FIELDS: dict[str, Expression] = {
    "name": models.c.name,
    "description": models.c.description,
    "author": models.c.author,
    "at": models.c.at,
    "updated_at": sa.func.coalesce(models.c.updated_at, models.c.at, type_=models.c.at.type),
}
_VERSION_FIELDS: dict[str, Expression] = {
    "name": versions.c.model,
    "version": versions.c.version,
    "updated_at": sa.func.coalesce(versions.c.updated_at, versions.c.at, type_=versions.c.at.type),
    **{
        name: versions.c[name]
        for name in (
            "at", "bundle", "author", "run_id", "flow_id", "dataset", "dataset_commit", "parent_version",
            "status", "description", "kind", "source", "manifest", "logged_model", "review",
        )
    },
}  # fmt: skip


def find_models(
    tx: Transaction, where: Sequence[Condition | Group], order: Sequence[str], limit: int, cursor: str
) -> tuple[list[Model], str]:
    """Models that meet all conditions, and where the next page begins."""
    rows, following = _page(
        tx, sa.select(models.c.name), _MODEL_FIELDS, where, [*order, "name"], limit, cursor
    )
    names = [row["name"] for row in rows]
    found = {each.name: each for each in list_models(tx, names)}
    return [found[name] for name in names], following


def find_versions(
    tx: Transaction, where: Sequence[Condition | Group], order: Sequence[str], limit: int, cursor: str
) -> tuple[list[ModelVersion], str]:
    """Versions of any model that meet all conditions, and where the next page begins."""
    rows, following = _page(
        tx, sa.select(versions), _VERSION_FIELDS, where, [*order, "name", "version desc"], limit, cursor
    )
    return complete(tx, rows), following


def _page(
    tx: Transaction,
    query: sa.Select[Any],
    fields: dict[str, Expression],
    where: Sequence[Condition | Group],
    order: Sequence[str],
    limit: int,
    cursor: str,
) -> tuple[list[dict[str, Any]], str]:
    keys = _order(fields, order)
    for condition in where:
        query = query.where(_tree(fields, condition))
    if cursor:
        query = query.where(_after(keys, _decoded(cursor, keys)))
    query = query.order_by(*(key.desc() if down else key for _, key, down in keys)).limit(limit + 1)
    query = query.add_columns(*(key.label(f"key_{at}") for at, (_, key, _) in enumerate(keys)))
    found = [dict(row) for row in tx.execute(query).mappings()]
    ends = [[row.pop(f"key_{at}") for at in range(len(keys))] for row in found]
    return found[:limit], _encoded(keys, ends[limit - 1]) if len(found) > limit else ""


def _order(fields: dict[str, Expression], order: Sequence[str]) -> list[tuple[str, Expression, bool]]:
    keys: list[tuple[str, Expression, bool]] = []
    for each in order:
        name, _, way = each.strip().partition(" ")
        if name.startswith("-") and not way:
            name, way = name[1:], "desc"
        if name not in fields:
            raise NotFound.among("field to order by", name, fields)
        if way.strip().lower() not in ("", "asc", "desc"):
            raise Invalid(f"{each!r} is no order.", hint="Give a field, and `desc` behind it if you like.")
        if name not in [known for known, _, _ in keys]:
            plain = fields[name]
            nullable = isinstance(plain, sa.Column) and plain.nullable
            key = sa.func.coalesce(plain, "", type_=plain.type) if nullable else plain
            keys.append((name, key, way.strip().lower() == "desc"))
    return keys


def _after(keys: Sequence[tuple[str, Expression, bool]], ends: Sequence[Any]) -> Expression:
    """Rows that come after the one that the last page ended with."""
    steps = []
    for at, (_, key, down) in enumerate(keys):
        same = [keys[before][1] == ends[before] for before in range(at)]
        steps.append(sa.and_(*same, key < ends[at] if down else key > ends[at]))
    return sa.or_(*steps)


def _encoded(keys: Sequence[tuple[str, Expression, bool]], ends: Sequence[Any]) -> str:
    shape = [f"{name} {'desc' if down else 'asc'}" for name, _, down in keys]
    return canonical.encode([shape, list(ends)]).hex()


def _decoded(cursor: str, keys: Sequence[tuple[str, Expression, bool]]) -> list[Any]:
    shape = [f"{name} {'desc' if down else 'asc'}" for name, _, down in keys]
    try:
        told, ends = canonical.decode(bytes.fromhex(cursor), tuple[list[str], list[str | int]])
    except (ValueError, msgspec.MsgspecError):
        told, ends = [], []
    if told != shape or len(ends) != len(keys):
        raise Invalid(
            "This is not the cursor of such a search.",
            found=f"{cursor[:40]!r}",
            hint="Give back `next` of the last page, with the same order.",
        )
    return [_typed(key, value) for (_, key, _), value in zip(keys, ends, strict=True)]


def _typed(key: Expression, value: Any) -> Any:
    if key.type.__class__.__name__ != "At":
        return value
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _tree(fields: dict[str, Expression], asked: Condition | Group) -> Expression:
    if isinstance(asked, Condition):
        return _condition(fields, asked)
    parts = [_tree(fields, each) for each in asked.parts]
    if asked.op == "not":  # of what lacks the value, too: each is found by a condition or by its denial
        return ~sa.func.coalesce(parts[0], sa.false())
    return sa.or_(sa.false(), *parts) if asked.op == "or" else sa.and_(sa.true(), *parts)


def _condition(fields: dict[str, Expression], asked: Condition) -> Expression:
    head, dot, key = asked.field.partition(".")
    if head in ("tag", "tags") and dot:
        return _of_tag(fields, key, asked)
    if asked.field == "alias":
        return _of_alias(fields, asked)
    if asked.field not in fields:
        raise NotFound.among("field", asked.field, [*fields, "alias", "tag.KEY"])
    return _compare(fields[asked.field], asked)


def _of_tag(fields: dict[str, Expression], key: str, asked: Condition) -> Expression:
    version = fields.get("version", sa.literal(0))
    mine = (tags.c.model == fields["name"]) & (tags.c.version == version) & (tags.c.key == key)
    if asked.op in ("is null", "is not null"):
        there = sa.exists().where(mine)
        return ~there if asked.op == "is null" else there
    return sa.exists().where(mine & _compare(tags.c.value, asked))


def _of_alias(fields: dict[str, Expression], asked: Condition) -> Expression:
    mine = aliases.c.model == fields["name"]
    if "version" in fields:
        mine = mine & (aliases.c.version == fields["version"])
    if asked.op in ("is null", "is not null"):
        there = sa.exists().where(mine)
        return ~there if asked.op == "is null" else there
    return sa.exists().where(mine & _compare(aliases.c.alias, asked))


def _compare(column: Expression, asked: Condition) -> Expression:
    if asked.op == "is null":
        return sa.or_(column.is_(None), sa.cast(column, sa.Text) == "")
    if asked.op == "is not null":
        return sa.and_(column.is_not(None), sa.cast(column, sa.Text) != "")
    return _COMPARE[asked.op](column, _value(column, asked))


_COMPARE: dict[str, Callable[[Expression, Any], Expression]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "like": texts.like,
    "ilike": texts.ilike,
    "in": lambda column, value: column.in_(value),
    "not in": lambda column, value: column.not_in(value),
}


def _value(column: Expression, asked: Condition) -> Any:
    value = asked.value
    if (asked.op in ("in", "not in")) != isinstance(value, list) or value is None:
        raise _unfit(asked, "a list" if asked.op in ("in", "not in") else "one value")
    if asked.op in ("like", "ilike") and not isinstance(column.type, sa.Text):
        raise _unfit(asked, "a field of text")
    if isinstance(value, list):
        return [_one(column, asked, each) for each in value]
    return _one(column, asked, value)


def _one(column: Expression, asked: Condition, value: str | float) -> Any:
    try:
        if isinstance(column.type, sa.Integer):
            number = int(value)
            if abs(number) > 2**31 - 1:
                raise _unfit(asked, "a whole number of at most 2147483647")
            return number
        if column.type.__class__.__name__ == "At":
            return _moment(value)
    except (ValueError, OverflowError):
        raise _unfit(asked, "a number, or a time such as 2024-05-31T12:00:00Z") from None
    text = str(value)
    return text.replace("\0", "")


def _moment(value: str | float) -> datetime:
    """A time, given as ISO 8601 text or in milliseconds since 1970."""
    if isinstance(value, str):
        told = datetime.fromisoformat(value)
        return told if told.tzinfo else told.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value / 1000, UTC)


def _unfit(asked: Condition, wanted: str) -> Invalid:
    return Invalid(
        f"{asked.field!r} cannot be compared so.",
        found=f"{asked.op} {asked.value!r:.80}",
        hint=f"Give {wanted}.",
    )
