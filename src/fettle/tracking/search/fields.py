"""What a search can look at: the names, what kind of value they have, and what else they are called."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fettle.core.errors import nearest
from fettle.tracking.records.search import Family, Field, Statistic
from fettle.tracking.search.tokens import Token, wrong

Kind = Literal["text", "number", "time", "flag", "status", "any"]

ATTRIBUTES: dict[str, Kind] = {
    "id": "text",
    "name": "text",
    "experiment": "text",
    "status": "status",
    "author": "text",
    "parent": "text",
    "notes": "text",
    "started_at": "time",
    "ended_at": "time",
    "duration_s": "number",
    "archived": "flag",
    "deleted": "flag",
}
ALIASES = {
    "run_id": "id",
    "run_uuid": "id",
    "run_name": "name",
    "run name": "name",
    "user": "author",
    "user_id": "author",
    "started": "started_at",
    "start_time": "started_at",
    "created": "started_at",
    "ended": "ended_at",
    "end_time": "ended_at",
    "duration": "duration_s",
}
FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("metrics", "metric"), "metrics"),
    **dict.fromkeys(("params", "param", "parameter", "parameters"), "params"),
    **dict.fromkeys(("tags", "tag"), "tags"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attribute"),
    **dict.fromkeys(("datasets", "dataset"), "dataset"),
}
STATISTICS: dict[str, Statistic] = {
    "last": "last",
    "min": "low",
    "low": "low",
    "max": "high",
    "high": "high",
    "mean": "mean",
    "count": "count",
    "step": "step",
}
OF_DATASET = ("ref", "name", "digest", "context")
STATUSES = ("scheduled", "running", "finished", "failed", "killed")
_QUOTES = "\"'`"


class Named(NamedTuple):
    """The words of a field as written: `metrics`.`loss`.`min`; `quoted` where the key stood in quotes."""

    family: str
    key: str
    statistic: str
    quoted: bool


def split(written: str) -> Named:
    """Take `family.key[.statistic]` apart; a key that ends like a statistic is quoted to mean itself."""
    family, _, rest = written.partition(".")
    family = family.strip("`")
    if rest[:1] in _QUOTES:
        key, _, statistic = rest[1:].partition(rest[0])
        return Named(family, key, statistic.removeprefix("."), True)
    key, dot, statistic = rest.rpartition(".")
    if dot and key and statistic.lower() in STATISTICS:
        return Named(family, key, statistic, False)
    return Named(family, rest, "", False)


def field_of(text: str, token: Token) -> Field:
    """The field that a word of the search names.

    Raises:
        Invalid: There is no such field; the nearest are offered.
    """
    if token.kind == "word":
        return _plain(text, token)
    named = split(token.value)
    family = FAMILIES.get(named.family.lower())
    if family is None:
        raise _unknown(text, token, "group of fields", named.family, tuple(FAMILIES))
    if family == "metrics":
        return _metric(text, token, named)
    key = f"{named.key}.{named.statistic}" if named.statistic else named.key
    if family == "attribute":
        return attribute(text, token, key)
    if family == "dataset" and key not in OF_DATASET:
        raise _unknown(text, token, "field of a dataset", key, OF_DATASET)
    return Field(family, key)


def _plain(text: str, token: Token) -> Field:
    if token.value.lower() == "dataset":
        return Field("dataset", "ref")
    return attribute(text, token, token.value)


def attribute(text: str, token: Token, name: str) -> Field:
    """The field of a run's own, by its name or one of the others it has."""
    name = name.lower()
    own = ALIASES.get(name, name)
    if own not in ATTRIBUTES:
        raise _unknown(text, token, "field", name, (*ATTRIBUTES, *ALIASES, "dataset", *FAMILIES))
    return Field("attribute", own)


def _metric(text: str, token: Token, named: Named) -> Field:
    if not named.statistic:
        return Field("metrics", named.key)
    statistic = STATISTICS.get(named.statistic.lower())
    if statistic is None:
        raise _unknown(text, token, "statistic of a metric", named.statistic, tuple(STATISTICS))
    return Field("metrics", named.key, statistic)


def kind_of(field: Field) -> Kind:
    """What it is compared with; `any` for a parameter, which may be a number or a text."""
    if field.family == "attribute":
        return ATTRIBUTES[field.key]
    return {"metrics": "number", "params": "any"}.get(field.family, "text")  # type: ignore[return-value]  # the values are kinds


def _unknown(text: str, token: Token, kind: str, name: str, names: tuple[str, ...]) -> Exception:
    close = nearest(name, names)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(_main(names))}."
    if kind == "field" and name in FAMILIES:
        hint = f"Say which one: {name}.KEY, or {name}.`a key` with blanks."
    elif kind == "field" and not close:
        hint += " Metrics, parameters and tags are written metrics.KEY, params.KEY, tags.KEY."
    return wrong(text, token.at, f"there is no {kind} {name[:60]!r}", hint)


def _main(names: tuple[str, ...]) -> list[str]:
    return [each for each in names if each not in ALIASES]
