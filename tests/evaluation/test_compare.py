"""Champion against challenger."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from fettle.core.errors import Invalid
from fettle.evaluation.compare import champion_challenger, mcnemar, paired_interval
from tests.evaluation.outcomes_made import of_classes, of_numbers


def pair(both: int, wins: int, losses: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    champion = np.repeat([True, False, True, False], [both, wins, losses, neither])
    challenger = np.repeat([True, True, False, False], [both, wins, losses, neither])
    return champion, challenger


def test_a_clear_gain_is_better_and_a_clear_loss_worse() -> None:
    champion, challenger = (of_classes(each) for each in pair(600, 80, 20, 100))
    found = champion_challenger(champion, challenger)
    assert found.gain == pytest.approx(0.075)
    assert (found.wins, found.losses, found.verdict) == (80, 20, "better")
    turned = champion_challenger(challenger, champion)
    assert (turned.verdict, turned.low) == ("worse", pytest.approx(-found.high))


def test_the_same_model_is_undecided() -> None:
    seen = of_classes(np.arange(300) % 3 > 0)
    found = champion_challenger(seen, seen)
    assert (found.gain, found.p_value, found.verdict) == (0.0, 1.0, "undecided")
    assert found.low < 0 < found.high


def test_mcnemar_is_the_exact_binomial_test() -> None:
    for wins, losses in ((3, 11), (8, 8), (40, 22)):
        assert mcnemar(wins, losses) == pytest.approx(binomtest(wins, wins + losses, 0.5).pvalue)


def test_the_paired_interval_holds_the_true_gain_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    counts = random.multinomial(200, [0.10, 0.05, 0.85], size=2000)
    held = [low <= 0.05 <= high for low, high in (paired_interval(int(w), int(b), 200) for w, b, _ in counts)]
    assert 0.94 <= np.mean(held) <= 0.98


def test_pairing_sees_what_separate_intervals_would_not() -> None:
    champion, challenger = (of_classes(each) for each in pair(700, 30, 8, 262))
    found = champion_challenger(champion, challenger)
    assert found.verdict == "better"
    assert found.gain < 2 * 1.96 * (0.71 * 0.29 / 1000) ** 0.5


def test_a_smaller_error_is_a_gain() -> None:
    found = champion_challenger(of_numbers(4.0, seed=1), of_numbers(2.0, seed=2))
    assert found.metric == "rmse"
    assert found.gain == pytest.approx(2.0, abs=0.4)
    assert (found.verdict, found.wins) == ("better", 0)
    assert found.relative_low == pytest.approx(found.low / found.champion)
    assert found.p_value < 0.05


def test_different_rows_cannot_be_compared() -> None:
    with pytest.raises(Invalid, match="same rows"):
        champion_challenger(of_classes(np.ones(10, bool)), of_classes(np.ones(11, bool)))
