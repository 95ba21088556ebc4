import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from fettle.core.errors import Invalid
from fettle.labels.agreement import (
    character_f1,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    nominal_alpha,
    observed_agreement,
    span_f1,
    token_f1,
)
from fettle.labels.records import Span

N = np.nan


def test_cohens_kappa_of_a_worked_example():
    """Two readers of 50 grant proposals: yes/yes 20, yes/no 5, no/yes 10, no/no 15; κ = 0.4."""
    one = [1] * 25 + [0] * 25
    two = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohen_kappa(one, two) == pytest.approx(0.4, abs=1e-15)


CODES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40)


@given(CODES, st.sampled_from(["none", "linear", "quadratic"]))
def test_cohens_kappa_is_that_of_scikit_learn(pairs, weights):
    one, two = [a for a, _ in pairs], [b for _, b in pairs]
    ours = cohen_kappa(one, two, weights=weights, classes=5)
    if ours is None:
        assert len(set(one) | set(two)) == 1
        return
    theirs = cohen_kappa_score(
        one, two, weights=None if weights == "none" else weights, labels=[0, 1, 2, 3, 4]
    )
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_kappa_of_nothing_and_of_one_class_is_not_defined():
    assert cohen_kappa([], []) is None
    assert cohen_kappa([1, 1], [1, 1]) is None
    with pytest.raises(Invalid, match="same items"):
        cohen_kappa([1], [1, 2])


def test_fleiss_kappa_of_a_worked_example():
    """Fourteen raters, ten items, five classes: κ = 0.210; the long value is statsmodels' 0.15."""
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    assert fleiss_kappa(counts) == pytest.approx(0.20993070442195522, abs=1e-14)
    with pytest.raises(Invalid, match="same number"):
        fleiss_kappa(np.array([[2, 1], [1, 1]]))
    assert fleiss_kappa(np.array([[3, 0], [3, 0]])) is None


KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)


@pytest.mark.parametrize(
    ("level", "published", "exact"),
    [
        ("nominal", 0.743, 0.743421052631579),
        ("ordinal", 0.815, 0.8153875037548814),
        ("interval", 0.849, 0.8491071428571428),
    ],
)
def test_krippendorffs_alpha_of_his_own_example(level, published, exact):
    """Krippendorff (2011), four observers, twelve units, values missing; the long values are of `krippendorff` 0.9."""
    found = krippendorff_alpha(KRIPPENDORFF, level=level)
    assert round(found or 0, 3) == published
    assert found == pytest.approx(exact, abs=1e-14)


def test_alpha_of_answers_in_long_form_is_the_same():
    rows, units = np.nonzero(~np.isnan(KRIPPENDORFF))
    answers = [str(KRIPPENDORFF[row, unit]) for row, unit in zip(rows, units, strict=True)]
    assert nominal_alpha(units.tolist(), answers) == pytest.approx(0.743421052631579, abs=1e-14)
    assert nominal_alpha([], []) is None
    assert nominal_alpha([1, 1], ["a", "a"]) is None


def test_observed_agreement_counts_pairs():
    assert observed_agreement([1, 1, 1, 2, 2, 3], ["a", "a", "b", "c", "c", "d"]) == pytest.approx(2 / 4)
    assert observed_agreement([1, 2], ["a", "a"]) is None


def test_spans_agree_when_ends_and_class_do():
    ada, london = Span(0, 3, "PERSON"), Span(10, 16, "PLACE")
    assert span_f1([ada, london], [ada, Span(10, 15, "PLACE")]) == pytest.approx(0.5)
    assert span_f1([], []) == 1.0
    assert span_f1([ada], []) == 0.0


def test_words_and_characters_agree_in_part():
    text = "Ada Lovelace met Babbage"
    long, short = [Span(0, 12, "PERSON")], [Span(0, 3, "PERSON")]
    assert token_f1(text, long, short) == pytest.approx(2 / 3)
    assert character_f1(long, short) == pytest.approx(2 * 3 / 15)
    assert token_f1(text, long, [Span(0, 12, "PLACE")]) == 0.0
    assert token_f1("", [], []) == character_f1([], []) == 1.0
