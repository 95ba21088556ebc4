"""Features: the catalogue, and for one of them its versions and what was made with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fettle.acts import Surface
from fettle.web.asked import Asked
from fettle.web.site import Facts, Page
from fettle.web.tables import Column, arrange

if TYPE_CHECKING:
    from fettle.data.records.versions import Commit
    from fettle.features.records import Feature

SEEN_DATASETS = 200
SEEN_VERSIONS = 25
SHOWN_USES = 50


def read_features(ws: Surface, asked: Asked) -> Facts:
    """All features, newest version each, and how many datasets were made with them."""
    retired = asked.choice("retired", ("", "shown")) == "shown"
    found = ws.call("features.find", retired=retired)
    made = [each for each in _heads(ws)]
    return {
        "features": found,
        "used": {each.name: sum(_uses(one, each.name) for one in made) for each in found},
    }


def _heads(ws: Surface) -> list[Commit]:
    """The newest versions of datasets that were made with features."""
    found = sorted(ws.call("data.datasets"), key=lambda each: each.updated_at, reverse=True)
    heads = [
        ws.call("data.show", ref=f"{each.name}@{next(iter(_main(each.branches)))}")
        for each in found[:SEEN_DATASETS]
    ]
    return [each for each in heads if each.metadata.get("features")]


def _main(branches: dict[str, str]) -> Iterable[str]:
    return (branches["main"],) if "main" in branches else branches.values()


def _uses(commit: Commit, name: str) -> bool:
    return any(ref.partition("@")[0] == name for ref in commit.metadata.get("features", "").split())


def draw_features(facts: Facts, asked: Asked) -> Facts:
    """The table of features."""
    used = facts["used"]
    columns = [
        Column("name", "Feature", lambda each: each.name.casefold()),
        Column("", "How it is computed"),
        Column("type", "Gives", lambda each: each.type),
        Column("", "From"),
        Column("owner", "Owner", lambda each: each.owner or None),
        Column(
            "used", "Datasets", lambda each: used[each.name], True, "Datasets whose newest version has it"
        ),
        Column("at", "Defined", lambda each: each.at),
    ]
    return {"table": arrange(facts["features"], columns, asked, order="name", words=_words)}


def _words(each: Feature) -> str:
    parts = (
        each.name,
        each.description,
        each.owner,
        *each.tags,
        each.expression,
        each.function,
        *each.inputs,
    )
    return " ".join(parts)


def read_feature(ws: Surface, asked: Asked) -> Facts:
    """One feature: its versions, what it is computed from, and what uses it."""
    name = asked.name("name")
    versions: Sequence[Feature] = ws.call("features.history", name=name)
    every = {each.name for each in ws.call("features.find", retired=True)}
    made = _made_with(ws, name)
    return {
        "feature": versions[0],
        "versions": versions,
        "built_on": [each for each in versions[0].inputs if each in every],
        "followers": ws.call("features.find", column=name),
        "made": made,
        "models": {each.id: ws.call("registry.made_from", dataset_commit=each.id) for each in made},
    }


def _made_with(ws: Surface, name: str) -> list[Commit]:
    """The versions that have the feature, newest first, among the last ones of each dataset made with features."""
    found: list[Commit] = []
    for head in _heads(ws):
        log = ws.call("data.log", dataset=head.dataset, branch=head.id, limit=SEEN_VERSIONS)
        found += [each for each in log if _uses(each, name)]
    return sorted(found, key=lambda each: each.at, reverse=True)[:SHOWN_USES]


def draw_feature(facts: Facts, _: Asked) -> Facts:
    """Which version of the feature each version of data was made with."""
    name = facts["feature"].name
    return {"taken": {each.id: _taken(each, name) for each in facts["made"]}}


def _taken(commit: Commit, name: str) -> Any:
    found = (ref.partition("@") for ref in commit.metadata["features"].split())
    return next((version for one, _, version in found if one == name), "")


PAGES = (
    Page("/features", "features/features.html", read_features, draw_features),
    Page("/features/{name}", "features/feature.html", read_feature, draw_feature),
)
