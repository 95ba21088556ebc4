import numpy as np
import pytest

from fettle.core.errors import Invalid
from fettle.labels.vote import dawid_skene, majority

# Dawid and Skene (1979), table 1: 45 patients, five anaesthetists, the first of whom saw each three times.
PATIENTS = """
111 1 1 1 1|333 4 3 3 4|112 2 1 2 2|222 3 1 2 1|222 3 2 2 2|222 3 3 2 2|122 2 1 1 1|333 3 4 3 3|222 2 2 2 3
232 2 2 2 3|444 4 4 4 4|222 3 3 4 3|111 1 1 1 1|222 3 2 1 2|121 1 1 1 1|111 2 1 1 1|111 1 1 1 1|111 1 1 1 1
222 2 2 2 1|222 1 3 2 2|222 2 2 2 2|222 2 2 2 1|222 3 2 2 2|221 2 2 2 2|111 1 1 1 1|111 1 1 1 1|232 2 2 2 2
111 1 1 1 1|111 1 1 1 1|112 1 1 2 1|111 1 1 1 1|333 3 2 3 3|111 1 1 1 1|222 2 2 2 2|222 3 2 3 2|433 4 3 4 3
221 2 2 3 2|232 3 2 3 3|333 3 4 3 2|111 1 1 1 1|111 1 1 1 1|121 2 1 1 1|232 2 2 2 2|121 1 1 1 1|222 2 2 2 2
"""


def ratings() -> list[tuple[int, int, int]]:
    lines = PATIENTS.strip().replace("\n", "|").split("|")
    return [
        (patient, observer, int(sign) - 1)
        for patient, line in enumerate(lines)
        for observer, cell in enumerate(line.split())
        for sign in cell
    ]


def plain_em(
    rows: list[tuple[int, int, int]], classes: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The paper's equations 2.3 to 2.5, one number after the other."""
    items, people = 1 + max(row[0] for row in rows), 1 + max(row[1] for row in rows)
    counts = np.zeros((items, people, classes))
    for item, person, label in rows:
        counts[item, person, label] += 1
    truth = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    prior, errors = np.zeros(classes), np.zeros((people, classes, classes))
    for _ in range(steps):
        prior = truth.mean(axis=0)
        for person in range(people):
            for true in range(classes):
                given = (truth[:, true, None] * counts[:, person]).sum(axis=0)
                errors[person, true] = given / given.sum()
        for item in range(items):
            for true in range(classes):
                truth[item, true] = prior[true] * np.prod(errors[:, true] ** counts[item])
            truth[item] /= truth[item].sum()
    return truth, prior, errors


def test_the_anaesthetists_of_the_paper():
    """The class shares are those of the paper's table 2; all else is computed again by its plain equations."""
    rows = ratings()
    assert len(rows) == 315
    found = dawid_skene(*zip(*rows, strict=True), 4, tolerance=1e-13)  # type: ignore[arg-type]  # three columns
    assert found.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    truth, prior, errors = plain_em(rows, 4, 200)
    np.testing.assert_allclose(found.prior, prior, atol=1e-6)
    np.testing.assert_allclose(found.confusion, errors, atol=1e-5)
    np.testing.assert_allclose(found.posterior, truth, atol=1e-5)
    assert found.confusion[0].round(2).tolist()[:3] == [
        [0.89, 0.11, 0, 0],
        [0.07, 0.88, 0.05, 0],
        [0, 0.34, 0.66, 0],
    ]


def test_known_confusion_is_recovered():
    rng = np.random.default_rng(5)
    true = rng.choice(3, 4000, p=[0.5, 0.3, 0.2])
    confusion = np.array(
        [
            [[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.05, 0.05, 0.9]],
            [[0.7, 0.2, 0.1], [0.1, 0.85, 0.05], [0.2, 0.2, 0.6]],
            [[0.6, 0.3, 0.1], [0.05, 0.9, 0.05], [0.1, 0.1, 0.8]],
            [[0.95, 0.03, 0.02], [0.3, 0.5, 0.2], [0.02, 0.08, 0.9]],
        ]
    )
    rows = [
        (item, person, rng.choice(3, p=confusion[person, label]))
        for item, label in enumerate(true)
        for person in range(4)
        if rng.random() < 0.9  # answers may be missing
    ]
    found = dawid_skene(*zip(*rows, strict=True), 3)  # type: ignore[arg-type]  # three columns
    np.testing.assert_allclose(found.confusion, confusion, atol=0.06)
    np.testing.assert_allclose(found.prior, [0.5, 0.3, 0.2], atol=0.03)
    votes = [[label for item, _, label in rows if item == each] for each in range(400)]
    plain = np.mean([majority(given)[0][0] == true[item] for item, given in enumerate(votes) if given])
    assert (found.posterior[:400].argmax(axis=1) == true[:400]).mean() > plain


def test_a_spammer_is_told_from_two_who_are_careful():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 2, 300)
    rows = [
        (item, person, int(label) if person < 2 else 1)
        for item, label in enumerate(true)
        for person in range(4)
    ]
    found = dawid_skene(*zip(*rows, strict=True), 2, smoothing=0.01)  # type: ignore[arg-type]  # three columns
    assert (found.posterior.argmax(axis=1) == true).all()
    assert found.confusion[3, 0, 1] > 0.95


def test_answers_that_name_no_class():
    with pytest.raises(Invalid, match="known class"):
        dawid_skene([0], [0], [3], 3)
    with pytest.raises(Invalid, match="0 answers"):
        dawid_skene([], [], [], 3)


def test_majority_reports_ties():
    assert majority(["a", "b", "a"]) == (["a"], 2 / 3)
    assert majority(["b", "a"]) == (["b", "a"], 0.5)
