"""Judge a challenger against the champion, row by row on rows that neither has learned from."""

from __future__ import annotations

import msgspec

from fettle.acts import Surface
from fettle.core import canonical
from fettle.evaluation.compare import champion_challenger
from fettle.evaluation.outcomes import Outcome, outcome_of_answers
from fettle.evaluation.records import Comparison
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import Answer
from fettle.packaging.rows import json_rows
from fettle.projects.records import Project, Solution
from fettle.projects.rows import rows
from fettle.registry.records import ModelVersion
from fettle.retraining.records import Verdict
from fettle.storage.objects import get_object
from fettle.training.records import Label
from fettle.training.targets import label_text

ERRORS = ("rmse", "mae", "log_loss")
"""Metrics without a natural scale: their tolerance is a part of the champion's value."""


def compare(ws: Surface, project: Project, challenger: Solution, champion: ModelVersion) -> Verdict:
    """Decide whether a challenger takes over.

    Both answer the challenger's judged rows: the champion with the bundle that serves, the challenger with the model
    that had not seen these rows, nor anything after them. What would be served has seen them, and is fresher than what
    is judged here, so it takes over unless it is worse: by more than the project's tolerance, or surely (the whole
    interval of the gain below zero), or not through its own gates.

    Args:
        ws: The workspace.
        project: Gives the tolerance.
        challenger: What the pipeline produced.
        champion: The version that serves.
    """
    if challenger.refused:
        return Verdict(False, f"it did not pass its own gates: {'; '.join(challenger.refused)}")
    found = comparison(ws, challenger, champion)
    evidence = {
        "comparison": msgspec.to_builtins(found),
        "champion": champion.version,
        "challenger": challenger.version,
    }
    figures = (
        f"{found.metric} {found.challenger:.4f} against {found.champion:.4f} of version {champion.version} "
        f"on {found.rows:,} rows (gain {found.gain:+.4f}, 95 %: {found.low:+.4f} to {found.high:+.4f})"
    )
    gain = found.gain / abs(found.champion) if found.metric in ERRORS and found.champion else found.gain
    if gain < -project.tolerance or found.high < 0:
        return Verdict(False, f"worse: {figures}", evidence)
    return Verdict(True, f"{'better' if found.gain > 0 else 'fresher, and no worse'}: {figures}", evidence)


def comparison(ws: Surface, challenger: Solution, champion: ModelVersion) -> Comparison:
    """Both models' answers on the challenger's judged rows, compared."""
    judged = rows(ws, challenger.cut, "test")
    served = Predictor(fetch(ws.blobs, champion.bundle, ws.folder / "cache"))
    truth = [row[challenger.cut.target] for row in json_rows(judged, [challenger.cut.target])]
    theirs: list[Answer] = canonical.decode(get_object(ws.blobs, challenger.answers), list[dict])
    ours = served.predict(json_rows(judged, [name for name in served.columns if name in judged.columns]))
    labels = _all_labels(served.schema.labels, theirs)
    return champion_challenger(
        *(_outcome(served, labels, truth, answers) for answers in (ours, theirs)), metric=challenger.metric
    )


def _outcome(served: Predictor, labels: tuple[Label, ...], truth: list, answers: list[Answer]) -> Outcome:
    whole = [
        {**each, "probabilities": {label_text(label): 0.0 for label in labels} | each["probabilities"]}
        if "probabilities" in each
        else each
        for each in answers
    ]
    return outcome_of_answers(served.schema.task, labels, truth, whole)


def _all_labels(known: tuple[Label, ...], answers: list[Answer]) -> tuple[Label, ...]:
    """The classes of both models: a challenger may have learned of a class that the champion never met."""
    texts = {label_text(label): label for label in known}
    for name in answers[0].get("probabilities", {}) if answers else {}:
        texts.setdefault(name, name)
    return tuple(texts.values())
