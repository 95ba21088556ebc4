"""How far all answers of a project agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from fettle.labels import agreement
from fettle.labels.records import (
    Agreement,
    Answer,
    Pair,
    Project,
    Span,
    value_of,
)

Vote = tuple[int, str, Answer]
"""An answer in long form: item, annotator, what was said."""


def agreement_of(project: Project, votes: Sequence[Vote], texts: Mapping[int, str]) -> Agreement:
    """How far the annotators of a project agree.

    Args:
        project: The project.
        votes: All answers.
        texts: For spans, the texts of the items they are in.
    """
    items = [item for item, _, _ in votes]
    values = [value_of(answer) for _, _, answer in votes]
    twice = sum(count > 1 for count in np.unique(items, return_counts=True)[1]) if items else 0
    spans = project.kind == "spans"
    return Agreement(
        project=project.name,
        items=int(twice),
        observed=agreement.observed_agreement(items, values),
        alpha=agreement.nominal_alpha(items, values),
        fleiss=_fleiss(items, values) if not spans else None,
        pairs=_pairs(votes, spans),
        tokens=_tokens(votes, texts) if spans else None,
    )


def _fleiss(items: Sequence[int], values: Sequence[str]) -> float | None:
    """Fleiss' κ over the items that have the most common number of answers above one."""
    if not items:
        return None
    _, units = np.unique(items, return_inverse=True)
    kinds, codes = np.unique(np.asarray(values, dtype=object).astype(str), return_inverse=True)
    per = np.bincount(units)
    usual = np.bincount(per[per > 1]).argmax() if (per > 1).any() else 0
    if usual < 2 or kinds.size > MOST_CLASSES:
        return None
    table = np.zeros((per.size, kinds.size))
    np.add.at(table, (units, codes), 1)
    return agreement.fleiss_kappa(table[per == usual])


MOST_CLASSES = 1000


def _pairs(votes: Sequence[Vote], spans: bool) -> list[Pair]:
    by: dict[str, dict[int, Answer]] = {}
    for item, annotator, answer in votes:
        by.setdefault(annotator, {})[item] = answer
    made = []
    for one, two in combinations(sorted(by), 2):
        both = sorted(by[one].keys() & by[two].keys())
        answers = [(by[one][item], by[two][item]) for item in both]
        value = _span_f1(answers) if spans else _kappa(answers)
        made.append(Pair(one, two, len(both), value))
    return made


def _kappa(answers: Sequence[tuple[Answer, Answer]]) -> float | None:
    codes: dict[str, int] = {}
    pairs = [[codes.setdefault(value_of(each), len(codes)) for each in pair] for pair in answers]
    if len(codes) > MOST_CLASSES:
        return None
    return agreement.cohen_kappa([one for one, _ in pairs], [two for _, two in pairs])


def _span_f1(answers: Sequence[tuple[Answer, Answer]]) -> float | None:
    """F1 over all spans of all items that both did."""
    both = sum(len(set(one.spans) & set(two.spans)) for one, two in answers)
    total = sum(len(set(one.spans)) + len(set(two.spans)) for one, two in answers)
    return 2 * both / total if total else None


def _tokens(votes: Sequence[Vote], texts: Mapping[int, str]) -> float | None:
    by: dict[int, list[list[Span]]] = {}
    for item, _, answer in votes:
        by.setdefault(item, []).append(answer.spans)
    scores = [
        agreement.token_f1(texts.get(item, ""), one, two)
        for item, given in by.items()
        for one, two in combinations(given, 2)
    ]
    return float(np.mean(scores)) if scores else None
