"""Challenger against champion, row by row on the same rows: pairing takes out what is hard or easy for both."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from fettle.core.errors import Invalid
from fettle.evaluation.intervals import CONFIDENCE, RESAMPLES, resampled, spread
from fettle.evaluation.metrics import main_metric
from fettle.evaluation.outcomes import Outcome
from fettle.evaluation.records import Comparison, Verdict
from fettle.training.scores import score_named


def champion_challenger(
    champion: Outcome,
    challenger: Outcome,
    metric: str = "",
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same rows.

    Args:
        champion: The outcome of the model in use.
        challenger: The outcome of the one that wants its place, on the same rows.
        metric: What to compare; empty means the task's main metric.
        confidence: Of the interval.
        resamples: For metrics other than accuracy.
        seed: Of the resamples.

    Returns:
        The gain, positive where the challenger is better. For accuracy the interval is Bonett and Price's adjusted Wald
        interval for paired proportions (2012) and the p-value McNemar's exact test; for other metrics both come from a
        bootstrap that draws the same rows for both models.

    Raises:
        Invalid: The outcomes are not of the same rows.
        NotFound: The task has no such metric.
    """
    name = metric or main_metric(champion.task)
    score = score_named(champion.task, name)
    if len(champion) != len(challenger) or not np.array_equal(champion.truth, challenger.truth):
        raise Invalid(
            "The two outcomes are not of the same rows, so they cannot be compared.",
            found=f"{len(champion)} rows and {len(challenger)} rows",
            hint="Predict the same frame with both models; both must know the same classes.",
        )
    sign = 1.0 if score.maximize else -1.0
    values = [
        score.measure(each.truth, each.predicted, each.probabilities) for each in (champion, challenger)
    ]
    wins = losses = 0
    if champion.task != "regression":
        wins = int(np.sum(challenger.right & ~champion.right))
        losses = int(np.sum(champion.right & ~challenger.right))
    if name == "accuracy":
        low, high = paired_interval(wins, losses, len(champion), confidence=confidence)
        p_value = mcnemar(wins, losses)
    else:

        def gain(places: NDArray[np.int64]) -> float:
            measured = [
                score.measure(each.truth[places], each.predicted[places], each.probabilities[places])
                for each in (champion, challenger)
            ]
            return sign * (measured[1] - measured[0])

        gains = resampled(gain, len(champion), resamples=resamples, seed=seed)
        low, high = spread(gains, confidence)
        p_value = _two_sided(gains)
    return Comparison(
        metric=name,
        champion=values[0],
        challenger=values[1],
        gain=sign * (values[1] - values[0]),
        low=low,
        high=high,
        p_value=p_value,
        verdict=_verdict(low, high),
        rows=len(champion),
        wins=wins,
        losses=losses,
        confidence=confidence,
        relative_low=low / abs(values[0]) if values[0] else low,
    )


def paired_interval(
    wins: int, losses: int, rows: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval of the difference of two paired proportions (Bonett and Price, 2012).

    One is added to each discordant count and two to the rows; it holds its confidence also with few rows.

    Example:
        >>> low, high = paired_interval(7, 25, 68, confidence=0.95)
        >>> round(low, 3), round(high, 3)
        (-0.409, -0.105)
    """
    z = float(norm.ppf(0.5 + confidence / 2))
    won, lost = (wins + 1) / (rows + 2), (losses + 1) / (rows + 2)
    half = z * sqrt(max(0.0, won + lost - (won - lost) ** 2) / (rows + 2))
    return max(-1.0, won - lost - half), min(1.0, won - lost + half)


def mcnemar(wins: int, losses: int) -> float:
    """McNemar's exact test (1947): the two-sided binomial chance of such unequal wins and losses.

    Example:
        >>> round(mcnemar(1, 9), 6)
        0.021484
    """
    if wins + losses == 0:
        return 1.0
    return float(min(1.0, 2 * binom.cdf(min(wins, losses), wins + losses, 0.5)))


def _two_sided(gains: NDArray[np.float64]) -> float:
    if len(gains) == 0:
        return 1.0
    tail = min(np.sum(gains <= 0), np.sum(gains >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(gains) + 1)))


def _verdict(low: float, high: float) -> Verdict:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "undecided"
