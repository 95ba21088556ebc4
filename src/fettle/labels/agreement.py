"""How far annotators agree, beyond what chance would give.

| statistic | annotators | answers | missing answers |
|---|---|---|---|
| Cohen's κ | two | classes; ordered with weights | items that both answered |
| Fleiss' κ | as many for each item, not the same ones | classes | no |
| Krippendorff's α | any | classes, ranks, numbers | yes |
| span F1 | two | classes for parts of a text | – |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np

from fettle.core.errors import Invalid
from fettle.labels.records import Span

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["none", "linear", "quadratic"]


def cohen_kappa(
    one: Sequence[int], two: Sequence[int], *, weights: Weights = "none", classes: int = 0
) -> float | None:
    """Agreement of two annotators on the same items, corrected for chance.

    With weights, a near miss on ordered classes counts less than a far one.

    Args:
        one: The first annotator's classes, from 0; shape (items,).
        two: The second's, for the same items.
        weights: `none`, or how disagreement grows with the distance of the classes.
        classes: How many classes there are; 0: as many as are seen.

    Returns:
        κ in [-1, 1]; None where it is not defined: no item, or both always gave one and the same class.

    Source: Cohen (1960); Cohen (1968) for weights. tests/labels/test_agreement.py holds it to scikit-learn's.
    """
    a, b = np.asarray(one, dtype=np.int64), np.asarray(two, dtype=np.int64)
    if a.shape != b.shape:
        raise Invalid(
            "Two annotators are compared on the same items.", found=f"{a.size} and {b.size} answers"
        )
    if a.size == 0:
        return None
    k = max(classes, int(a.max()) + 1, int(b.max()) + 1)
    seen = np.bincount(a * k + b, minlength=k * k).reshape(k, k).astype(float)
    expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / a.size
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(float)
    cost = {"none": (distance > 0).astype(float), "linear": distance, "quadratic": distance**2}[weights]
    chance = float((cost * expected).sum())
    return None if chance == 0 else 1 - float((cost * seen).sum()) / chance


def fleiss_kappa(counts: np.ndarray) -> float | None:
    """Agreement of a fixed number of annotators, who need not be the same for each item.

    Args:
        counts: How many annotators gave each class; shape (items, classes), each row with the same sum of 2 or more.

    Returns:
        κ; None where it is not defined: no item, or all answers are one class.

    Raises:
        Invalid: The rows have different sums.

    Source: Fleiss (1971), whose psychiatric diagnoses tests/labels/test_agreement.py computes again.
    """
    table = np.asarray(counts, dtype=float)
    if table.size == 0:
        return None
    per_item = table.sum(axis=1)
    n = per_item[0]
    if n < 2 or not np.all(per_item == n):
        raise Invalid(
            "Fleiss' κ needs the same number of answers, two or more, for each item.",
            found=f"{per_item.min():g} to {per_item.max():g}",
            hint="Krippendorff's α allows for missing answers.",
        )
    observed = ((table**2).sum(axis=1) - n) / (n * (n - 1))
    shares = table.sum(axis=0) / table.sum()
    chance = float((shares**2).sum())
    return None if chance >= 1 else (float(observed.mean()) - chance) / (1 - chance)


def krippendorff_alpha(ratings: np.ndarray, *, level: Level = "nominal") -> float | None:
    """Agreement of any number of annotators, any of whom may have left items out.

    Args:
        ratings: Answers as numbers, NaN where there is none; shape (annotators, items). Classes: any numbers.
        level: `nominal` for classes, `ordinal` for ranks, `interval` for numbers whose differences mean something.

    Returns:
        α; None where it is not defined: nothing was answered twice, or all answers are equal.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; tests/labels/test_agreement.py computes its
    example again at all three levels.
    """
    given = np.asarray(ratings, dtype=float)
    known = ~np.isnan(given)
    values, codes = np.unique(given[known], return_inverse=True)
    units = np.broadcast_to(np.arange(given.shape[1]), given.shape)[known]
    table = np.zeros((given.shape[1], values.size))
    np.add.at(table, (units, codes), 1)
    if level == "nominal":
        return _nominal_alpha(units, codes, values.size, given.shape[1])
    table = table[table.sum(axis=1) >= 2]
    weighted = table / np.maximum(table.sum(axis=1, keepdims=True) - 1, 1)
    together = weighted.T @ table - np.diag(weighted.sum(axis=0))
    marginal = together.sum(axis=1)
    distance = _distance(values, marginal, level)
    expected = float(marginal @ distance @ marginal)
    if expected == 0:
        return None
    return 1 - float(marginal.sum() - 1) * float((together * distance).sum()) / expected


def nominal_alpha(items: Sequence[int], answers: Sequence[str]) -> float | None:
    """Krippendorff's α of answers to items in long form; it takes no room for classes that never meet.

    Args:
        items: Which item each answer is for; shape (answers,).
        answers: The answers, equal where they agree.
    """
    _, units = np.unique(np.asarray(items), return_inverse=True)
    values, codes = np.unique(np.asarray(answers, dtype=object).astype(str), return_inverse=True)
    return _nominal_alpha(units, codes, values.size, int(units.max()) + 1) if len(items) else None


def _nominal_alpha(units: np.ndarray, codes: np.ndarray, classes: int, count: int) -> float | None:
    per_unit = np.bincount(units, minlength=count)
    paired = per_unit[units] >= 2
    units, codes = units[paired], codes[paired]
    cells, same = np.unique(units.astype(np.int64) * max(classes, 1) + codes, return_counts=True)
    agree = float((same * (same - 1) / (per_unit[cells // max(classes, 1)] - 1)).sum())
    marginal = np.bincount(codes, minlength=classes).astype(float)
    total = marginal.sum()
    expected = float(total**2 - (marginal**2).sum())
    return None if expected == 0 else 1 - float((total - 1) * (total - agree)) / expected


def _distance(values: np.ndarray, marginal: np.ndarray, level: Level) -> np.ndarray:
    if level == "interval":
        return np.subtract.outer(values, values) ** 2
    reached = np.cumsum(marginal)
    between = np.abs(np.subtract.outer(reached, reached))
    halves = np.subtract.outer(marginal, marginal) / 2
    upper = np.triu(np.ones((values.size, values.size), dtype=bool))
    # from c up to k: all that lie between, and half of the two ends
    return np.where(upper, between + halves, between - halves) ** 2


def observed_agreement(items: Sequence[int], answers: Sequence[str]) -> float | None:
    """Share of pairs of answers to the same item that are equal; None if no item has two."""
    by: dict[int, list[str]] = {}
    for item, answer in zip(items, answers, strict=True):
        by.setdefault(item, []).append(answer)
    pairs = equal = 0
    for given in by.values():
        pairs += len(given) * (len(given) - 1) // 2
        equal += sum(given.count(each) * (given.count(each) - 1) // 2 for each in set(given))
    return equal / pairs if pairs else None


def span_f1(one: Collection[Span], two: Collection[Span]) -> float:
    """Share of spans that two annotators marked alike, with the same ends and class: 2·both / (one + two).

    It does not matter whose are taken for true. Two who marked nothing agree wholly.
    """
    first, second = set(one), set(two)
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 1.0


def token_f1(text: str, one: Collection[Span], two: Collection[Span]) -> float:
    """F1 over words: a word counts for a class if a span of it covers any of its characters.

    Where words are not divided by space, `character_f1` is the better one.
    """
    words = _words(text)
    first, second = (
        {
            (index, each.label)
            for each in spans
            for index, (start, end) in enumerate(words)
            if each.start < end and start < each.end
        }
        for spans in (one, two)
    )
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 1.0


def character_f1(one: Collection[Span], two: Collection[Span]) -> float:
    """F1 over characters: how much of what either marked both marked with the same class."""
    first, second = (
        {(place, each.label) for each in spans for place in range(each.start, each.end)}
        for spans in (one, two)
    )
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 1.0


def _words(text: str) -> list[tuple[int, int]]:
    found, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        found.append((start, start + len(word)))
        start += len(word)
    return found
