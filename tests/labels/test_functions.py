import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound
from fettle.labels.functions import ABSTAIN, apply_functions, combine, load_functions, parse_rule, report

FRAME = pl.DataFrame({"amount": [5, 150, 300, None], "country": ["DE", "FR", "DE", "FR"]})
CLASSES = ["big", "small"]


def test_rules_and_functions_vote_or_abstain():
    functions = {
        "amount > 100 -> big": "amount > 100 -> big",
        "tiny": lambda row: "small" if (row["amount"] or 100) < 10 else None,
        "amount > 200 AND country = 'DE' -> 'big'": "amount > 200 AND country = 'DE' -> 'big'",
    }
    votes = apply_functions(FRAME, functions, CLASSES)
    assert votes.tolist() == [[-1, 1, -1], [0, -1, -1], [0, -1, 0], [-1, -1, -1]]


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        ("amount > 100", Invalid, "an arrow"),
        ("amount > -> big", Invalid, "cannot be understood"),
        ("amont > 100 -> big", NotFound, "amont"),
        ("amount -> big", Invalid, "true or false"),
        ("amount > 100 -> huge", NotFound, "huge"),
        (lambda row: row["nothing"], Invalid, "row 1: KeyError"),
        (lambda row: "huge", NotFound, "huge"),
    ],
)
def test_what_is_wrong_with_a_function_is_said(function, kind, said):
    with pytest.raises(kind) as error:
        apply_functions(FRAME, {"one": function}, CLASSES)
    assert said in f"{error.value.message} {error.value.found}"


def test_a_rule_is_read():
    assert parse_rule('amount > 100 -> "big"') == ("amount > 100", "big")
    assert parse_rule("a -> b -> c") == ("a -> b", "c")


VOTES = st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=1, max_size=30)


@given(VOTES, st.lists(st.integers(-1, 2), min_size=30, max_size=30))
def test_the_report_counts_by_definition(rows, known):
    votes, truth = np.array(rows), np.array(known[: len(rows)])
    for column, each in enumerate(report(votes, ["a", "b", "c"], ["x", "y", "z"], truth)):
        labelled = [row for row in rows if row[column] != -1]
        others = [[v for place, v in enumerate(row) if place != column and v != -1] for row in labelled]
        n = len(rows)
        assert each.coverage == pytest.approx(len(labelled) / n)
        assert each.overlaps == pytest.approx(sum(bool(o) for o in others) / n)
        conflicts = sum(any(v != row[column] for v in o) for row, o in zip(labelled, others, strict=True))
        assert each.conflicts == pytest.approx(conflicts / n)
        judged = [
            (row[column], t) for row, t in zip(rows, truth, strict=True) if row[column] != -1 and t != -1
        ]
        assert each.correct == sum(a == b for a, b in judged)
        assert each.incorrect == len(judged) - each.correct
        assert (each.accuracy is None) == (not judged)


def test_majority_leaves_ties_and_silence_without_a_label():
    votes = np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1], [-1, 1, -1]])
    labels, confidence, weights = combine(votes, 2, method="majority")
    assert labels.tolist() == [0, ABSTAIN, ABSTAIN, 1]
    assert confidence.tolist() == [2 / 3, 0, 0, 1]
    assert weights is None


def test_the_label_model_weighs_functions_by_how_they_agree():
    """Four good functions and three that guess: the model finds out which, and does better than the majority."""
    rng = np.random.default_rng(2)
    true = rng.integers(0, 2, 3000)
    accuracy = [0.9, 0.85, 0.88, 0.8, 0.55, 0.5, 0.52]
    right = rng.random((3000, 7)) < accuracy
    votes = np.where(rng.random((3000, 7)) < 0.7, np.where(right, true[:, None], 1 - true[:, None]), ABSTAIN)
    modelled, _, weights = combine(votes, 2)
    plain, _, _ = combine(votes, 2, method="majority")
    known = (modelled != ABSTAIN) & (plain != ABSTAIN)
    assert (modelled[known] == true[known]).mean() > (plain[known] == true[known]).mean() + 0.02
    assert weights is not None
    np.testing.assert_allclose(weights, accuracy, atol=0.06)


def test_functions_that_speak_of_one_class_only():
    rng = np.random.default_rng(4)
    true = rng.integers(0, 2, 2000)
    says_one = np.where((true == 1) & (rng.random(2000) < 0.6) | (rng.random(2000) < 0.05), 1, ABSTAIN)
    says_two = np.where((true == 1) & (rng.random(2000) < 0.5) | (rng.random(2000) < 0.05), 1, ABSTAIN)
    says_not = np.where((true == 0) & (rng.random(2000) < 0.7) | (rng.random(2000) < 0.05), 0, ABSTAIN)
    votes = np.stack([says_one, says_two, says_not], axis=1)
    labels, _, _ = combine(votes, 2)
    spoken = (votes != ABSTAIN).any(axis=1) & (labels != ABSTAIN)
    assert (labels[spoken] == true[spoken]).mean() > 0.9


def test_functions_come_from_a_file(tmp_path):
    file = tmp_path / "rules.py"
    file.write_text(
        "from fettle.labels import labelling_function\n\n"
        "@labelling_function\ndef tiny(row):\n    return 'small' if row['amount'] == 5 else None\n\n"
        "def not_one(row):\n    return 'big'\n\nRULES = ['amount > 100 -> big']\n"
    )
    found = load_functions(file)
    assert list(found) == ["tiny", "amount > 100 -> big"]
    assert apply_functions(FRAME, found, CLASSES)[:, 0].tolist() == [1, -1, -1, -1]
    with pytest.raises(NotFound):
        load_functions(tmp_path / "no.py")
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(Invalid, match="cannot be run"):
        load_functions(tmp_path / "bad.py")
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(Invalid, match="no labelling functions"):
        load_functions(tmp_path / "empty.py")
