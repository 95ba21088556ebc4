"""One label from several answers: the majority's, or the most probable one by how reliable each annotator is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fettle.core.errors import Invalid

H = TypeVar("H", bound=Hashable)


def majority(given: Sequence[H]) -> tuple[list[H], float]:
    """The most frequent answers and their share; more than one where they tie.

    Args:
        given: The answers to one item, at least one.

    Example:
        >>> majority(["a", "b", "a"])
        (['a'], 0.6666666666666666)
    """
    counts: dict[H, int] = {}
    for each in given:
        counts[each] = counts.get(each, 0) + 1
    most = max(counts.values())
    return [each for each, count in counts.items() if count == most], most / len(given)


@dataclass(frozen=True)
class DawidSkene:
    """What the model found.

    Attributes:
        posterior: Probability of each class for each item; shape (items, classes), rows sum to 1.
        prior: Share of each class; shape (classes,).
        confusion: `confusion[r, true, given]`; shape (annotators, classes, answers), rows sum to 1.
        log_likelihood: Of the answers under these estimates; it never falls from step to step.
        steps: How many steps were made.
    """

    posterior: np.ndarray
    prior: np.ndarray
    confusion: np.ndarray
    log_likelihood: float
    steps: int


def dawid_skene(
    items: Sequence[int] | np.ndarray,
    annotators: Sequence[int] | np.ndarray,
    labels: Sequence[int] | np.ndarray,
    classes: int,
    *,
    answers: int = 0,
    smoothing: float = 0.0,
    tolerance: float = 1e-9,
    most_steps: int = 1000,
) -> DawidSkene:
    """Estimate the true classes and each annotator's errors together, by expectation maximisation.

    Begins with each item's share of answers. Answers are in long form, so annotators may leave items out or answer one
    several times.

    Args:
        items: Which item each answer is for, from 0; shape (answers,).
        annotators: Who gave it, from 0; shape (answers,).
        labels: Which class it names, from 0; shape (answers,).
        classes: How many classes there are.
        answers: How many different answers there are, where some name no class: those from `classes` on, such as
            abstaining when abstaining tells something. 0: as many as classes.
        smoothing: Added to each cell of the confusion counts (and n·smoothing to the diagonal of n classes), so that
            few answers do not make an annotator seem perfect; 0 is the model as published.
        tolerance: Stop when the mean log likelihood of an answer grows by less.
        most_steps: Stop after so many steps.

    Raises:
        Invalid: There is no answer, or a label is not below `classes`.

    Source: Dawid and Skene (1979), whose anaesthetists' ratings tests/labels/test_vote.py computes again.
    """
    who, what, label = (np.asarray(each, dtype=np.int64) for each in (annotators, items, labels))
    answers = answers or classes
    if what.size == 0 or label.max() >= answers:
        raise Invalid(
            "Dawid–Skene needs answers, each of a known class.",
            found=f"{what.size} answers, {classes} classes",
        )
    count, people = int(what.max()) + 1, int(who.max()) + 1
    named = label < classes
    spread = np.bincount(what[named] * classes + label[named], minlength=count * classes)
    posterior = (spread.reshape(count, classes) + 1e-12) / (spread.reshape(count, classes) + 1e-12).sum(1)[
        :, None
    ]
    cell = who * answers + label
    extra = smoothing * (np.ones((classes, answers)) + classes * np.eye(classes, answers))
    before, step = -np.inf, 0
    while True:
        step += 1
        prior, confusion = _maximise(posterior, what, cell, people, extra)
        posterior, likelihood = _expect(prior, confusion, what, who, label, count)
        if likelihood - before < tolerance * what.size or step >= most_steps:
            return DawidSkene(posterior, prior, confusion, likelihood, step)
        before = likelihood


def _maximise(
    posterior: np.ndarray, what: np.ndarray, cell: np.ndarray, people: int, extra: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    classes, answers = extra.shape
    size = people * answers
    counts = np.stack(
        [np.bincount(cell, weights=posterior[what, true], minlength=size) for true in range(classes)]
    )
    confusion = counts.reshape(classes, people, answers).transpose(1, 0, 2) + extra
    totals = confusion.sum(axis=2, keepdims=True)
    # who was never seen with a class is not known to err on it
    confusion = np.where(totals > 0, confusion / np.maximum(totals, 1e-300), np.eye(classes, answers))
    return posterior.mean(axis=0), confusion


def _expect(
    prior: np.ndarray, confusion: np.ndarray, what: np.ndarray, who: np.ndarray, label: np.ndarray, count: int
) -> tuple[np.ndarray, float]:
    with np.errstate(divide="ignore"):
        each = np.log(confusion)[who, :, label]
        logs = np.tile(np.log(prior), (count, 1))
    for true in range(prior.size):
        finite = np.maximum(each[:, true], -1e6)  # −∞ × weights would be NaN in bincount's sum
        logs[:, true] += np.bincount(what, weights=finite, minlength=count)
    peak = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - peak)
    sums = shares.sum(axis=1, keepdims=True)
    return shares / sums, float((np.log(sums) + peak).sum())
