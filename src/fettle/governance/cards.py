"""A model card, written from what is recorded, with a list of what is not.

The sections follow M. Mitchell et al., "Model Cards for Model Reporting" (2019), section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fettle.data.records import Commit
from fettle.governance.records import Card
from fettle.packaging.records import Manifest
from fettle.registry.records import AliasChange, ModelVersion


@dataclass(frozen=True)
class Facts:
    """What a card is written from; None where there is no record.

    Attributes:
        version: The version.
        description: What the model is for, in its author's words.
        manifest: Its bundle's table of contents.
        commit: The data it was trained on.
        moves: How its aliases moved.
        endpoints: Names of the endpoints that serve it.
    """

    version: ModelVersion
    description: str = ""
    manifest: Manifest | None = None
    commit: Commit | None = None
    moves: list[AliasChange] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)


def write(facts: Facts) -> Card:
    """Write the card of a version."""
    missing = _missing(facts)
    sections = [
        [
            f"# {facts.version.model}, version {facts.version.version}",
            facts.description or "_No description is recorded._",
        ],
        ["## Model", *_table(_model(facts))],
        ["## Training data", *_table(_training_data(facts))],
        ["## Performance", *_metrics(facts.version)],
        ["## Gates", *_gates(facts.version)],
        ["## Use", *_table(_use(facts)), *_moves(facts.moves)],
        ["## What is missing", *(f"- {each}" for each in missing or ["Nothing that this card asks for."])],
    ]
    text = "\n\n".join("\n".join([section[0], "", *section[1:]]) for section in sections)
    return Card(facts.version.model, facts.version.version, text + "\n", missing)


def _model(facts: Facts) -> dict[str, Any]:
    version, manifest = facts.version, facts.manifest
    learned = (
        {"Task": manifest.task, "Target": manifest.target, "Algorithm": manifest.algorithm}
        if manifest
        else {}
    )
    settings = (
        {"Hyper-parameters": ", ".join(f"{key}={value}" for key, value in manifest.params.items())}
        if manifest
        else {}
    )
    return {
        **learned,
        **settings,
        "Bundle": f"`{version.bundle}`",
        "Registered": f"{version.at:%Y-%m-%d %H:%M} UTC by {version.author}",
        "Status": version.status + (f": {version.reason}" if version.reason else ""),
        "Replaces": f"version {version.parent_version}" if version.parent_version is not None else "",
        "Run": version.run_id,
        "Pipeline run": version.flow_id,
        **{f"Tag `{key}`": value for key, value in version.tags.items()},
    }


def _training_data(facts: Facts) -> dict[str, Any]:
    commit, version = facts.commit, facts.version
    if commit is None:
        return {"Dataset": version.dataset, "Commit": version.dataset_commit}
    return {
        "Dataset": commit.dataset,
        "Commit": f"`{commit.id}`",
        "Committed": f"{commit.at:%Y-%m-%d %H:%M} UTC by {commit.author}",
        "Source": commit.source.name,
        "Source digest": f"`{commit.source.digest}`" if commit.source.digest else "",
        "Rows": f"{commit.rows:,}",
        "Columns": ", ".join(f"{each.name} ({each.type})" for each in commit.columns),
    }


def _metrics(version: ModelVersion) -> list[str]:
    if not version.metrics:
        return ["_No metrics are recorded._"]
    rows = (f"| {_cell(name)} | {value:.4g} |" for name, value in sorted(version.metrics.items()))
    return ["On held-out data:", "", "| metric | value |", "|---|---|", *rows]


def _gates(version: ModelVersion) -> list[str]:
    if not version.gates:
        return ["_No gates are recorded._"]
    rows = (
        f"| {_cell(each.name)} | {'passed' if each.passed else '**failed**'} | {_number(each.value)} | "
        f"{_number(each.threshold)} | {_cell(each.detail)} |"
        for each in version.gates
    )
    return ["| gate | outcome | value | threshold | |", "|---|---|---|---|---|", *rows]


def _use(facts: Facts) -> dict[str, Any]:
    return {"Aliases": ", ".join(facts.version.aliases), "Endpoints": ", ".join(facts.endpoints)}


def _moves(moves: list[AliasChange]) -> list[str]:
    if not moves:
        return []
    rows = (
        f"| {each.at:%Y-%m-%d %H:%M} | {each.alias} | {each.move}{' (overruled a gate)' if each.override else ''} | "
        f"{each.previous or ''} → {each.version or ''} | {_cell(each.actor)} | {_cell(each.reason)} |"
        for each in moves
    )
    return ["", "| when (UTC) | alias | what | version | who | why |", "|---|---|---|---|---|---|", *rows]


def _missing(facts: Facts) -> list[str]:
    """What a reader would want to know and no record says."""
    version = facts.version
    asked = {
        "What the model is for, and what it is not for: give a description when registering.": facts.description,
        "The data it was trained on: register it with its dataset and commit.": version.dataset_commit,
        "The commit it names: there is no such commit in this workspace.": facts.commit
        or not version.dataset_commit,
        "How well it does: register it with metrics on held-out data.": version.metrics,
        "What it was held against: register it with the results of gates.": version.gates,
        "The run that made it: register it with its run.": version.run_id or version.flow_id,
        "Its bundle: it is not in this workspace.": facts.manifest,
        "Performance on slices: no metric or gate names one.": any(
            "=" in name or "slice" in name
            for name in [*version.metrics, *(each.name for each in version.gates)]
        ),
    }
    return [question for question, answer in asked.items() if not answer]


def _table(rows: dict[str, Any]) -> list[str]:
    shown = [
        f"| {_cell(key)} | {_cell(str(value))} |" for key, value in rows.items() if value not in (None, "")
    ]
    return ["| | |", "|---|---|", *shown] if shown else ["_Nothing is recorded._"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _cell(text: str) -> str:
    """Text that cannot break out of a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
