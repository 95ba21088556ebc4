"""Models: which version answers, how the versions compare, and for one version its gates and where it came from."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.core.errors import FettleError, Invalid, NotFound
from fettle.registry.aliases import rollback_target
from fettle.registry.checks import may_agree
from fettle.registry.records.search import Condition
from fettle.web import approvals, bars, curves, talk
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange, cursor_page
from fettle.web.version_files import read_files

SHOWN_METRICS = 4
PAGE_MODELS = 50
MOST_VERSIONS = 1000
MOST_OTHERS = 8
MOST_WORDS = 20
_SIGNS = re.compile(r"[<>=!()'\"`]|\b(like|ilike|is|in)\b", re.IGNORECASE)


def read_models(ws: Surface, asked: Asked) -> Facts:
    """A page of models with their newest versions, and how many requests wait in each."""
    page = ws.call(
        "registry.search",
        text=search_of(asked.text("q")),
        order_by=_order(asked.text("sort")),
        limit=PAGE_MODELS,
        cursor=asked.text("cursor"),
    )
    waiting = Counter(each.model for each in ws.call("registry.approvals"))
    return {
        "models": page.models,
        "next": page.next or None,
        "versions": _versions(ws, page.models),
        "waiting": dict(waiting),
        "refusal": None,
    }


def mend_models(ws: Surface, asked: Asked, error: FettleError) -> Facts | None:
    """The page without models, and what is wrong with the search that was typed."""
    try:
        ws.call("registry.search", text=search_of(asked.text("q")), limit=1)
    except Invalid as wrong:
        return {"models": [], "next": None, "versions": {}, "waiting": {}, "refusal": wrong}
    return None


def search_of(text: str) -> str:
    """The search that a text says: itself where it is an expression, else that name or description has its words.

    Example:
        >>> search_of("night"), search_of("alias = 'champion'")
        ("(name ilike '%night%' or description ilike '%night%')", "alias = 'champion'")
    """
    if not text or _SIGNS.search(text):
        return text
    words = text.split()[:MOST_WORDS]
    return " and ".join(f"(name ilike '%{word}%' or description ilike '%{word}%')" for word in words)


def _order(sort: str) -> list[str]:
    return [sort] if sort.removeprefix("-") in ("name", "at", "updated_at") else ["name"]


def _versions(ws: Surface, models: Sequence[Any]) -> dict[str, list[Any]]:
    """The newest versions of each model, the newest first, asked for all at once; those that answer in any case."""
    found: dict[str, list[Any]] = {each.name: [] for each in models}
    if any(each.versions for each in models):
        where = [Condition("name", "in", list(found))]
        for each in ws.call(
            "registry.search_versions", where=where, order_by=["-version"], limit=MOST_VERSIONS
        ).versions:
            found[each.model].append(each)
    for each in models:
        number = each.aliases.get("champion")
        if number is not None and all(version.version != number for version in found[each.name]):
            found[each.name].append(ws.call("registry.show", model=each.name, version=number))
    return found


def draw_models(facts: Facts, asked: Asked) -> Facts:
    """The table of models, each with the course of its main metric over the versions."""
    columns = [
        Column("name", "Model", lambda model: model.name),
        Column("", "Champion", number=True),
        Column("", "Versions", number=True),
        Column("", "Metric", number=True),
        Column("", "Over its versions"),
        Column("updated_at", "Changed", lambda model: model.updated_at),
    ]
    mains = {name: main_metric(versions) for name, versions in facts["versions"].items()}
    return {
        "table": cursor_page(facts["models"], columns, asked, following=facts["next"], order="name"),
        "mains": mains,
        "champions": {
            model.name: next(
                (v for v in facts["versions"][model.name] if v.version == model.aliases.get("champion")), None
            )
            for model in facts["models"]
        },
        "sparks": {
            name: bars.spark(
                [v.metrics.get(mains[name]) for v in reversed(versions)], label=f"{mains[name]} by version"
            )
            for name, versions in facts["versions"].items()
        },
    }


def read_model(ws: Surface, asked: Asked) -> Facts:
    """One model: its versions, every move of its aliases, what they ask for, and what was deleted."""
    name = asked.name("model")
    model = ws.call("registry.model", model=name)
    return {
        "model": model,
        "versions": _newest(ws, name, MOST_VERSIONS),
        "history": ws.call("registry.history", model=name),
        "requests": ws.call("registry.approvals", model=name),
        "protections": ws.call("registry.protections", model=name),
        "holds": ws.call("registry.holds", model=name),
        "removed": ws.call("registry.removed", model=name),
        **talk.heard(ws, f"model:{name}"),
    }


def _newest(ws: Surface, model: str, most: int) -> list[Any]:
    where = [Condition("name", "=", model)]
    return ws.call("registry.search_versions", where=where, order_by=["-version"], limit=most).versions


def draw_model(facts: Facts, asked: Asked) -> Facts:
    """The versions as a table and as a curve."""
    versions = facts["versions"]
    keys = frequent_metrics(versions)
    columns = [
        Column("version", "Version", lambda each: each.version, number=True),
        Column("", "Aliases"),
        Column("gates", "Gates", lambda each: -len(each.failed_gates)),
        *(Column(key, key, _metric(key), number=True) for key in keys),
        Column("at", "Registered", lambda each: each.at),
        Column("author", "By", lambda each: each.author),
    ]
    return {
        "table": arrange(versions, columns, asked, order="-version", words=_words),
        "keys": keys,
        "picture": _by_version(versions, keys),
        "back": _back(facts),
        "shell": shlex.quote,
    }


def _back(facts: Facts) -> dict[str, int]:
    """Alias → the version that a rollback would lead to, where there is one to go back to."""
    closed = {each.version for each in facts["versions"] if each.status == "rejected"}
    closed |= {each.version for each in facts["removed"]}
    oldest_first = facts["history"][::-1]
    found = {
        alias: rollback_target([each for each in oldest_first if each.alias == alias], closed)
        for alias in facts["model"].aliases
    }
    return {alias: version for alias, version in found.items() if version is not None}


def read_version(ws: Surface, asked: Asked) -> Facts:
    """One version: gates, metrics, lineage, files, how its aliases moved, and what people say of it."""
    model, number = asked.name("model"), asked.number("version")
    version = ws.call("registry.show", model=model, version=number)
    history = [
        each for each in ws.call("registry.history", model=model) if number in (each.version, each.previous)
    ]
    endpoints = [
        each for each in ws.call("serving.endpoints") if each.model == model and each.alias in version.aliases
    ]
    aliased = [each for each in ws.call("registry.model", model=model).aliases.values() if each != number]
    others = [version.parent_version, *aliased, *(each.version for each in _newest(ws, model, MOST_OTHERS))]
    return {
        "version": version,
        "history": history,
        "endpoints": endpoints,
        "parent": _parent(ws, version),
        "others": [each for each in dict.fromkeys(others) if each and each != number][:MOST_OTHERS],
        "files": read_files(ws, version),
        "holds": [each for each in ws.call("registry.holds", model=model) if each.version in (0, number)],
        **approvals.read_said(ws, version),
    }


def _parent(ws: Surface, version: Any) -> Any:
    """The version that it was to replace; None where there was none, or where it was deleted."""
    if not version.parent_version:
        return None
    try:
        return ws.call("registry.show", model=version.model, version=version.parent_version)
    except NotFound:
        return None


def draw_version(facts: Facts, asked: Asked) -> Facts:
    """For each request why a person may not agree to it; the answer is empty where they may."""
    return {"may_agree": may_agree, "has_agreed": approvals.has_agreed}


def main_metric(versions: Sequence[Any]) -> str:
    """The metric that a gate of the newest version is about, or else the one that most versions have."""
    for version in versions[:1]:
        for gate in version.gates:
            if gate.name in version.metrics:
                return gate.name
    keys = frequent_metrics(versions)
    return keys[0] if keys else ""


def frequent_metrics(versions: Sequence[Any]) -> list[str]:
    """The metrics that most versions have."""
    return [
        key for key, _ in Counter(key for each in versions for key in each.metrics).most_common(SHOWN_METRICS)
    ]


def _by_version(versions: Sequence[Any], keys: Sequence[str]) -> Any:
    if len(versions) < 2 or not keys:
        return ""
    key = main_metric(versions)
    points = [(each.version, each.metrics.get(key)) for each in reversed(versions)]
    marks = [
        curves.Mark(each.version, f"version {each.version} is {', '.join(each.aliases)}")
        for each in versions
        if each.aliases
    ]
    return curves.lines(
        [curves.Line(key, points)],
        marks=marks,
        label=f"{key} of each version",
        whole=True,
        x_text=lambda number: f"version {number:.0f}",
        height=190,
    )


def _metric(key: str) -> Any:
    return lambda each: each.metrics.get(key)


def _words(version: Any) -> str:
    tags = " ".join(f"{key}={value}" for key, value in version.tags.items())
    return f"v{version.version} {version.author} {version.status} {' '.join(version.aliases)} {version.bundle} {tags}"


PAGES = (
    Page("/models", "registry/models.html", read_models, draw_models, mend_models),
    Page("/models/{model}", "registry/model.html", read_model, draw_model),
    Page("/models/{model}/{version}", "registry/version.html", read_version, draw_version),
)
