import numpy as np
import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.labels.folds import out_of_fold
from fettle.labels.suspect import find_errors


def given() -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities made by arithmetic alone, so that another program can make the same."""
    i = np.arange(60)
    raw = np.stack([np.cos(1.7 * i + j * 2.1 + 0.3) * 1.6 + (i % 3 == j) * 1.9 for j in range(3)], axis=1)
    p = np.exp(raw)
    labels = i % 3
    labels[::11] = (labels[::11] + 1) % 3
    return labels, p / p.sum(axis=1, keepdims=True)


def test_the_same_labels_are_suspected_as_by_cleanlab():
    """cleanlab 2.9.0: find_label_issues(filter_by="confident_learning"), compute_confident_joint, estimate_joint."""
    found = find_errors(*given())
    assert found.issues.tolist() == [0, 33, 55, 22, 47, 42, 39, 37, 32, 49, 27, 1, 54, 6, 17]
    assert found.counts.tolist() == [[9, 3, 2], [3, 9, 2], [1, 4, 11]]
    theirs = np.array([[13, 4, 3], [4, 13, 3], [1, 5, 14]]) / 60  # rounded to whole items
    assert np.abs(found.joint - theirs).max() < 0.5 / 60
    assert found.joint.sum() == pytest.approx(1)


def test_five_percent_of_flips_are_found():
    rng = np.random.default_rng(11)
    n = 1500
    true = rng.integers(0, 3, n)
    centres = np.array([[0, 0, 0], [3, 0, 1], [0, 3, -1]])
    points = centres[true] + rng.normal(0, 1, (n, 3))
    labels = true.copy()
    flipped = rng.choice(n, n // 20, replace=False)
    labels[flipped] = (labels[flipped] + rng.integers(1, 3, flipped.size)) % 3
    frame = pl.DataFrame(points, schema=["a", "b", "c"]).with_columns(
        pl.Series(
            "words",
            [
                f"about {'stars' if each else 'stones'} and number {place}"
                for place, each in enumerate(true == 2)
            ],
        )
    )
    found = find_errors(labels, out_of_fold(frame, labels))
    hits = np.isin(found.issues, flipped)
    recall, precision = hits.sum() / flipped.size, hits.mean()
    assert recall > 0.75  # 59 of 75; the classes overlap, so that some flips look right
    assert precision > 0.88
    assert hits[:30].mean() > 0.9  # the most suspicious first
    assert (found.suggested[hits] == true[found.issues[hits]]).mean() > 0.9


def test_probabilities_must_fit():
    with pytest.raises(Invalid, match="row of probabilities"):
        find_errors(np.array([0, 1]), np.array([[0.5, 0.5]]))
    with pytest.raises(Invalid, match="no column"):
        find_errors(np.array([2]), np.array([[0.5, 0.5]]))
    with pytest.raises(Invalid, match=r"\[0, 1\]"):
        find_errors(np.array([1]), np.array([[0.5, 1.5]]))


def test_folds_need_two_rows_of_two_classes():
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0]})
    with pytest.raises(Invalid, match="two classes"):
        out_of_fold(frame, np.array([0, 0, 1]))
    with pytest.raises(Invalid, match="No column"):
        out_of_fold(pl.DataFrame({"id": ["a", "a", "a", "a"]}), np.array([0, 0, 1, 1]))


def test_a_model_never_sees_the_label_it_judges():
    """A column that is noise predicts no better than chance out of fold."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    found = out_of_fold(pl.DataFrame({"noise": rng.normal(size=400)}), labels)
    assert abs((found.argmax(axis=1) == labels).mean() - 0.5) < 0.1
