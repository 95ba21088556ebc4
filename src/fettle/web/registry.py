"""Models: which version answers, how the versions compare, and for one version its gates and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fettle.acts import Surface
from fettle.web import bars, curves
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

SHOWN_METRICS = 4


def read_models(ws: Surface, _: Asked) -> Facts:
    """All models with their versions."""
    models = ws.call("registry.models")
    return {
        "models": models,
        "versions": {each.name: ws.call("registry.versions", model=each.name) for each in models},
    }


def draw_models(facts: Facts, asked: Asked) -> Facts:
    """The table of models, each with the course of its main metric over the versions."""
    columns = [
        Column("name", "Model", lambda model: model.name),
        Column("champion", "Champion", lambda model: model.aliases.get("champion"), number=True),
        Column("versions", "Versions", lambda model: model.versions, number=True),
        Column("", "Metric", number=True),
        Column("", "Over its versions"),
        Column("at", "Since", lambda model: model.at),
    ]
    mains = {name: main_metric(versions) for name, versions in facts["versions"].items()}
    return {
        "table": arrange(
            facts["models"],
            columns,
            asked,
            order="name",
            words=lambda model: f"{model.name} {model.description}",
        ),
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
    """One model: its versions and every move of its aliases."""
    name = asked.name("model")
    versions = ws.call("registry.versions", model=name)
    model = next(each for each in ws.call("registry.models") if each.name == name)
    return {"model": model, "versions": versions, "history": ws.call("registry.history", model=name)}


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
    }


def read_version(ws: Surface, asked: Asked) -> Facts:
    """One version: gates, metrics, lineage, and how its aliases moved."""
    model, number = asked.name("model"), asked.number("version")
    version = ws.call("registry.show", model=model, version=number)
    history = [
        each for each in ws.call("registry.history", model=model) if number in (each.version, each.previous)
    ]
    endpoints = [
        each for each in ws.call("serving.endpoints") if each.model == model and each.alias in version.aliases
    ]
    parent = None
    if version.parent_version:
        parent = ws.call("registry.show", model=model, version=version.parent_version)
    return {"version": version, "history": history, "endpoints": endpoints, "parent": parent}


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
    Page("/models", "registry/models.html", read_models, draw_models),
    Page("/models/{model}", "registry/model.html", read_model, draw_model),
    Page("/models/{model}/{version}", "registry/version.html", read_version),
)
