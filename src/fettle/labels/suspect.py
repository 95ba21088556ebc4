"""Labels that are probably wrong, found by confident learning from a model's out-of-fold probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fettle.core.errors import Invalid

_LEAST_THRESHOLD = 2e-6
_SAME = 1e-6


@dataclass(frozen=True)
class Found:
    """What confident learning says of labels.

    Attributes:
        issues: Places of the suspected labels, the most suspicious (least probability of the given label) first.
        suggested: The class that is probably true, for each of them.
        quality: Probability of the given label, for every label; shape (items,).
        counts: The confident joint; `counts[given, true]`.
        joint: Estimated share of items with that given and true label; sums to 1.
        thresholds: Mean probability of each class among the items that carry it; 2 where none does.
    """

    issues: np.ndarray
    suggested: np.ndarray
    quality: np.ndarray
    counts: np.ndarray
    joint: np.ndarray
    thresholds: np.ndarray


def find_errors(labels: np.ndarray, probabilities: np.ndarray) -> Found:
    """Find labels that a model confidently contradicts.

    A class is confident for an item if its probability reaches the mean it has among items that carry the class: a
    class of which the model is always unsure is judged by its own measure. A label is suspected if another class is
    confident (the most probable of them) and the model does not prefer the given one.

    Args:
        labels: The given classes, from 0; shape (items,).
        probabilities: Out-of-fold: of a model that did not see the item's label; shape (items, classes), rows sum to 1.

    Raises:
        Invalid: The shapes do not fit, or values are no probabilities.

    Source: Northcutt, Jiang and Chuang (2021), Confident Learning, JAIR 70: C_confusion of section 3.
    tests/labels/test_suspect.py holds it to cleanlab 2.9 (`filter_by="confident_learning"`) on the same probabilities.
    """
    given, p = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=float)
    _check(given, p)
    k = p.shape[1]
    own = p[np.arange(given.size), given]
    carriers = np.bincount(given, minlength=k)
    means = np.bincount(given, weights=own, minlength=k) / np.maximum(carriers, 1)
    thresholds = np.where(carriers > 0, np.maximum(means, _LEAST_THRESHOLD), 2.0)
    confident = p >= thresholds - _SAME
    guess = np.where(confident, p, -1.0).argmax(axis=1)
    several = confident.sum(axis=1) > 1
    guess = np.where(several, p.argmax(axis=1), guess)
    sure = confident.any(axis=1)
    counts = np.bincount(given[sure] * k + guess[sure], minlength=k * k).reshape(k, k)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    favoured = p.copy()
    favoured[np.arange(given.size), given] += _SAME
    issues = np.flatnonzero(sure & (guess != given) & (favoured.argmax(axis=1) != given))
    issues = issues[np.argsort(own[issues], kind="stable")]
    return Found(issues, guess[issues], own, counts, _joint(counts, carriers), thresholds)


def _joint(counts: np.ndarray, carriers: np.ndarray) -> np.ndarray:
    """The confident counts, brought to the number of items that carry each label, as shares."""
    scaled = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-100) * carriers[:, None]
    return scaled / max(scaled.sum(), 1e-100)


def _check(given: np.ndarray, p: np.ndarray) -> None:
    if p.ndim != 2 or p.shape[0] != given.size or given.size == 0:
        raise Invalid(
            "There must be a row of probabilities for each label.",
            found=f"{given.size} labels, probabilities of shape {p.shape}",
        )
    if given.min() < 0 or given.max() >= p.shape[1]:
        raise Invalid("A label has no column of probabilities.", found=f"class {given.max()} of {p.shape[1]}")
    if not np.isfinite(p).all() or p.min() < -_SAME or p.max() > 1 + _SAME:
        raise Invalid("Probabilities lie in [0, 1].", found=f"{np.nanmin(p):g} to {np.nanmax(p):g}")
