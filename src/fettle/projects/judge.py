"""Judge a challenger against the champion, row by row on rows that neither has learned from."""

from __future__ import annotations

import msgspec

from fettle.acts import Surface
from fettle.core import canonical, ids
from fettle.core.errors import NotFound
from fettle.evaluation.compare import champion_challenger
from fettle.evaluation.outcomes import Outcome, outcome_of_answers
from fettle.evaluation.records import Comparison, GateResult
from fettle.packaging.bundle import fetch
from fettle.packaging.predictor import Predictor
from fettle.packaging.records import Answer
from fettle.packaging.rows import json_rows
from fettle.projects.model import Assessment
from fettle.projects.records import Contest, Cut
from fettle.projects.rows import LEAST_JUDGED, rows
from fettle.registry.records import ModelVersion
from fettle.storage.objects import get_object
from fettle.training.records import Label
from fettle.training.targets import label_text

ERRORS = ("rmse", "mae", "log_loss")
"""Metrics without a natural scale: their tolerance is a part of the champion's value."""


class Rival(msgspec.Struct, frozen=True):
    """The champion as a contest needs it.

    Attributes:
        version: Its number.
        bundle: What serves.
        commit: The rows it learned from, as `dataset@commit`; empty if that is not known.
        known: The commit of the champion before it, which its own rows to judge on were new to; or empty.
        cut: Digest of the cut it was judged by itself.
        answers: Digest of the answers that its judged form gave there.
    """

    version: int
    bundle: str
    commit: str
    known: str
    cut: str
    answers: str


def rival_of(ws: Surface, model: str) -> Rival | None:
    """The champion of a model as a rival, or None."""
    try:
        champion: ModelVersion = ws.call("registry.alias", model=model)
    except NotFound:
        return None
    known = (
        f"{champion.dataset}@{champion.dataset_commit}"
        if champion.dataset and champion.dataset_commit
        else ""
    )
    tags = champion.tags
    own = (tags.get(name, "") for name in ("known", "cut", "answers"))
    return Rival(champion.version, champion.bundle, known, *own)


def contest(ws: Surface, divided: Cut, assessment: Assessment, rival: Rival, tolerance: float) -> Contest:
    """Decide whether a challenger should take over.

    The challenger answers the judged rows with the model that had not seen them, nor anything after them. What would
    be served has seen them, and is fresher than what is judged here, so it takes over unless it is worse: by more than
    the tolerance, or surely (the whole interval of the gain below zero). The champion answers with what serves, if
    the rows are new to it; if both were judged on the same rows, its judged form's answers are used, which had not seen
    them either. Where neither is so, nothing honest can be said, and the champion stays.

    Args:
        ws: The workspace.
        divided: Which rows are judged.
        assessment: The challenger's answers and metric.
        rival: The champion.
        tolerance: How much worse is still no worse: points, or for an error a part of the champion's.
    """
    judged = rows(ws, divided, "test")
    if rival.answers and rival.cut == ids.digest_of(divided):
        answers: list[Answer] = canonical.decode(get_object(ws.blobs, rival.answers), list[dict])
    elif divided.known and divided.known == rival.commit:
        served = Predictor(fetch(ws.blobs, rival.bundle, ws.folder / "cache"))
        answers = served.predict(
            json_rows(judged, [name for name in served.columns if name in judged.columns])
        )
    else:
        reason = f"fewer than {LEAST_JUDGED} rows are known that version {rival.version} has not learned from"
        return Contest(rival.version, False, reason)
    found = _compared(ws, divided, assessment, answers)
    gain = found.gain / abs(found.champion) if found.metric in ERRORS and found.champion else found.gain
    worse = gain < -tolerance or found.high < 0
    word = "worse" if worse else "better" if found.gain > 0 else "fresher, and no worse"
    reason = (
        f"{word}: {found.metric} {found.challenger:.4f} against {found.champion:.4f} of version {rival.version} "
        f"on {found.rows:,} rows (gain {found.gain:+.4f}, 95 %: {found.low:+.4f} to {found.high:+.4f})"
    )
    return Contest(rival.version, not worse, reason, found)


def gate_of(held: Contest) -> GateResult:
    """A contest as a gate of the challenger's version."""
    value = held.comparison.gain if held.comparison is not None else None
    return GateResult("champion", held.promote, value, None, held.reason)


def _compared(ws: Surface, divided: Cut, assessment: Assessment, ours: list[Answer]) -> Comparison:
    judged = rows(ws, divided, "test")
    truth = [row[divided.target] for row in json_rows(judged, [divided.target])]
    theirs: list[Answer] = canonical.decode(get_object(ws.blobs, assessment.answers), list[dict])
    labels = _all_labels([*ours[:1], *theirs[:1]], assessment.labels)
    outcomes = [_outcome(assessment, labels, truth, answers) for answers in (ours, theirs)]
    return champion_challenger(outcomes[0], outcomes[1], metric=assessment.metric)


def _outcome(
    assessment: Assessment, labels: tuple[Label, ...], truth: list, answers: list[Answer]
) -> Outcome:
    none = {label_text(label): 0.0 for label in labels}
    whole = [
        {**each, "probabilities": none | each["probabilities"]} if "probabilities" in each else each
        for each in answers
    ]
    return outcome_of_answers(assessment.task, labels, truth, whole)


def _all_labels(answers: list[Answer], known: tuple[Label, ...]) -> tuple[Label, ...]:
    """The classes of both models: one may have learned of a class that the other never met."""
    texts = {label_text(label): label for label in known}
    for each in answers:
        for name in each.get("probabilities", {}):
            texts.setdefault(name, name)
    return tuple(texts.values())
